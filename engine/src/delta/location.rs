//! Where a table's files are: an absolute folder on this machine, said as a path or as a `file:` URL.

use std::fmt;
use std::path::{Component, Path, PathBuf};

use lakewarden_catalog::model::{TableBody, TableType};
use url::Url;

use super::contained::has_no_links;

/// A folder: absolute, without `..`, symbolic links resolved as far as it existed when it was read.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Location {
    folder: PathBuf,
}

/// Why a text is no location.
#[derive(Debug, thiserror::Error)]
pub enum LocationError {
    /// A storage that isn't built.
    #[error("locations with the scheme `{0}` are not supported yet: use an absolute path or a `file:///` URL")]
    Scheme(String),
    /// Not a place that a table may have.
    #[error("`{0}` is not a location: {1}")]
    Invalid(String, &'static str),
    /// A link leads elsewhere than when it was recorded.
    #[error("the folder is not where it was when it was recorded: a symbolic link leads elsewhere")]
    Moved,
    /// A link in it leads elsewhere.
    #[error("the folder holds a symbolic link, so that it is not written")]
    Linked,
    /// The file system says no.
    #[error("the location `{0}` cannot be used")]
    Io(String, #[source] std::io::Error),
}

impl LocationError {
    /// Whether it names a real storage that isn't built, rather than a mistake.
    pub fn is_unsupported(&self) -> bool {
        matches!(self, Self::Scheme(_))
    }
}

impl Location {
    /// Reads a location as a caller writes it: `/data/t`, `file:///data/t` or `file:/data/t`. The folder need not
    /// exist.
    ///
    /// # Errors
    /// See [`LocationError`]: relative paths, `..`, other machines and other storages are refused.
    pub fn parse(text: &str) -> Result<Self, LocationError> {
        Self::from_path(&path_of(text)?)
    }

    /// Reads a location without asking the file system: symbolic links stay as they are, so it says where a text leads only
    /// when there are none.
    ///
    /// # Errors
    /// As `parse`, without `Io`.
    pub fn unresolved(text: &str) -> Result<Self, LocationError> {
        let path = path_of(text)?;
        checked(&path, |path| Ok(path.components().collect()))
    }

    /// The location of a table.
    ///
    /// # Errors
    /// As `recorded`.
    pub fn of_table(table: &TableBody) -> Result<Self, LocationError> {
        Self::recorded(&table.location, table.table_type == TableType::External)
    }

    /// The location of a table that is written: the folders of an external one's partitions must be no links either.
    ///
    /// # Errors
    /// As `of_table`, and `Linked`.
    pub fn of_table_to_write(table: &TableBody) -> Result<Self, LocationError> {
        let location = Self::of_table(table)?;
        let levels = table.columns.iter().filter(|column| column.partition_index.is_some()).count();
        let is_plain = || has_no_links(location.path(), levels);
        let fault = |fault| LocationError::Io(table.location.to_string(), fault);
        match table.table_type == TableType::External && !is_plain().map_err(fault)? {
            true => Err(LocationError::Linked),
            false => Ok(location),
        }
    }

    /// A location that the catalog keeps. Whoever may change the folders above an external one could put a link in their
    /// place, so it is read only where it was created. Managed folders are the server's, which may be moved.
    ///
    /// # Errors
    /// As `parse`, and `Moved`.
    pub fn recorded(url: &str, external: bool) -> Result<Self, LocationError> {
        let location = Self::parse(url)?;
        match external && Self::unresolved(url)? != location {
            true => Err(LocationError::Moved),
            false => Ok(location),
        }
    }

    /// The location of an absolute path.
    ///
    /// # Errors
    /// As `parse`.
    pub fn from_path(path: &Path) -> Result<Self, LocationError> {
        checked(path, canonical)
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.folder
    }

    /// The URL of the folder, with a slash at its end.
    ///
    /// # Errors
    /// `Invalid`, which no location that was parsed gives.
    pub fn url(&self) -> Result<Url, LocationError> {
        let invalid = |()| LocationError::Invalid(self.folder.display().to_string(), "it is no URL");
        Url::from_directory_path(&self.folder).map_err(invalid)
    }

    /// Whether the folder is below another one, not the same.
    pub fn is_below(&self, root: &Self) -> bool {
        self.folder != root.folder && self.folder.starts_with(&root.folder)
    }
}

/// `file:///folder`, without a slash at its end: how the catalog keeps it.
impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match Url::from_file_path(&self.folder) {
            Ok(url) => f.write_str(url.as_str()),
            Err(()) => write!(f, "{}", self.folder.display()),
        }
    }
}

/// The path that a text says.
fn path_of(text: &str) -> Result<PathBuf, LocationError> {
    let invalid = |reason| LocationError::Invalid(text.to_owned(), reason);
    match scheme(text) {
        Some(scheme) if scheme.eq_ignore_ascii_case("file") => file_url(text).map_err(invalid),
        Some(scheme) => Err(LocationError::Scheme(scheme.to_owned())),
        None => Ok(PathBuf::from(text)),
    }
}

