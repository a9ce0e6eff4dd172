use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};

use tempfile::TempDir;

use super::row::{CHUNK_BYTES, MAX_KEY_BYTES, MAX_VALUE_BYTES, OVERFLOW};
use super::*;

mod damage;
mod model;

fn options() -> OpenOptions {
    OpenOptions { cache_bytes: 8 * 1024 * 1024, ..OpenOptions::default() }
}

fn open(dir: &TempDir) -> Store {
    Store::open(dir.path(), &options()).unwrap()
}

fn put(key: &[u8], value: &[u8]) -> Rows {
    let mut rows = Rows::new();
    rows.put(key, value);
    rows
}

fn delete(key: &[u8]) -> Rows {
    let mut rows = Rows::new();
    rows.delete(key);
    rows
}

fn long(bytes: usize) -> Vec<u8> {
    (0..bytes).map(|at| (at % 251) as u8).collect()
}

fn all(store: &Store, prefix: &[u8]) -> Vec<(Vec<u8>, Vec<u8>)> {
    store.scan_prefix(prefix).map(Result::unwrap).collect()
}

/// Every row of the engine under the bytes of chunks.
fn chunks(store: &Store) -> usize {
    let mut rows = store.core.engine.range(&[OVERFLOW], &[OVERFLOW, 0xff, 0xff]).unwrap();
    std::iter::from_fn(|| rows.step(false).unwrap()).count()
}

/// A disk that fails to keep the log from one call on, and counts the calls.
#[derive(Debug, Default)]
struct FailingDisk {
    calls: AtomicUsize,
    fails_from: AtomicUsize,
    panics: bool,
}

impl Disk for FailingDisk {
    fn keep_file(&self, path: &Path, file: &File) -> io::Result<()> {
        if path.file_name().is_none_or(|name| name != "db") {
            return RealDisk.keep_file(path, file);
        }
        let call = self.calls.fetch_add(1, Ordering::SeqCst) + 1;
        let from = self.fails_from.load(Ordering::SeqCst);
        if from == 0 || call < from {
            return RealDisk.keep_file(path, file);
        }
        assert!(!self.panics, "the disk is gone");
        Err(io::Error::other("the disk is gone"))
    }

    fn keep_folder(&self, path: &Path) -> io::Result<()> {
        RealDisk.keep_folder(path)
    }
}

impl FailingDisk {
    fn fail_now(&self) {
        self.fails_from.store(1, Ordering::SeqCst);
    }
}

#[test]
fn what_was_committed_is_there_when_opened_again() {
    let dir = TempDir::new().unwrap();
    let store = open(&dir);
    store.commit(&put(b"\x10a", b"one")).unwrap();
    store.commit(&put(b"\x10b", b"")).unwrap();
    store.close().unwrap();

    let store = open(&dir);
    assert_eq!(store.get(b"\x10a").unwrap().unwrap(), b"one");
    assert_eq!(store.get(b"\x10b").unwrap().unwrap(), b"");
    assert_eq!(store.get(b"\x10c").unwrap(), None);
}

#[test]
fn the_last_write_of_a_key_wins() {
    let dir = TempDir::new().unwrap();
    let store = open(&dir);
    let mut rows = put(b"\x10a", b"one");
    rows.delete(*b"\x10a");
    rows.put(*b"\x10b", *b"one");
    rows.put(*b"\x10b", *b"two");
    assert_eq!((rows.len(), rows.is_empty()), (2, false));
    store.commit(&rows).unwrap();
    assert_eq!(all(&store, b"\x10"), [(b"\x10b".to_vec(), b"two".to_vec())]);
}

#[test]
fn long_values_come_back_and_leave_no_chunk_behind() {
    let dir = TempDir::new().unwrap();
    let store = open(&dir);
    let sizes = [CHUNK_BYTES, CHUNK_BYTES + 1, 2 * CHUNK_BYTES, 10_000, 300_000, 100, 10_000];
    for (bytes, expected) in sizes.into_iter().zip([0, 1, 1, 2, 83, 0, 2]) {
        store.commit(&put(b"\x10a", &long(bytes))).unwrap();
        assert_eq!(store.get(b"\x10a").unwrap().unwrap(), long(bytes), "{bytes}");
        assert_eq!(chunks(&store), expected, "{bytes}");
    }
    store.commit(&delete(b"\x10a")).unwrap();
    assert_eq!((store.get(b"\x10a").unwrap(), chunks(&store)), (None, 0));
}

#[test]
fn no_value_makes_a_file_that_is_never_synced() {
    let dir = TempDir::new().unwrap();
    let store = open(&dir);
    for round in 0..40u8 {
        let mut rows = Rows::new();
        for key in 0..20u8 {
            rows.put([0x10, key], long(3_000 + usize::from(round) * 400 + usize::from(key)));
        }
        store.commit(&rows).unwrap();
    }
    store.close().unwrap();
    assert_eq!(std::fs::read_dir(dir.path().join("store/blobs")).unwrap().count(), 0);
}

