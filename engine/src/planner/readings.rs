//! Relations that are more than a name get one: the planner below knows relations by their names alone.

use std::collections::HashMap;
use std::ops::ControlFlow;

use lakewarden_catalog::model::FullName;
use sqlparser::ast::{Ident, ObjectName as SqlName, ObjectNamePart, TableAlias, TableFactor, VisitMut, VisitorMut};
use sqlparser::tokenizer::Span;

use crate::statement::{Reading, RelationRef, relation_of};

/// The names that stand for readings, by the keys of these.
#[derive(Debug, Default)]
pub(super) struct Readings {
    names: HashMap<String, Vec<String>>,
}

impl Readings {
    /// The name that stands for a reading of a table. Its last part has blanks, which no name of the catalog has, and it has three parts,
    /// which no `WITH` item has.
    pub(super) fn name(&mut self, relation: &RelationRef, table: &FullName) -> Vec<String> {
        let number = self.names.len();
        let what = match &relation.reading {
            Reading::Version(version) => format!("version as of {version}"),
            Reading::Timestamp(_) => format!("timestamp {number}"),
            Reading::Newest | Reading::Changes(..) => format!("changes {number}"),
        };
        let mut parts: Vec<String> = table.parts().iter().map(|part| part.folded().to_string()).collect();
        if let Some(last) = parts.last_mut() {
            *last = format!("{last} {what}").to_lowercase();
        }
        self.names.insert(relation.key(), parts.clone());
        parts
    }

    /// Puts the names into a query or expression. A reading without an alias keeps the name of its table as one.
    pub(super) fn put_into<N: VisitMut>(&self, node: &mut N) {
        if !self.names.is_empty() {
            let _: ControlFlow<()> = node.visit(&mut Named(self));
        }
    }
}

struct Named<'a>(&'a Readings);

impl VisitorMut for Named<'_> {
    type Break = ();

    fn pre_visit_table_factor(&mut self, factor: &mut TableFactor) -> ControlFlow<()> {
        let Some(relation) = relation_of(factor).filter(|relation| !relation.is_by_name_alone()) else {
            return ControlFlow::Continue(());
        };
        let Some(parts) = self.0.names.get(&relation.key()) else { return ControlFlow::Continue(()) };
        if let TableFactor::Table { name, alias, args, version, .. } = factor {
            *name = SqlName(parts.iter().map(|part| ObjectNamePart::Identifier(ident(part))).collect());
            (*args, *version) = (None, None);
            if alias.is_none() {
                let shown =
                    if relation.is_feed() { "table_changes" } else { relation.name.parts.last().map_or("", |p| p) };
                *alias = Some(TableAlias { explicit: true, name: ident(shown), columns: Vec::new(), at: None });
            }
        }
        ControlFlow::Continue(())
    }
}

fn ident(text: &str) -> Ident {
    Ident { value: text.to_owned(), quote_style: Some('`'), span: Span::empty() }
}
