//! Saved profiles: an endpoint and a token under a name, in `profiles.toml` in the user's settings folder.
//!
//! The file holds tokens, so it is readable by its owner only, and it is replaced whole: a crash leaves the old or the new one.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::args::ConnectionArgs;
use crate::error::CliError;
use crate::secret::Secret;

/// The profile that is used when none is named.
pub const DEFAULT_PROFILE: &str = "default";

const FILE: &str = "profiles.toml";

/// How to reach one server as one principal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// Its address.
    pub endpoint: String,
    /// The token to show to it.
    pub token: Secret,
    /// File with certificates to trust instead of those of the system.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls_ca: Option<PathBuf>,
}

/// All saved profiles, by name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profiles {
    /// The profiles.
    #[serde(default)]
    pub profiles: BTreeMap<String, Profile>,
}

/// The folder of profiles and shell history.
///
/// # Errors
/// When neither an option nor the environment names one and there is no home folder.
pub fn config_dir(args: &ConnectionArgs) -> Result<PathBuf, CliError> {
    if let Some(dir) = &args.config_dir {
        return Ok(dir.clone());
    }
    // The XDG specification has relative paths ignored.
    if let Some(base) = args.xdg_config_home.as_ref().filter(|base| base.is_absolute()) {
        return Ok(base.join("lakewarden"));
    }
    std::env::home_dir()
        .filter(|home| !home.as_os_str().is_empty())
        .map(|home| home.join(".config").join("lakewarden"))
        .ok_or_else(|| CliError::usage("there is no home folder to keep settings in: name a folder with --config-dir"))
}

impl Profiles {
    /// Reads the saved profiles; none when there is no file.
    ///
    /// # Errors
    /// When the file cannot be read or is malformed.
    pub fn load(dir: &Path) -> Result<Self, CliError> {
        let path = dir.join(FILE);
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(CliError::file("cannot read", path, error)),
        };
        // The parser's own message would repeat the line at fault, which may hold a token.
        toml::from_str(&text).map_err(|_| {
            CliError::usage(format!(
                "`{}` is malformed: correct it, or delete it and use `lakewarden login` again",
                path.display()
            ))
        })
    }

    /// Replaces the saved profiles.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn save(&self, dir: &Path) -> Result<PathBuf, CliError> {
        let path = dir.join(FILE);
        let text = toml::to_string(self).map_err(|e| CliError::Protocol(e.to_string()))?;
        make_private_dir(dir)?;
        let draft = dir.join(format!(".{FILE}.{}", std::process::id()));
        let written = write_private(&draft, text.as_bytes()).and_then(|()| fs::rename(&draft, &path));
        if let Err(error) = written {
            let _ = fs::remove_file(&draft);
            return Err(CliError::file("cannot write", path, error));
        }
        Ok(path)
    }
}

/// Makes the folder, open to its owner only.
///
/// # Errors
/// When it cannot be made.
pub fn make_private_dir(dir: &Path) -> Result<(), CliError> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(dir).map_err(|error| CliError::file("cannot make the folder", dir, error))
}

fn write_private(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let _ = fs::remove_file(path);
    let mut file = private_options().create_new(true).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// How to open a file for writing that only its owner may read.
pub fn private_options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Profiles {
        let profile = Profile {
            endpoint: "https://lake.example:8642".to_owned(),
            token: Secret::parse("abc.def.ghi").unwrap(),
            tls_ca: Some(PathBuf::from("/etc/ca.pem")),
        };
        Profiles { profiles: BTreeMap::from([("prod".to_owned(), profile)]) }
    }

    #[test]
    fn profiles_come_back_as_they_were_saved() {
        let dir = tempfile::tempdir().unwrap();
        sample().save(dir.path()).unwrap();
        assert_eq!(Profiles::load(dir.path()).unwrap(), sample());
    }

    #[cfg(unix)]
    #[test]
    fn only_the_owner_may_read_the_file_even_where_a_readable_one_was() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let nested = dir.path().join("a/b");
        make_private_dir(&nested).unwrap();
        fs::write(nested.join(FILE), "").unwrap();
        fs::set_permissions(nested.join(FILE), fs::Permissions::from_mode(0o644)).unwrap();
        let path = sample().save(&nested).unwrap();
        assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::metadata(nested).unwrap().permissions().mode() & 0o777, 0o700);
    }

    #[test]
    fn saving_leaves_no_draft_behind() {
        let dir = tempfile::tempdir().unwrap();
        sample().save(dir.path()).unwrap();
        let names: Vec<_> = fs::read_dir(dir.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
        assert_eq!(names, [FILE]);
    }

    #[test]
    fn no_file_means_no_profiles() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(Profiles::load(&dir.path().join("absent")).unwrap(), Profiles::default());
    }

    #[test]
    fn a_malformed_file_is_told_without_its_content() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join(FILE), "[profiles.x]\ntoken = \"s3cret\"\nodd = 1").unwrap();
        let error = Profiles::load(dir.path()).unwrap_err().to_string();
        assert!(error.contains("malformed") && !error.contains("s3cret"), "{error}");
    }
}