#[test]
fn a_file_that_is_never_synced_is_noticed() {
    let dir = TempDir::new().unwrap();
    let store = open(&dir);
    assert!(!store.core.blobs_seen.load(Ordering::SeqCst));
    // Written past the chunks, as if a page had grown too long.
    store.core.engine.apply([(vec![0x10], Some(long(400_000)))]).unwrap();
    store.core.sync().unwrap();
    assert!(store.core.blobs_seen.load(Ordering::SeqCst));
}

#[test]
fn scans_are_ordered_and_never_show_chunks() {
    let dir = TempDir::new().unwrap();
    let store = open(&dir);
    let keys: [&[u8]; 6] = [b"\x10", b"\x10\x00", b"\x10\xff", b"\x10\xff\xff", b"\x11", b"\xfe\xff"];
    let mut rows = Rows::new();
    for key in keys.iter().rev() {
        rows.put(*key, long(9_000));
    }
    store.commit(&rows).unwrap();

    let scanned = |prefix: &[u8]| all(&store, prefix).into_iter().map(|(key, _)| key).collect::<Vec<_>>();
    let own = [MetaRow::Format, MetaRow::Ledger].map(|row| Key::Meta(row).bytes());
    assert_eq!(scanned(b""), [&own.each_ref().map(Vec::as_slice)[..], &keys[..]].concat());
    assert_eq!(scanned(b"\x10"), keys[..4]);
    assert_eq!(scanned(b"\x10\xff"), keys[2..4]);
    assert_eq!(scanned(b"\xff"), [] as [&[u8]; 0]);
    assert!(all(&store, b"\x10").iter().all(|(_, value)| *value == long(9_000)));
}

#[test]
fn scans_from_the_end_page() {
    let dir = TempDir::new().unwrap();
    let store = open(&dir);
    let mut rows = Rows::new();
    (1..=5).for_each(|seq| rows.put(Key::Audit(seq), long(seq as usize * 2_000)));
    rows.put(Key::Intent(uuid::Uuid::nil()), *b"behind");
    store.commit(&rows).unwrap();

    let seqs = |before: Option<u64>, take: usize| -> Vec<_> {
        let before = before.map(|seq| Key::Audit(seq).bytes());
        let rows = store.scan_prefix_back(&Family::Audit.prefix(), before.as_deref()).take(take);
        rows.map(|row| Key::parse(&row.unwrap().0).unwrap()).collect()
    };
    assert_eq!(seqs(None, 2), [Key::Audit(5), Key::Audit(4)]);
    assert_eq!(seqs(Some(4), 9), [Key::Audit(3), Key::Audit(2), Key::Audit(1)]);
    assert_eq!(seqs(Some(1), 9), []);
    assert_eq!(store.scan_prefix_back(&Family::Audit.prefix(), Some(b"\x01")).count(), 0);
    assert_eq!(store.scan_prefix_back(&Family::Audit.prefix(), Some(b"\xfe")).count(), 5);
}

#[test]
fn a_second_store_on_the_folder_is_refused_with_the_holder() {
    let dir = TempDir::new().unwrap();
    let first = open(&dir);
    let error = Store::open(dir.path(), &options()).unwrap_err();
    let pid = std::process::id();
    assert!(matches!(error, StoreError::Locked { holder: Some(holder), .. } if holder == pid), "{error:?}");
    assert_eq!(
        error.to_string(),
        format!(
            "the data folder `{}` is in use by process {pid}: stop that server first, or choose another folder",
            dir.path().display()
        )
    );
    first.commit(&put(b"\x10a", b"one")).unwrap();
    first.close().unwrap();
    assert_eq!(open(&dir).get(b"\x10a").unwrap().unwrap(), b"one");
}

#[test]
fn after_a_failed_sync_every_commit_answers_stopped() {
    let dir = TempDir::new().unwrap();
    for panics in [false, true] {
        let disk = Arc::new(FailingDisk { panics, ..FailingDisk::default() });
        let store = Store::open(dir.path(), &OpenOptions { disk: disk.clone(), ..options() }).unwrap();
        store.commit(&put(b"\x10a", b"one")).unwrap();
        assert!(!store.is_stopped());
        disk.fail_now();
        let error = store.commit(&put(b"\x10a", b"two")).unwrap_err();
        assert_eq!(matches!(error, StoreError::Panicked(_)), panics, "{error:?}");
        assert!(store.is_stopped());
        disk.fails_from.store(0, Ordering::SeqCst);
        assert!(matches!(store.commit(&put(b"\x10b", b"one")), Err(StoreError::Stopped)));
        assert!(matches!(store.append_relaxed(&put(b"\x10b", b"one")), Err(StoreError::Stopped)));
        assert_eq!(store.get(b"\x10b").unwrap(), None);
        drop(store);
        assert!(open(&dir).get(b"\x10a").unwrap().is_some());
    }
}

#[test]
fn a_store_that_cannot_keep_its_files_does_not_open() {
    let dir = TempDir::new().unwrap();
    let disk = Arc::new(FailingDisk::default());
    disk.fail_now();
    let error = Store::open(dir.path(), &OpenOptions { disk, ..options() }).unwrap_err();
    assert!(matches!(error, StoreError::Io { .. }), "{error:?}");
}

