//! What storage credentials, external locations and volumes add to a securable.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::SecurableId;

/// What a storage credential adds: which storage it opens, and with what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct StorageCredentialBody {
    /// The storage.
    pub provider: StorageProvider,
}

/// The storages that a credential may open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StorageProvider {
    /// The files of the server's machine, which need no secret.
    Local,
}

impl StorageProvider {
    /// The provider as people read it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Local => "LOCAL",
        }
    }
}

/// What an external location adds: a folder outside, with all that is below it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExternalLocationBody {
    /// The folder, as a URL without a slash at its end.
    pub url: String,
    /// What opens it. Local files need none; one that is named must be there when the location is used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credential: Option<SecurableId>,
}

/// Who keeps the files of a volume.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VolumeType {
    /// We do: its folder is ours, and goes when it is dropped.
    Managed,
    /// Somebody else does: dropping it leaves the files.
    External,
}

impl VolumeType {
    /// The type as people read it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Managed => "MANAGED",
            Self::External => "EXTERNAL",
        }
    }
}

/// What a volume adds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VolumeBody {
    /// Who keeps the files.
    pub volume_type: VolumeType,
    /// The folder, as a URL without a slash at its end.
    pub location: Arc<str>,
}
