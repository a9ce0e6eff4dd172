//! `PolicyService`: row filters and column masks, and what a reader gets then.

use lakewarden_proto::v1;
use lakewarden_proto::v1::policy_argument::Argument;
use lakewarden_proto::v1::policy_service_client::PolicyServiceClient;
use tonic::Code;

use crate::ask;
use crate::world::{Who, World, told};

const ORDERS: &str = "main.sales.orders";

fn filter(function: &str, arguments: Vec<Argument>) -> v1::SetRowFilterRequest {
    let arguments = arguments.into_iter().map(|argument| v1::PolicyArgument { argument: Some(argument) }).collect();
    let row_filter = Some(v1::RowFilter { function: function.to_owned(), arguments });
    v1::SetRowFilterRequest { table: ORDERS.to_owned(), row_filter, ..Default::default() }
}

fn column(name: &str) -> Argument {
    Argument::Column(name.to_owned())
}

fn masking(column: &str, function: &str) -> v1::SetColumnMaskRequest {
    let mask = Some(v1::ColumnMask { function: function.to_owned(), using_columns: Vec::new() });
    v1::SetColumnMaskRequest { table: ORDERS.to_owned(), column: column.to_owned(), mask, ..Default::default() }
}

fn get() -> v1::GetTablePoliciesRequest {
    v1::GetTablePoliciesRequest { table: ORDERS.to_owned() }
}

/// A world with a function that makes everything NULL.
async fn start() -> World {
    let world = World::start().await;
    let nothing = "CREATE FUNCTION main.sales.nothing(x STRING) RETURNS STRING RETURN nullif(x, x)";
    world.sql(Who::Admin, nothing).await.unwrap();
    world
}

#[tokio::test]
async fn a_row_filter_binds_everybody_until_it_is_dropped() {
    let world = start().await;
    let set =
        ask!(world, Admin, PolicyServiceClient.set_row_filter(filter("main.sales.is_eu", vec![column("region")])));
    let set = set.unwrap().into_inner();
    assert_eq!(set.row_filter, filter("main.sales.is_eu", vec![column("region")]).row_filter);
    for who in [Who::Admin, Who::Alice] {
        let rows = world.sql(who, "SELECT id, region FROM main.sales.orders ORDER BY id").await.unwrap();
        assert_eq!(rows.rows.num_rows(), 2, "{}", rows.text());
    }
    let drop = v1::DropRowFilterRequest { table: ORDERS.to_owned(), etag: set.etag };
    let dropped = ask!(world, Admin, PolicyServiceClient.drop_row_filter(drop.clone())).unwrap().into_inner();
    assert_eq!(dropped.row_filter, None);
    let rows = world.sql(Who::Alice, "SELECT id FROM main.sales.orders").await.unwrap();
    assert_eq!(rows.rows.num_rows(), 3);
    let stale = told(ask!(world, Admin, PolicyServiceClient.drop_row_filter(drop)));
    assert_eq!(stale.code, Code::Aborted);
    let none = v1::DropRowFilterRequest { table: ORDERS.to_owned(), ..Default::default() };
    assert_eq!(told(ask!(world, Admin, PolicyServiceClient.drop_row_filter(none))).reason, "NO_POLICY");
}

#[tokio::test]
async fn a_mask_binds_everybody_until_it_is_dropped() {
    let world = start().await;
    let set = ask!(world, Admin, PolicyServiceClient.set_column_mask(masking("PHONE", "main.sales.nothing")));
    let set = set.unwrap().into_inner();
    assert_eq!((set.column_masks.len(), set.column_masks[0].column.as_str()), (1, "phone"));
    let rows = world.sql(Who::Alice, "SELECT id, phone FROM main.sales.orders ORDER BY id").await.unwrap();
    assert_eq!(rows.rows.column(1).null_count(), 3);
    use lakewarden_proto::v1::table_service_client::TableServiceClient;
    let table = v1::GetTableRequest { full_name: ORDERS.to_owned() };
    let table = ask!(world, Admin, TableServiceClient.get_table(table)).unwrap().into_inner();
    assert_eq!(table.columns[2].mask, masking("phone", "main.sales.nothing").mask);
    let drop = v1::DropColumnMaskRequest { table: ORDERS.to_owned(), column: "phone".to_owned(), ..Default::default() };
    let dropped = ask!(world, Admin, PolicyServiceClient.drop_column_mask(drop)).unwrap().into_inner();
    assert!(dropped.column_masks.is_empty());
    let rows = world.sql(Who::Alice, "SELECT phone FROM main.sales.orders").await.unwrap();
    assert!(rows.holds("SECRET-ONE"));
}

/// Arrow sends whole buffers: a hidden value could lie in the bytes though no row shows it.
#[tokio::test]
async fn hidden_values_are_not_in_the_bytes_either() {
    let world = start().await;
    let all = world.sql(Who::Alice, "SELECT * FROM main.sales.orders").await.unwrap();
    assert!(all.holds("SECRET-ONE") && all.holds("SECRET-TWO"));
    ask!(world, Admin, PolicyServiceClient.set_row_filter(filter("main.sales.is_eu", vec![column("region")]))).unwrap();
    for statement in ["SELECT * FROM main.sales.orders", "SELECT phone FROM main.sales.orders LIMIT 2"] {
        let filtered = world.sql(Who::Alice, statement).await.unwrap();
        assert!(filtered.holds("SECRET-ONE") && !filtered.holds("SECRET-TWO"), "{statement}");
    }
    ask!(world, Admin, PolicyServiceClient.set_column_mask(masking("phone", "main.sales.nothing"))).unwrap();
    let masked = world.sql(Who::Alice, "SELECT * FROM main.sales.orders").await.unwrap();
    assert!(!masked.holds("SECRET"));
    // The caller's own expressions hide values too.
    ask!(
        world,
        Admin,
        PolicyServiceClient.drop_column_mask(v1::DropColumnMaskRequest {
            table: ORDERS.to_owned(),
            column: "phone".to_owned(),
            ..Default::default()
        })
    )
    .unwrap();
    let own = world.sql(Who::Alice, "SELECT nullif(phone, phone) AS p FROM main.sales.orders").await.unwrap();
    assert!(!own.holds("SECRET"));
}