#[test]
fn relaxed_rows_are_synced_by_the_next_commit_the_timer_or_the_close() {
    let dir = TempDir::new().unwrap();
    let disk = Arc::new(FailingDisk::default());
    let calls = || disk.calls.load(Ordering::SeqCst);
    let slow = OpenOptions { disk: disk.clone(), relaxed_ms: 60_000, ..options() };

    let store = Store::open(dir.path(), &slow).unwrap();
    let opened = calls();
    store.append_relaxed(&put(b"\x10a", b"relaxed")).unwrap();
    assert_eq!(calls(), opened);
    store.commit(&put(b"\x10b", b"one")).unwrap();
    assert_eq!(calls(), opened + 1);
    store.append_relaxed(&put(b"\x10c", b"relaxed")).unwrap();
    store.close().unwrap();
    assert_eq!(calls(), opened + 2);

    let store = Store::open(dir.path(), &OpenOptions { relaxed_ms: 10, ..slow }).unwrap();
    assert_eq!(all(&store, b"\x10").len(), 3);
    let opened = calls();
    store.append_relaxed(&put(b"\x10d", b"relaxed")).unwrap();
    let until = std::time::Instant::now() + Duration::from_secs(20);
    while calls() == opened && std::time::Instant::now() < until {
        std::thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(calls(), opened + 1);
    std::thread::sleep(Duration::from_millis(50));
    assert_eq!(calls(), opened + 1, "nothing is synced when nothing was written");
}

#[test]
fn what_the_store_does_not_take_is_refused_and_the_store_goes_on() {
    let dir = TempDir::new().unwrap();
    let store = open(&dir);
    let refused = [
        put(b"", b"one"),
        put(&[OVERFLOW, 1], b"one"),
        delete(&[OVERFLOW, b'\x10', b'a', 0, 0]),
        put(&[0x10; MAX_KEY_BYTES + 1], b"one"),
        put(b"\x10b", &vec![0; MAX_VALUE_BYTES + 1]),
    ];
    for mut rows in refused {
        rows.put(*b"\x10a", *b"beside it");
        assert!(matches!(store.commit(&rows), Err(StoreError::Refused { .. })));
        assert!(matches!(store.append_relaxed(&rows), Err(StoreError::Refused { .. })));
    }
    assert_eq!(all(&store, b"\x10"), []);
    store.commit(&put(&[0x10; MAX_KEY_BYTES], &long(20_000))).unwrap();
}

#[test]
fn another_format_and_another_database_are_refused() {
    for other in [0, FORMAT + 1] {
        let dir = TempDir::new().unwrap();
        let store = open(&dir);
        store.commit(&put(&Key::Meta(MetaRow::Format).bytes(), &other.to_be_bytes())).unwrap();
        drop(store);
        let error = Store::open(dir.path(), &options()).unwrap_err();
        assert!(matches!(error, StoreError::Format { found, expected: FORMAT, .. } if found == other), "{error:?}");
    }

    let dir = TempDir::new().unwrap();
    let store = open(&dir);
    store.commit(&delete(&Key::Meta(MetaRow::Format).bytes())).unwrap();
    store.commit(&put(b"\x10a", b"one")).unwrap();
    drop(store);
    let error = Store::open(dir.path(), &options()).unwrap_err();
    assert!(matches!(error, StoreError::Foreign { .. }), "{error:?}");
}

#[test]
fn a_store_of_an_older_format_is_of_this_one_once_it_was_opened() {
    let dir = TempDir::new().unwrap();
    let format = Key::Meta(MetaRow::Format).bytes();
    open(&dir).commit(&put(&format, &OLDEST_FORMAT.to_be_bytes())).unwrap();
    assert_eq!(open(&dir).get(&format).unwrap().unwrap(), FORMAT.to_be_bytes());
}

#[cfg(unix)]
#[test]
fn new_folders_are_for_the_owner_only() {
    use std::os::unix::fs::PermissionsExt as _;

    let dir = TempDir::new().unwrap();
    let data = dir.path().join("some/data");
    drop(Store::open(&data, &options()).unwrap());
    for folder in [data.parent().unwrap(), &data, &data.join("store")] {
        assert_eq!(std::fs::metadata(folder).unwrap().permissions().mode() & 0o777, 0o700, "{}", folder.display());
    }
}

#[test]
fn readers_beside_the_writer_see_whole_values() {
    let dir = TempDir::new().unwrap();
    let store = open(&dir);
    let key = b"\x10a";
    store.commit(&put(key, &[0; 9_000])).unwrap();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::SeqCst) {
                let scanned = all(&store, b"\x10").pop().unwrap().1;
                for value in [store.get(key).unwrap().unwrap(), scanned] {
                    let first = value[0];
                    assert!(value.iter().all(|byte| *byte == first));
                }
            }
        });
        for round in 1..=200u8 {
            store.append_relaxed(&put(key, &vec![round; 4_000 + usize::from(round) * 50])).unwrap();
        }
        done.store(true, Ordering::SeqCst);
    });
}
