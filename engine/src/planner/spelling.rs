//! One spelling for each name of a query, so that names are compared without case and shown as they were given.
//!
//! The planner below compares names to the letter. Before it sees a query, every identifier is rewritten to the spelling
//! of the column that it can only mean, else to that of the alias which the query declares, else to lower case.

use std::collections::HashMap;
use std::ops::ControlFlow;

use arrow::datatypes::{DataType, Schema};
use sqlparser::ast::{
    Expr, Ident, JoinConstraint, JoinOperator, ObjectName, ObjectNamePart, Query, Select, SelectItem,
    SelectItemQualifiedWildcardKind, SetExpr, TableAlias, TableFactor, VisitMut, VisitorMut, WildcardAdditionalOptions,
};

/// The spellings of names, by their folded form.
#[derive(Debug, Clone, Default)]
pub(super) struct Spelling(HashMap<String, String>);

impl Spelling {
    /// Takes the names of a relation's columns and of the fields of its structs.
    pub(super) fn add_schema(&mut self, schema: &Schema) {
        for field in schema.fields() {
            self.add(field.name());
            self.add_fields(field.data_type());
        }
    }

    fn add_fields(&mut self, data_type: &DataType) {
        match data_type {
            DataType::Struct(fields) => {
                for field in fields {
                    self.add(field.name());
                    self.add_fields(field.data_type());
                }
            }
            DataType::List(item) | DataType::LargeList(item) | DataType::Map(item, _) => {
                self.add_fields(item.data_type());
            }
            _ => {}
        }
    }

    /// The spelling of a name: the one that is known, else its own.
    pub(super) fn of(&self, name: &str) -> String {
        self.0.get(&name.to_lowercase()).cloned().unwrap_or_else(|| name.to_owned())
    }

    /// Takes a name in the spelling that it has; the first spelling stays.
    pub(super) fn add(&mut self, name: &str) {
        self.0.entry(name.to_lowercase()).or_insert_with(|| name.to_owned());
    }

    fn fix(&self, ident: &mut Ident) {
        let folded = ident.value.to_lowercase();
        ident.value = self.0.get(&folded).cloned().unwrap_or(folded);
        ident.quote_style = Some('`');
    }

    fn fix_all(&self, idents: &mut [Ident]) {
        idents.iter_mut().for_each(|ident| self.fix(ident));
    }

    fn fix_name(&self, name: &mut ObjectName) {
        for part in &mut name.0 {
            if let ObjectNamePart::Identifier(ident) = part {
                self.fix(ident);
            }
        }
    }

    /// Rewrites every identifier of a query; its aliases are taken first.
    pub(super) fn apply(mut self, query: &mut Query) {
        let _: ControlFlow<()> = query.visit(&mut Declared(&mut self));
        let _: ControlFlow<()> = query.visit(&mut Rewritten(&self));
    }

    /// Rewrites every identifier of an expression.
    pub(super) fn apply_to_expr(mut self, expr: &mut Expr) {
        let _: ControlFlow<()> = expr.visit(&mut Declared(&mut self));
        let _: ControlFlow<()> = expr.visit(&mut Rewritten(&self));
    }
}

/// Takes the aliases that a query declares.
struct Declared<'a>(&'a mut Spelling);

impl VisitorMut for Declared<'_> {
    type Break = ();

    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<()> {
        for cte in query.with.iter().flat_map(|with| &with.cte_tables) {
            self.alias(&cte.alias);
        }
        for select in selects(&mut query.body) {
            for item in &select.projection {
                if let SelectItem::ExprWithAlias { alias, .. } = item {
                    self.0.add(&alias.value);
                }
            }
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, factor: &mut TableFactor) -> ControlFlow<()> {
        if let Some(alias) = alias_of(factor) {
            self.alias(alias);
        }
        ControlFlow::Continue(())
    }
}

impl Declared<'_> {
    fn alias(&mut self, alias: &TableAlias) {
        self.0.add(&alias.name.value);
        for column in &alias.columns {
            self.0.add(&column.name.value);
        }
    }
}

/// Rewrites identifiers.
struct Rewritten<'a>(&'a Spelling);

