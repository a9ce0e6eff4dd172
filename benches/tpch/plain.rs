//! Plain DataFusion over the tables of a lake.

use std::path::PathBuf;
use std::sync::Arc;

use deltalake::datafusion::physical_plan::displayable;
use deltalake::datafusion::prelude::{SessionConfig, SessionContext};

use crate::Outcome;
use crate::lake::Lake;

/// A context whose tables were opened once.
pub struct Plain {
    context: SessionContext,
}

impl Plain {
    /// Opens tables under these names, and makes views.
    #[expect(clippy::disallowed_methods, reason = "this is the side of the comparison without the engine")]
    pub async fn open(lake: &Lake, names: Vec<(String, PathBuf)>, views: &str) -> Outcome<Self> {
        let mut config = SessionConfig::new().with_target_partitions(lake.threads);
        // 0.5 is a decimal, as in the engine's SQL.
        config.options_mut().sql_parser.parse_float_as_decimal = true;
        let context = SessionContext::new_with_config(config);
        // With the settings of a session it reads faster than with the library's own.
        let session = Arc::new(context.state());
        for (name, folder) in names {
            let url = deltalake::ensure_table_uri(folder.display().to_string())?;
            let table = deltalake::open_table(url).await?;
            context.register_table(name, table.table_provider().with_session(Arc::clone(&session) as _).await?)?;
        }
        let plain = Self { context };
        for view in views.split(';').filter(|view| !view.trim().is_empty()) {
            plain.run(view).await?;
        }
        Ok(plain)
    }

    /// The policies of `Lake::bind_policies`, written by hand.
    pub async fn by_hand(lake: &Lake) -> Outcome<Self> {
        Self::open(lake, lake.names_below_views(), include_str!("../queries/by_hand.sql")).await
    }

    /// The plans as text.
    pub async fn plan(&self, sql: &str) -> Outcome<String> {
        let state = self.context.state();
        let logical = state.optimize(&state.create_logical_plan(sql).await?)?;
        let physical = state.query_planner().create_physical_plan(&logical, &state).await?;
        Ok(format!("{}\n{}", logical.display_indent(), displayable(physical.as_ref()).indent(false)))
    }

    /// The rows as text.
    #[expect(clippy::disallowed_methods, reason = "this is the side of the comparison without the engine")]
    pub async fn run(&self, sql: &str) -> Outcome<String> {
        let batches = self.context.sql(sql).await?.collect().await?;
        Ok(deltalake::arrow::util::pretty::pretty_format_batches(&batches)?.to_string())
    }
}
