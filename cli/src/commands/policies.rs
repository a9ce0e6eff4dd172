//! `policy`.

use lakewarden_proto::v1::policy_argument::Argument;
use lakewarden_proto::v1::{
    ColumnMask, DropColumnMaskRequest, DropRowFilterRequest, GetTablePoliciesRequest, PolicyArgument, RowFilter,
    SetColumnMaskRequest, SetRowFilterRequest, TablePolicies,
};

use super::{Context, confirm, records};
use crate::args::{MaskCommand, MaskDropArgs, PolicyCommand, RowFilterCommand, RowFilterDropArgs};
use crate::error::CliError;
use crate::names;

/// Runs the command, and shows the policies of the table as they are then.
///
/// # Errors
/// Those of the server.
pub async fn run(command: PolicyCommand, context: &mut Context) -> Result<(), CliError> {
    let policies = match command {
        PolicyCommand::Show { table } => {
            context.client.policies().get_table_policies(GetTablePoliciesRequest { table }).await?.into_inner()
        }
        PolicyCommand::RowFilter(RowFilterCommand::Set(args)) => {
            let row_filter = RowFilter { function: args.function, arguments: arguments(&args.on) };
            let request = SetRowFilterRequest { table: args.table, row_filter: Some(row_filter), etag: args.etag };
            context.client.policies().set_row_filter(request).await?.into_inner()
        }
        PolicyCommand::Mask(MaskCommand::Set(args)) => {
            let mask = ColumnMask { function: args.function, using_columns: arguments(&args.using) };
            let column = names::unquote(&args.column);
            let request = SetColumnMaskRequest { table: args.table, column, mask: Some(mask), etag: args.etag };
            context.client.policies().set_column_mask(request).await?.into_inner()
        }
        PolicyCommand::RowFilter(RowFilterCommand::Drop(args)) => drop_filter(args, context).await?,
        PolicyCommand::Mask(MaskCommand::Drop(args)) => drop_mask(args, context).await?,
    };
    context.out.list("policy", &records::policies(policies), records::POLICY_FIELDS)
}

async fn drop_filter(args: RowFilterDropArgs, context: &Context) -> Result<TablePolicies, CliError> {
    confirm(&format!("drop the row filter of `{}`, so that all its rows can be read", args.table), args.yes)?;
    let request = DropRowFilterRequest { table: args.table, etag: args.etag };
    Ok(context.client.policies().drop_row_filter(request).await?.into_inner())
}

async fn drop_mask(args: MaskDropArgs, context: &Context) -> Result<TablePolicies, CliError> {
    confirm(
        &format!("drop the mask of `{}` in `{}`, so that its values can be read", args.column, args.table),
        args.yes,
    )?;
    let request = DropColumnMaskRequest { table: args.table, column: names::unquote(&args.column), etag: args.etag };
    Ok(context.client.policies().drop_column_mask(request).await?.into_inner())
}

fn arguments(texts: &[String]) -> Vec<PolicyArgument> {
    texts.iter().map(|text| PolicyArgument { argument: Some(argument(text)) }).collect()
}

/// A constant is what SQL reads as one: quoted text, a number, TRUE, FALSE or NULL. Anything else names a column.
fn argument(text: &str) -> Argument {
    let text = text.trim();
    let word = ["true", "false", "null"].iter().any(|w| text.eq_ignore_ascii_case(w));
    let number = text.trim_start_matches(['-', '+']).starts_with(|c: char| c.is_ascii_digit() || c == '.');
    if word || number || text.starts_with(['\'', '"']) {
        Argument::Literal(text.to_owned())
    } else {
        Argument::Column(names::unquote(text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("'EMEA'")]
    #[case("42")]
    #[case("-1.5")]
    #[case("TRUE")]
    #[case("null")]
    fn what_sql_reads_as_a_constant_is_one(#[case] text: &str) {
        assert_eq!(argument(text), Argument::Literal(text.to_owned()));
    }

    #[rstest]
    #[case("region", "region")]
    #[case("`true`", "true")]
    #[case("`a``b`", "a`b")]
    #[case("nullable", "nullable")]
    fn anything_else_is_a_column(#[case] text: &str, #[case] column: &str) {
        assert_eq!(argument(text), Argument::Column(column.to_owned()));
    }
}
