//! The two sessions of a statement.

use std::sync::Arc;

use datafusion::config::Dialect;
use datafusion::error::Result;
use datafusion::execution::cache::cache_manager::CacheManagerConfig;
use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use datafusion::execution::{SessionState, SessionStateBuilder, SessionStateDefaults};
use datafusion::logical_expr::planner::ExprPlanner;
use datafusion::prelude::SessionConfig;

use super::limits::Limits;
use super::memory::{QueryMemory, TotalMemory};
use super::meter::Meter;
use super::rules::{PaceAll, optimizer_rules};
use super::stores::NoStores;
use crate::functions::{BoundGrowth, Functions, Identity, TokenKey};

/// Gives statements their sessions. One for the life of the engine: the caches of file footers are in it.
#[derive(Debug)]
pub struct Workshop {
    limits: Limits,
    /// Object stores and caches; reachable from system sessions only.
    storage: Arc<RuntimeEnv>,
    memory: Arc<TotalMemory>,
    functions: Functions,
}

/// The sessions of one statement. They share its memory and spill space and know the same functions.
#[derive(Debug, Clone)]
pub struct Sessions {
    /// Plans and runs what lies below the seals. Never given to a caller's plan.
    pub system: Arc<SessionState>,
    /// Plans and runs the caller's statement. It reaches no storage, and its catalog list is empty: the statement's relations go in there.
    pub caller: SessionState,
    /// What the statement has used up.
    pub meter: Arc<Meter>,
}

impl Workshop {
    /// A workshop by these limits.
    ///
    /// # Errors
    /// When the folder to spill to can't be used.
    pub fn new(limits: Limits) -> Result<Self> {
        let storage = RuntimeEnvBuilder::new().with_cache_manager(CacheManagerConfig::default()).build_arc()?;
        let memory = Arc::new(TotalMemory::new(limits.total_memory_bytes));
        Ok(Self { limits, storage, memory, functions: Functions::new(None) })
    }

    /// The same with a key for `tokenize`.
    #[must_use]
    pub fn keyed(self, key: Option<TokenKey>) -> Self {
        Self { functions: Functions::new(key), ..self }
    }

    /// The limits that it was made with.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// The memory that all queries draw from.
    pub fn memory(&self) -> &TotalMemory {
        &self.memory
    }

    /// A session that reads storage, for work of the engine itself and without a caller.
    ///
    /// # Errors
    /// When the folder to spill to can't be used.
    pub fn system(&self) -> Result<SessionState> {
        let runtime = self.runtime()?;
        Ok(self.state(Arc::new(runtime), &Identity::nobody(), &self.meter()))
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
        let meter = self.meter();
        Ok(Sessions {
            system: Arc::new(self.state(Arc::new(system), identity, &meter)),
            caller: self.state(Arc::new(caller), identity, &meter),
            meter,
        })
    }

    fn meter(&self) -> Arc<Meter> {
        Arc::new(Meter::new(self.limits.cpu_time))
    }

    /// The storage of the engine with the memory and spill space of one query.
    fn runtime(&self) -> Result<RuntimeEnv> {
        let mut runtime = RuntimeEnv::clone(&self.storage);
        runtime.memory_pool = Arc::new(QueryMemory::new(self.limits.memory_bytes, Arc::clone(&self.memory)));
        let mode = match &self.limits.spill_dir {
            Some(folder) => DiskManagerMode::Directories(vec![folder.clone()]),
            None => DiskManagerMode::OsTmpDirectory,
        };
        let disk = DiskManagerBuilder::default().with_mode(mode).with_max_temp_directory_size(self.limits.spill_bytes);
        runtime.disk_manager = Arc::new(disk.build()?);
        Ok(runtime)
    }

    /// The first planner that knows an expression plans it.
    fn expr_planners(&self) -> Vec<Arc<dyn ExprPlanner>> {
        let own: Arc<dyn ExprPlanner> = Arc::new(self.functions.syntax());
        [own].into_iter().chain(SessionStateDefaults::default_expr_planners()).collect()
    }

    fn state(&self, runtime: Arc<RuntimeEnv>, identity: &Identity, meter: &Arc<Meter>) -> SessionState {
        let scalar = self.functions.scalar(identity);
        let mut state = SessionStateBuilder::new()
            .with_config(config(&self.limits).with_extension(Arc::clone(meter)))
            .with_runtime_env(runtime)
            .with_expr_planners(self.expr_planners())
            .with_analyzer_rule(Arc::new(BoundGrowth::new(&scalar)))
            .with_scalar_functions(scalar)
            .with_aggregate_functions(self.functions.aggregate())
            .with_window_functions(self.functions.window())
            .with_higher_order_functions(self.functions.higher_order())
            .with_table_function_list(self.functions.table())
            .with_optimizer_rules(optimizer_rules(meter))
            .with_physical_optimizer_rule(Arc::new(PaceAll))
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