impl VisitorMut for Rewritten<'_> {
    type Break = ();

    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<()> {
        for cte in query.with.iter_mut().flat_map(|with| &mut with.cte_tables) {
            self.alias(&mut cte.alias);
        }
        for select in selects(&mut query.body) {
            select.projection.iter_mut().for_each(|item| self.item(item));
            for join in select.from.iter_mut().flat_map(|from| &mut from.joins) {
                self.using(&mut join.join_operator);
            }
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, factor: &mut TableFactor) -> ControlFlow<()> {
        if let TableFactor::Table { name, args: None, .. } = factor {
            self.0.fix_name(name);
        }
        if let Some(alias) = alias_of(factor) {
            self.alias(alias);
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        match expr {
            Expr::Identifier(ident) => self.0.fix(ident),
            Expr::CompoundIdentifier(idents) => self.0.fix_all(idents),
            Expr::QualifiedWildcard(name, _) => self.0.fix_name(name),
            _ => {}
        }
        ControlFlow::Continue(())
    }
}

impl Rewritten<'_> {
    fn alias(&self, alias: &mut TableAlias) {
        self.0.fix(&mut alias.name);
        for column in &mut alias.columns {
            self.0.fix(&mut column.name);
        }
    }

    fn item(&self, item: &mut SelectItem) {
        match item {
            SelectItem::ExprWithAlias { alias, .. } => self.0.fix(alias),
            SelectItem::ExprWithAliases { aliases, .. } => self.0.fix_all(aliases),
            SelectItem::UnnamedExpr(_) => {}
            SelectItem::QualifiedWildcard(kind, options) => {
                if let SelectItemQualifiedWildcardKind::ObjectName(name) = kind {
                    self.0.fix_name(name);
                }
                self.wildcard(options);
            }
            SelectItem::Wildcard(options) => self.wildcard(options),
        }
    }

    fn wildcard(&self, options: &mut WildcardAdditionalOptions) {
        use sqlparser::ast::{ExcludeSelectItem, RenameSelectItem};
        if let Some(except) = &mut options.opt_except {
            self.0.fix(&mut except.first_element);
            self.0.fix_all(&mut except.additional_elements);
        }
        match &mut options.opt_exclude {
            Some(ExcludeSelectItem::Single(name)) => self.0.fix_name(name),
            Some(ExcludeSelectItem::Multiple(names)) => names.iter_mut().for_each(|name| self.0.fix_name(name)),
            None => {}
        }
        match &mut options.opt_rename {
            Some(RenameSelectItem::Single(one)) => self.0.fix(&mut one.ident),
            Some(RenameSelectItem::Multiple(many)) => many.iter_mut().for_each(|one| self.0.fix(&mut one.ident)),
            None => {}
        }
        for replaced in options.opt_replace.iter_mut().flat_map(|replace| &mut replace.items) {
            self.0.fix(&mut replaced.column_name);
        }
    }

    fn using(&self, operator: &mut JoinOperator) {
        use JoinOperator as J;
        let constraint = match operator {
            J::Join(c) | J::Inner(c) | J::Left(c) | J::LeftOuter(c) | J::Right(c) | J::RightOuter(c) => c,
            J::FullOuter(c) | J::Semi(c) | J::LeftSemi(c) | J::RightSemi(c) => c,
            J::Anti(c) | J::LeftAnti(c) | J::RightAnti(c) => c,
            _ => return,
        };
        if let JoinConstraint::Using(names) = constraint {
            names.iter_mut().for_each(|name| self.0.fix_name(name));
        }
    }
}

fn alias_of(factor: &mut TableFactor) -> Option<&mut TableAlias> {
    match factor {
        TableFactor::Table { alias, .. }
        | TableFactor::Derived { alias, .. }
        | TableFactor::TableFunction { alias, .. }
        | TableFactor::Function { alias, .. }
        | TableFactor::UNNEST { alias, .. }
        | TableFactor::NestedJoin { alias, .. }
        | TableFactor::Pivot { alias, .. }
        | TableFactor::Unpivot { alias, .. } => alias.as_mut(),
        _ => None,
    }
}

/// The selects of a query body that are not queries of their own.
fn selects(body: &mut SetExpr) -> Vec<&mut Select> {
    match body {
        SetExpr::Select(select) => vec![select],
        SetExpr::SetOperation { left, right, .. } => {
            let mut found = selects(left);
            found.extend(selects(right));
            found
        }
        _ => Vec::new(),
    }
}