/// The location of a path, once `resolve` has said which folder that is.
fn checked(path: &Path, resolve: impl Fn(&Path) -> std::io::Result<PathBuf>) -> Result<Location, LocationError> {
    let text = path.display().to_string();
    let invalid = |reason| LocationError::Invalid(text.clone(), reason);
    if text.contains('\0') {
        return Err(invalid("it holds a NUL character"));
    }
    if !path.is_absolute() {
        return Err(invalid("the path must be absolute"));
    }
    if path.components().any(|part| part == Component::ParentDir) {
        return Err(invalid("the path must not contain `..`"));
    }
    let folder = resolve(path).map_err(|error| LocationError::Io(text.clone(), error))?;
    if folder.parent().is_none() {
        return Err(invalid("the root of the file system holds no table"));
    }
    if folder.to_str().is_none() {
        return Err(invalid("the path must be valid UTF-8"));
    }
    Ok(Location { folder })
}

/// The word before the first colon, when it can be a scheme.
fn scheme(text: &str) -> Option<&str> {
    let (word, _) = text.split_once(':')?;
    let starts = word.chars().next().is_some_and(|first| first.is_ascii_alphabetic());
    let plain = word.chars().all(|letter| letter.is_ascii_alphanumeric() || "+-.".contains(letter));
    (starts && plain).then_some(word)
}

/// The URL library resolves `..`, its percent-encoded forms and backslashes silently, so they are looked for before it
/// reads the text.
fn file_url(text: &str) -> Result<PathBuf, &'static str> {
    let plain = text.to_ascii_lowercase().replace("%2e", ".");
    if plain.contains(['\\', '?', '#']) {
        return Err("`\\`, `?` and `#` must be percent-encoded in a URL");
    }
    if plain.contains("%2f") || plain.contains("%5c") || plain.contains("%00") {
        return Err("an encoded slash, backslash or NUL is not part of a name");
    }
    if plain.split('/').any(|part| part == "..") {
        return Err("the path must not contain `..`");
    }
    let url = Url::parse(text).map_err(|_| "it is not a URL")?;
    if url.host_str().is_some_and(|host| !host.eq_ignore_ascii_case("localhost")) {
        return Err("it names another machine");
    }
    if !text.get(5..).is_some_and(|rest| rest.starts_with('/')) {
        return Err("the path must be absolute");
    }
    url.to_file_path().map_err(|()| "it is not the path of a file")
}

/// Resolves the part of the path that exists; the rest is taken as it is.
fn canonical(path: &Path) -> std::io::Result<PathBuf> {
    let mut missing = Vec::new();
    let mut existing = path;
    loop {
        match existing.canonicalize() {
            Ok(mut folder) => {
                folder.extend(missing.iter().rev());
                return Ok(folder);
            }
            // A link that points nowhere is there, though its target isn't: what it will point to can't be known.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && existing.symlink_metadata().is_err() => {
                let (Some(parent), Some(name)) = (existing.parent(), existing.file_name()) else { return Err(error) };
                missing.push(name);
                existing = parent;
            }
            Err(error) => return Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("s3://bucket/t", "s3")]
    #[case("abfss://c@a.dfs.core.windows.net/t", "abfss")]
    #[case("dbfs:/t", "dbfs")]
    fn other_storages_are_named(#[case] text: &str, #[case] named: &str) {
        let error = Location::parse(text).unwrap_err();
        assert!(error.is_unsupported());
        assert!(error.to_string().contains(&format!("`{named}`")), "{error}");
    }

    #[rstest]
    #[case("")]
    #[case("t")]
    #[case("./t")]
    #[case("/")]
    #[case("file:///")]
    #[case("file:t")]
    #[case("/data/../etc")]
    #[case("file:///data/../etc")]
    #[case("file:///data/%2e%2E/etc")]
    #[case("file:///data/.%2e/etc")]
    #[case("file:///data\\..\\etc")]
    #[case("file:///data%2fetc")]
    #[case("file://host/data")]
    #[case("file:///data?x=1")]
    #[case("/da\0ta")]
    fn places_that_are_none_are_refused(#[case] text: &str) {
        let error = Location::parse(text).unwrap_err();
        assert!(!error.is_unsupported(), "{error}");
    }

    #[test]
    fn spellings_of_one_folder_are_one_location() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().canonicalize().unwrap().join("a b").join("t");
        let plain = folder.to_str().unwrap();
        let encoded = plain.replace(' ', "%20");
        let expected = Location::parse(plain).unwrap();
        assert_eq!(expected.path(), folder);
        for text in [
            format!("file://{encoded}"),
            format!("file:{encoded}/"),
            format!("file://localhost{encoded}"),
            format!("{plain}/"),
        ] {
            assert_eq!(Location::parse(&text).unwrap(), expected, "{text}");
        }
        assert_eq!(Location::parse(&expected.to_string()).unwrap(), expected);
        assert!(expected.url().unwrap().as_str().ends_with("/a%20b/t/"));
    }

    #[cfg(unix)]
    #[test]
    fn links_are_resolved_also_above_what_is_missing() {
        let root = tempfile::tempdir().unwrap();
        let real = root.path().canonicalize().unwrap().join("real");
        std::fs::create_dir(&real).unwrap();
        std::os::unix::fs::symlink(&real, root.path().join("link")).unwrap();
        std::os::unix::fs::symlink(root.path().join("nowhere"), root.path().join("dangling")).unwrap();
        let found = Location::from_path(&root.path().join("link/new/t")).unwrap();
        assert_eq!(found.path(), real.join("new/t"));
        assert!(found.is_below(&Location::from_path(&real).unwrap()));
        assert!(!found.is_below(&found));
        assert!(Location::from_path(&root.path().join("dangling/t")).is_err());
    }
}
