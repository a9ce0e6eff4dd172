//! The two sessions of a statement.

use std::num::NonZeroUsize;
use std::sync::Arc;

use datafusion::config::Dialect;
use datafusion::error::Result;
use datafusion::execution::cache::cache_manager::CacheManagerConfig;
use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::memory_pool::{FairSpillPool, TrackConsumersPool};
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use datafusion::execution::{SessionState, SessionStateBuilder, SessionStateDefaults};
use datafusion::prelude::SessionConfig;

use super::coop::CoopAll;
use super::limits::Limits;
use super::stores::NoStores;
use crate::functions::{Functions, Identity};

/// Gives statements their sessions. One for the life of the engine: the caches of file footers are in it.
#[derive(Debug)]
pub struct Workshop {
    limits: Limits,
    /// Object stores and caches; reachable from system sessions only.
    storage: Arc<RuntimeEnv>,
    functions: Functions,
}

/// The sessions of one statement. They share its memory and spill space and know the same functions.
#[derive(Debug, Clone)]
pub struct Sessions {
    /// Plans and runs what lies below the seals. Never given to a caller's plan.
    pub system: Arc<SessionState>,
    /// Plans and runs the caller's statement. It reaches no storage, and its catalog list is empty: the statement's relations go in there.
    pub caller: SessionState,
}

impl Workshop {
    /// A workshop by these limits.
    ///
    /// # Errors
    /// When the folder to spill to can't be used.
    pub fn new(limits: Limits) -> Result<Self> {
        let storage = RuntimeEnvBuilder::new().with_cache_manager(CacheManagerConfig::default()).build_arc()?;
        Ok(Self { limits, storage, functions: Functions::new() })
    }

    /// The limits that it was made with.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// A session that reads storage, for work of the engine itself and without a caller.
    ///
    /// # Errors
    /// When the folder to spill to can't be used.
    pub fn system(&self) -> Result<SessionState> {
        let runtime = self.runtime()?;
        Ok(self.state(Arc::new(runtime), &Identity::nobody()))
    }

    /// The sessions of one statement of a caller.
    ///
    /// # Errors
    /// When the folder to spill to can't be used.
    pub fn sessions(&self, identity: &Identity) -> Result<Sessions> {
        let system = self.runtime()?;
        let mut caller = RuntimeEnvBuilder::new().with_object_store_registry(Arc::new(NoStores)).build()?;
        caller.memory_pool = Arc::clone(&system.memory_pool);
        caller.disk_manager = Arc::clone(&system.disk_manager);
        Ok(Sessions {
            system: Arc::new(self.state(Arc::new(system), identity)),
            caller: self.state(Arc::new(caller), identity),
        })
    }

    /// The storage of the engine with the memory and spill space of one query.
    fn runtime(&self) -> Result<RuntimeEnv> {
        let mut runtime = RuntimeEnv::clone(&self.storage);
        let consumers = NonZeroUsize::MIN.saturating_add(2);
        runtime.memory_pool =
            Arc::new(TrackConsumersPool::new(FairSpillPool::new(self.limits.memory_bytes), consumers));
        let mode = match &self.limits.spill_dir {
            Some(folder) => DiskManagerMode::Directories(vec![folder.clone()]),
            None => DiskManagerMode::OsTmpDirectory,
        };
        let disk = DiskManagerBuilder::default().with_mode(mode).with_max_temp_directory_size(self.limits.spill_bytes);
        runtime.disk_manager = Arc::new(disk.build()?);
        Ok(runtime)
    }

    fn state(&self, runtime: Arc<RuntimeEnv>, identity: &Identity) -> SessionState {
        let mut state = SessionStateBuilder::new()
            .with_config(config(&self.limits))
            .with_runtime_env(runtime)
            .with_expr_planners(SessionStateDefaults::default_expr_planners())
            .with_scalar_functions(self.functions.scalar(identity))
            .with_aggregate_functions(self.functions.aggregate())
            .with_window_functions(self.functions.window())
            .with_higher_order_functions(self.functions.higher_order())
            .with_table_function_list(self.functions.table())
            .with_physical_optimizer_rule(Arc::new(CoopAll))
            .build();
        state.mark_start_execution();
        state
    }
}

fn config(limits: &Limits) -> SessionConfig {
    let mut config = SessionConfig::new()
        .with_target_partitions(limits.threads.max(1))
        .with_batch_size(limits.batch_rows)
        .with_create_default_catalog_and_schema(false)
        .with_information_schema(false);
    let options = config.options_mut();
    // The row filter of a policy stays an operator that can be seen in the plan; readers only skip by it.
    options.execution.parquet.pushdown_filters = false;
    options.explain.show_statistics = false;
    options.sql_parser.dialect = Dialect::Databricks;
    options.sql_parser.enable_ident_normalization = true;
    config
}