#[tokio::test]
async fn policies_that_do_not_fit_are_refused_and_change_nothing() {
    let world = start().await;
    let before = world.everything().await;
    for (request, code) in [
        (filter("main.sales.shout", vec![column("region")]), Code::InvalidArgument),
        (filter("main.sales.is_eu", vec![]), Code::InvalidArgument),
        (filter("main.sales.is_eu", vec![column("region"), Argument::Literal("1".to_owned())]), Code::InvalidArgument),
        (filter("main.sales.is_eu", vec![column("no_such")]), Code::NotFound),
        (filter("main.sales.absent", vec![column("region")]), Code::NotFound),
        (filter("main.sales.is_eu", vec![Argument::Literal("region".to_owned())]), Code::InvalidArgument),
        (
            v1::SetRowFilterRequest {
                table: "main.sales.big".to_owned(),
                ..filter("main.sales.is_eu", vec![column("id")])
            },
            Code::FailedPrecondition,
        ),
        (
            v1::SetRowFilterRequest { etag: "1".to_owned(), ..filter("main.sales.is_eu", vec![column("region")]) },
            Code::Aborted,
        ),
    ] {
        let refused = told(ask!(world, Admin, PolicyServiceClient.set_row_filter(request.clone())));
        assert_eq!(refused.code, code, "{request:?}: {refused:?}");
    }
    let mask = told(ask!(world, Admin, PolicyServiceClient.set_column_mask(masking("no_such", "main.sales.nothing"))));
    assert_eq!(mask.code, Code::NotFound);
    assert_eq!(world.everything().await, before);
}

#[tokio::test]
async fn every_fault_of_a_policy_is_told() {
    let world = start().await;
    let mut request = filter("is_eu", vec![Argument::Literal("1; DROP".to_owned()), column("")]);
    request.table = "orders".to_owned();
    let refused = told(ask!(world, Admin, PolicyServiceClient.set_row_filter(request)));
    assert_eq!(refused.fields, ["table", "row_filter.function", "row_filter.arguments[0]", "row_filter.arguments[1]"]);
    let refused = told(ask!(world, Admin, PolicyServiceClient.set_column_mask(v1::SetColumnMaskRequest::default())));
    assert_eq!(refused.fields, ["table", "column", "mask"]);
}

#[tokio::test]
async fn who_may_not_see_the_function_learns_only_that_there_is_a_policy() {
    let world = start().await;
    let request = filter("main.sales.is_eu", vec![column("region")]);
    ask!(world, Admin, PolicyServiceClient.set_row_filter(request)).unwrap();
    let seen = ask!(world, Alice, PolicyServiceClient.get_table_policies(get())).unwrap().into_inner();
    assert_eq!(seen.row_filter, Some(v1::RowFilter::default()));
    world.server.grant(&[v1::Privilege::Execute], v1::SecurableKind::Function, "main.sales.is_eu", "alice").await;
    let seen = ask!(world, Alice, PolicyServiceClient.get_table_policies(get())).unwrap().into_inner();
    assert_eq!(seen.row_filter.unwrap().function, "main.sales.is_eu");
}

#[tokio::test]
async fn a_function_in_use_cannot_go() {
    let world = start().await;
    ask!(world, Admin, PolicyServiceClient.set_column_mask(masking("phone", "main.sales.nothing"))).unwrap();
    use lakewarden_proto::v1::function_service_client::FunctionServiceClient;
    let request = v1::DeleteFunctionRequest { full_name: "main.sales.nothing".to_owned(), ..Default::default() };
    let refused = told(ask!(world, Admin, FunctionServiceClient.delete_function(request)));
    assert_eq!((refused.code, refused.reason.as_str()), (Code::FailedPrecondition, "IN_USE"));
}

#[tokio::test]
async fn the_constants_of_a_policy_are_for_those_who_manage_the_table() {
    let world = start().await;
    for statement in [
        "CREATE FUNCTION main.sales.is_in(r STRING, wanted STRING) RETURNS BOOLEAN RETURN r = wanted",
        "GRANT EXECUTE ON FUNCTION main.sales.is_in TO alice",
    ] {
        world.sql(Who::Admin, statement).await.unwrap();
    }
    let constant = Argument::Literal("'EU-SECRET'".to_owned());
    let bound = filter("main.sales.is_in", vec![column("region"), constant]);
    let set = ask!(world, Admin, PolicyServiceClient.set_row_filter(bound.clone())).unwrap().into_inner();
    assert_eq!(set.row_filter, bound.row_filter);
    let seen = ask!(world, Alice, PolicyServiceClient.get_table_policies(get())).unwrap().into_inner();
    let seen = seen.row_filter.unwrap();
    assert_eq!(seen.function, "main.sales.is_in");
    assert_eq!(seen.arguments[0].argument, Some(column("region")));
    assert_eq!(seen.arguments[1].argument, None);
}
