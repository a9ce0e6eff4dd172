//! LIST: the files of a folder, in a volume or an external location.
//!
//! READ VOLUME opens `/Volumes/catalog/schema/volume/..`, READ FILES what lies in an external location. The folders of
//! tables and volumes in it are left out, as the names of their files tell of rows; so are symbolic links.

use std::fs::{DirEntry, Metadata};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use lakewarden_catalog::model::{FullName, Privilege, SecurableKind, VolumeType};
use lakewarden_catalog::{CatalogError, Pinned};
use url::Url;

use super::Run;
use crate::delta::{Location, LocationError};
use crate::error::EngineError;
use crate::statement::ListFiles;
use crate::stream::{AnswerColumn, QueryStream, answer};

/// The most files of one answer.
const MOST: usize = 100_000;

/// A folder to list, and how its entries are called.
struct Shown {
    folder: PathBuf,
    /// The volume path of the folder; none when its entries go by their URLs.
    volume_path: Option<String>,
}

impl Run {
    pub(super) async fn list_files(&self, list: ListFiles) -> Result<QueryStream, EngineError> {
        let shown = match volume_path(&list.path) {
            Some((name, rest)) => self.folder_of_volume(&list.path, &name?, &rest)?,
            None => Shown { folder: self.readable_folder(&list.path)?.path().to_path_buf(), volume_path: None },
        };
        let pinned = self.pinned.clone();
        let listed = self.engine.catalog().call(move |_| shown.rows(&pinned, &list));
        rows_answer(listed.await?)
    }

    /// A folder of a volume, by its volume path.
    fn folder_of_volume(&self, text: &str, name: &FullName, rest: &[&str]) -> Result<Shown, EngineError> {
        let volume = self.pinned.resolve_for(SecurableKind::Volume, name, Privilege::ReadVolume)?;
        let body = volume.as_volume().ok_or_else(|| EngineError::internal("a volume without its body"))?;
        let root = Location::recorded(&body.location, body.volume_type == VolumeType::External)?;
        if rest.contains(&"..") {
            return Err(LocationError::Invalid(text.to_owned(), "the path must not contain `..`").into());
        }
        let folder = Location::from_path(&root.path().join(rest.join("/")))?;
        match folder.path().starts_with(root.path()) {
            true => Ok(Shown { folder: folder.path().to_path_buf(), volume_path: Some(text.to_owned()) }),
            false => Err(no_folder(text)),
        }
    }

    /// A folder of an external location.
    fn readable_folder(&self, text: &str) -> Result<Location, EngineError> {
        let pinned = &self.pinned;
        let folder = self.judged_folder(text, pinned.require_some_files(), |url| pinned.require_files(url))?;
        match pinned.state().data_around(&folder.to_string()) {
            Some(_) => Err(no_folder(text)),
            None => Ok(folder),
        }
    }
}

impl Shown {
    fn rows(&self, pinned: &Pinned, list: &ListFiles) -> Result<Vec<FileRow>, EngineError> {
        let fault = |fault: std::io::Error| match fault.kind() {
            std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory => no_folder(&list.path),
            _ => LocationError::Io(list.path.clone(), fault).into(),
        };
        let limit = list.limit.filter(|limit| *limit <= MOST);
        let mut rows: Vec<FileRow> = Vec::new();
        for entry in std::fs::read_dir(&self.folder).map_err(fault)? {
            let Some(row) = self.row(&entry.map_err(fault)?, pinned) else { continue };
            match limit {
                Some(limit) if rows.len() == limit => break,
                None if rows.len() == MOST => {
                    return Err(EngineError::Limit(format!("the folder has more than {MOST} files: add a LIMIT")));
                }
                _ => rows.push(row),
            }
        }
        rows.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(rows)
    }

    /// None for links, for folders of tables and volumes, and for what went meanwhile.
    fn row(&self, entry: &DirEntry, pinned: &Pinned) -> Option<FileRow> {
        let file = entry.metadata().ok().filter(|file| !file.is_symlink())?;
        let (path, name) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
        let shown = match &self.volume_path {
            Some(above) => format!("{}/{name}", above.trim_end_matches('/')),
            None => url_of(&path).filter(|url| pinned.state().data_around(url).is_none())?,
        };
        Some(FileRow::new(shown, name, &file))
    }
}

/// A file or folder as it is told.
struct FileRow {
    path: String,
    name: String,
    size: i64,
    modified: Option<String>,
}

impl FileRow {
    fn new(path: String, name: String, file: &Metadata) -> Self {
        let slash = if file.is_dir() { "/" } else { "" };
        let size = if file.is_dir() { 0 } else { i64::try_from(file.len()).unwrap_or(i64::MAX) };
        let since = file.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        let ms = since.and_then(|since| i64::try_from(since.as_millis()).ok());
        let modified = ms.and_then(chrono::DateTime::from_timestamp_millis).map(|time| time.to_rfc3339());
        Self { path: format!("{path}{slash}"), name: format!("{name}{slash}"), size, modified }
    }
}

fn rows_answer(rows: Vec<FileRow>) -> Result<QueryStream, EngineError> {
    let sizes = rows.iter().map(|row| row.size).collect();
    let modified = rows.iter().map(|row| row.modified.clone()).collect();
    let (paths, names) = rows.into_iter().map(|row| (Some(row.path), Some(row.name))).unzip();
    answer(vec![
        AnswerColumn::Text("path", paths),
        AnswerColumn::Text("name", names),
        AnswerColumn::Number("size", sizes),
        AnswerColumn::Text("modification_time", modified),
    ])
}

/// The volume that `/Volumes/catalog/schema/volume/..` names, and what follows; none for other paths.
fn volume_path(text: &str) -> Option<(Result<FullName, CatalogError>, Vec<&str>)> {
    let mut parts = text.strip_prefix("/Volumes/")?.split('/').filter(|part| !part.is_empty());
    let name: Vec<&str> = parts.by_ref().take(3).collect();
    Some((FullName::from_parts(&name), parts.collect()))
}

fn url_of(path: &Path) -> Option<String> {
    Url::from_file_path(path).ok().map(Into::into)
}

fn no_folder(text: &str) -> EngineError {
    CatalogError::NoSuch { what: "folder", name: text.to_owned() }.into()
}
