//! What a damaged store answers.

use super::*;

/// A disk that keeps nothing, for many commits that no power cut follows.
#[derive(Debug)]
struct HastyDisk;

impl Disk for HastyDisk {
    fn keep_file(&self, _path: &Path, _file: &File) -> io::Result<()> {
        Ok(())
    }

    fn keep_folder(&self, _path: &Path) -> io::Result<()> {
        Ok(())
    }
}

/// Has the engine read its whole log, as it does after a crash.
fn forget_snapshots(folder: &Path) {
    for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        if entry.file_name().to_string_lossy().starts_with("snap.") {
            std::fs::remove_file(entry.path()).unwrap();
        }
    }
}

#[test]
fn a_changed_byte_anywhere_in_a_row_is_corrupt() {
    let dir = TempDir::new().unwrap();
    let store = open(&dir);
    let key = b"\x10a";
    store.commit(&put(key, &long(9_000))).unwrap();
    let rows = [key.to_vec(), row::chunk_key(key, 0), row::chunk_key(key, 1)];
    for stored in rows {
        let sound = store.core.engine.get(&stored).unwrap().unwrap();
        for at in [0, 1, 2, 3, 6, 7, sound.len() - 1] {
            let mut damaged = sound.clone();
            damaged[at] ^= 0x10;
            store.core.engine.apply([(stored.clone(), Some(damaged))]).unwrap();
            let error = store.get(key).unwrap_err();
            assert!(matches!(&error, StoreError::Corrupt { key: at } if at == key), "{error}");
            let scanned: Vec<_> = store.scan_prefix(b"\x10").collect();
            assert!(matches!(scanned[..], [Err(StoreError::Corrupt { .. })]), "{scanned:?}");
        }
        store.core.engine.apply([(stored.clone(), None)]).unwrap();
        assert!(stored == key || matches!(store.get(key), Err(StoreError::Corrupt { .. })));
        store.core.engine.apply([(stored, Some(sound))]).unwrap();
        assert_eq!(store.get(key).unwrap().unwrap(), long(9_000));
    }
    store.core.engine.apply([(key.to_vec(), Some(vec![1, 0]))]).unwrap();
    assert!(matches!(store.get(key), Err(StoreError::Corrupt { .. })), "a head that is cut short");
}

#[test]
fn a_store_that_lost_durable_rows_is_refused() {
    let dir = TempDir::new().unwrap();
    let folder = dir.path().join("store");
    let (log, mark) = (folder.join("db"), folder.join("mark"));
    let fill = |rounds: std::ops::Range<u8>| {
        let store = open(&dir);
        for round in rounds {
            store.commit(&put(&[0x10, round], &long(5_000))).unwrap();
        }
        store.close().unwrap();
        std::fs::read(&log).unwrap()
    };
    let older = fill(0..50);
    assert_eq!(std::fs::read_to_string(&mark).unwrap(), "51\n", "the format and fifty more");
    let newer = fill(50..60);

    for damaged in [Vec::new(), vec![0; newer.len()], vec![0x5a; newer.len()], older] {
        forget_snapshots(&folder);
        std::fs::write(&log, &damaged).unwrap();
        let error = Store::open(dir.path(), &options()).unwrap_err();
        assert!(matches!(error, StoreError::Lost { marked: 61, found: 0 | 51, .. }), "{error:?}");
    }
    forget_snapshots(&folder);
    std::fs::write(&log, newer).unwrap();
    assert_eq!(all(&open(&dir), b"\x10").len(), 60);

    std::fs::write(&log, b"").unwrap();
    forget_snapshots(&folder);
    std::fs::remove_file(&mark).unwrap();
    assert_eq!(all(&open(&dir), b"\x10").len(), 0, "without its mark it is a new store");
}

#[test]
fn reading_a_family_misses_rows_that_vanished_or_went_back() {
    let dir = TempDir::new().unwrap();
    let store = open(&dir);
    for seq in 1..=3 {
        store.commit(&put(&Key::Audit(seq).bytes(), b"record")).unwrap();
    }
    store.commit(&put(&Key::Audit(2).bytes(), b"newer")).unwrap();
    let key = Key::Audit(2).bytes();
    let sound = store.core.engine.get(&key).unwrap();
    let older = row::split(&key, b"record").head;
    for (damaged, found) in [(None, 2), (Some(older), 3)] {
        store.core.engine.apply([(key.clone(), damaged)]).unwrap();
        let last = store.scan_prefix(&Family::Audit.prefix()).last().unwrap();
        assert!(
            matches!(last, Err(StoreError::Altered { family: 0x40, rows: 3, found: at }) if at == found),
            "{last:?}"
        );
        // What is not read from end to end proves nothing.
        assert!(store.scan_prefix(&Key::Audit(1).bytes()).all(|row| row.is_ok()));
        assert!(store.scan_prefix_back(&Family::Audit.prefix(), None).all(|row| row.is_ok()));
    }
    store.core.engine.apply([(key, sound)]).unwrap();
    assert_eq!(all(&store, &Family::Audit.prefix()).len(), 3);
    drop(store);
    assert_eq!(all(&open(&dir), &Family::Audit.prefix()).len(), 3);
}

#[test]
fn a_bad_sector_anywhere_in_the_log_is_noticed() {
    let dir = TempDir::new().unwrap();
    let disk = Arc::new(HastyDisk);
    let store = Store::open(dir.path(), &OpenOptions { disk, ..options() }).unwrap();
    for round in 0..700u32 {
        let mut rows = Rows::new();
        for key in 0..4 {
            let bytes = if key == 0 { 2_000 } else { 300 };
            rows.put([&[0x10][..], &((round * 7 + key * 13) % 2_000).to_be_bytes()].concat(), vec![round as u8; bytes]);
        }
        store.commit(&rows).unwrap();
    }
    let expected = all(&store, b"\x10");
    store.close().unwrap();
    let folder = dir.path().join("store");
    let (log, mark) = (folder.join("db"), folder.join("mark"));
    let sound = std::fs::read(&log).unwrap();
    let marked = std::fs::read(&mark).unwrap();
    for at in (100_000..sound.len()).step_by(262_144) {
        forget_snapshots(&folder);
        let mut damaged = sound.clone();
        damaged[at..(at + 512).min(sound.len())].fill(0x5a);
        std::fs::write(&log, damaged).unwrap();
        std::fs::write(&mark, &marked).unwrap();
        let read = Store::open(dir.path(), &options()).and_then(|store| store.scan_prefix(b"\x10").collect());
        assert!(read.is_err() || read.is_ok_and(|rows: Vec<_>| rows == expected), "byte {at}");
    }
}

#[test]
fn a_torn_log_that_makes_the_engine_panic_is_an_error() {
    let dir = TempDir::new().unwrap();
    let store = open(&dir);
    for round in 0..100 {
        store.commit(&put(&[0x10, round], &long(9_000))).unwrap();
    }
    store.close().unwrap();
    // The first segment, which holds the engine's own first pages, is gone; the later ones stand.
    let log = dir.path().join("store/db");
    let sound = std::fs::read(&log).unwrap();
    let mut torn = sound.clone();
    torn[..512 * 1024].fill(0);
    std::fs::write(&log, torn).unwrap();
    let error = Store::open(dir.path(), &options()).unwrap_err();
    assert!(matches!(error, StoreError::Panicked(_) | StoreError::Engine(_) | StoreError::Lost { .. }), "{error:?}");
}
