//! The engine: opens sessions, and owns what all of them share.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use datafusion::error::DataFusionError;
use lakewarden_catalog::model::Namespace;
use lakewarden_catalog::{Caller, Handle};

use crate::delta::{Location, SnapshotCache, purge};
use crate::error::EngineError;
use crate::exec::{Exec, Load};
use crate::functions::TokenKey;
use crate::governed::FaultLog;
use crate::runtime::Limits;
use crate::session::Session;
use crate::statement::ParseLimits;

/// How the engine runs.
#[derive(Debug, Clone)]
pub struct EngineConfig {
    /// Where the folders of managed tables are.
    pub managed_root: PathBuf,
    /// What one statement, one principal and all together may take.
    pub limits: Limits,
    /// How long and how deep the text of a statement may be.
    pub parse: ParseLimits,
    /// The key of `tokenize`; without one it isn't there.
    pub token_key: Option<TokenKey>,
}

/// Runs SQL under its callers' rights. Cheap to clone.
#[derive(Clone)]
pub struct Engine {
    inner: Arc<Inner>,
}

struct Inner {
    catalog: Handle,
    config: EngineConfig,
    exec: Exec,
    faults: Arc<dyn FaultLog>,
    snapshots: Arc<SnapshotCache>,
}

impl Engine {
    /// Starts the engine over a catalog.
    ///
    /// # Errors
    /// `Internal` when its threads or folders can't be made.
    pub fn new(catalog: Handle, config: EngineConfig) -> Result<Self, EngineError> {
        std::fs::create_dir_all(&config.managed_root).map_err(EngineError::internal)?;
        let config =
            EngineConfig { managed_root: config.managed_root.canonicalize().map_err(EngineError::internal)?, ..config };
        let exec = Exec::new(&config.limits, config.token_key.clone())?;
        let faults = Arc::new(LoggedFaults { catalog: catalog.clone() });
        Ok(Self { inner: Arc::new(Inner { catalog, config, exec, faults, snapshots: Arc::default() }) })
    }

    /// A session for a caller, with nothing current.
    pub fn session(&self, caller: Caller) -> Session {
        Session::new(self.clone(), caller, Namespace::default())
    }

    /// The catalog below the engine.
    pub fn catalog(&self) -> &Handle {
        &self.inner.catalog
    }

    /// How busy it is.
    pub fn load(&self) -> Load {
        self.inner.exec.load()
    }

    /// Where the folders of managed tables are.
    pub fn managed_root(&self) -> &Path {
        &self.inner.config.managed_root
    }

    pub(crate) fn parse_limits(&self) -> &ParseLimits {
        &self.inner.config.parse
    }

    pub(crate) fn exec(&self) -> &Exec {
        &self.inner.exec
    }

    pub(crate) fn snapshots(&self) -> Arc<SnapshotCache> {
        self.inner.snapshots.clone()
    }

    pub(crate) fn faults(&self) -> Arc<dyn FaultLog> {
        self.inner.faults.clone()
    }

    /// Purges the folders of dropped tables, and at start-up those of tables that were never finished. What can't be
    /// purged now stays due and is tried again at the next start.
    pub async fn purge_dropped(&self, at_startup: bool) {
        for due in self.catalog().reads().due_purges(at_startup) {
            let (root, location) = (self.managed_root().to_path_buf(), due.location.clone());
            let purged = self.catalog().call(move |metastore| {
                let location = Location::parse(&location)?;
                purge(&root, location.path()).map_err(EngineError::internal)?;
                Ok::<_, EngineError>(metastore.clear_purge(&due)?)
            });
            if let Err(fault) = purged.await {
                tracing::error!(?fault, "the folder of a dropped table was not purged");
            }
        }
    }
}

/// Details of faults go to the server's log under a reference.
struct LoggedFaults {
    catalog: Handle,
}

impl FaultLog for LoggedFaults {
    fn record(&self, label: &str, error: &DataFusionError) -> String {
        let reference = self.catalog.reads().clock().new_id().simple().to_string();
        tracing::error!(reference, label, %error, "a governed read failed");
        reference
    }
}
