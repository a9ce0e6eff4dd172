//! What the oracle is there to find: policies as views that are inlined, over plain DataFusion. Predicates of the caller are
//! merged with the row filter and computed on hidden rows.

use datafusion::prelude::SessionContext;

use crate::answer::Answer;
use crate::copy::{self, Copy, plain, query, register, schema, sql_of_policies};
use crate::world::World;

/// Two databases of plain DataFusion.
pub struct Naive {
    inlined: SessionContext,
    copied: SessionContext,
}

impl Naive {
    pub async fn of(world: &World, copy: &Copy) -> Result<Self, String> {
        let (inlined, copied) = (plain(), plain());
        let mapping: Vec<_> = world.mapping.iter().map(|row| row.to_vec()).collect();
        let mapping = copy::values(&inlined, &mapping, &copy::mapping_columns()).await?;
        register(&inlined, "m", &[mapping], schema(&copy::mapping_columns()));
        for table in &world.tables {
            let (name, schema) = (&table.name, schema(&table.columns));
            register(&copied, name, copy.seen[name].last().unwrap(), schema.clone());
            register(&inlined, &format!("{name}_stored"), copy.stored[name].last().unwrap(), schema);
            let body = sql_of_policies(world, table, &format!("{name}_stored"));
            query(&inlined, &format!("CREATE VIEW {name} AS {body}")).await?;
        }
        for view in &world.views {
            register(&copied, &view.name, std::slice::from_ref(&copy.views[&view.name]), schema(&view.columns));
            let body = world.caller.told(&view.body);
            query(&inlined, &format!("CREATE VIEW {} AS {body}", view.name)).await?;
        }
        Ok(Self { inlined, copied })
    }

    /// Both answers: of the inlined views, and of the copy.
    pub async fn ask(&self, sql: &str) -> (Answer, Answer) {
        (answer(&self.inlined, sql).await, answer(&self.copied, sql).await)
    }
}

async fn answer(session: &SessionContext, sql: &str) -> Answer {
    match query(session, sql).await {
        Ok(batches) => Answer::of_rows(&batches),
        Err(text) => Answer::Error { sqlstate: "22000".to_owned(), text },
    }
}
