//! Every operation asked by who may see the thing but not do it, and by who may not see it at all.

use lakewarden_proto::v1;
use lakewarden_proto::v1::audit_service_client::AuditServiceClient;
use lakewarden_proto::v1::catalog_service_client::CatalogServiceClient;
use lakewarden_proto::v1::function_service_client::FunctionServiceClient;
use lakewarden_proto::v1::grant_service_client::GrantServiceClient;
use lakewarden_proto::v1::policy_argument::Argument;
use lakewarden_proto::v1::policy_service_client::PolicyServiceClient;
use lakewarden_proto::v1::principal_service_client::PrincipalServiceClient;
use lakewarden_proto::v1::schema_service_client::SchemaServiceClient;
use lakewarden_proto::v1::table_service_client::TableServiceClient;
use lakewarden_proto::v1::token_service_client::TokenServiceClient;
use tonic::Code;

use crate::ask;
use crate::world::{Told, Who, World, mask, told};

/// The names that the operations are asked of.
struct Names {
    catalog: &'static str,
    schema: &'static str,
    table: &'static str,
    function: &'static str,
}

const THERE: Names =
    Names { catalog: "main", schema: "main.sales", table: "main.sales.orders", function: "main.sales.shout" };
/// Of the same length as those that are there, so that words differ in the names alone.
const ABSENT: Names =
    Names { catalog: "none", schema: "none.sales", table: "none.sales.orders", function: "none.sales.shout" };

macro_rules! asked {
    ($world:expr, $who:expr, $client:ident.$method:ident($request:expr)) => {
        (stringify!($method), told($client::new($world.client($who).await).$method($request).await))
    };
}

mod grants;
mod tags;

fn owned(text: &str) -> String {
    text.to_owned()
}

fn on(kind: v1::SecurableKind, name: &str) -> Option<v1::SecurableRef> {
    Some(v1::SecurableRef { kind: kind.into(), full_name: owned(name) })
}

/// Changes to catalogs and schemas.
async fn containers(world: &World, who: Who, names: &Names) -> Vec<(&'static str, Told)> {
    let (catalog, schema) = (|| owned(names.catalog), || owned(names.schema));
    let update_mask = mask(&["comment"]);
    vec![
        asked!(
            world,
            who,
            CatalogServiceClient.update_catalog(v1::UpdateCatalogRequest {
                full_name: catalog(),
                catalog: Some(v1::Catalog::default()),
                update_mask: update_mask.clone(),
                ..Default::default()
            })
        ),
        asked!(
            world,
            who,
            CatalogServiceClient.delete_catalog(v1::DeleteCatalogRequest {
                full_name: catalog(),
                force: true,
                ..Default::default()
            })
        ),
        asked!(
            world,
            who,
            SchemaServiceClient.create_schema(v1::CreateSchemaRequest {
                parent: catalog(),
                name: owned("new"),
                ..Default::default()
            })
        ),
        asked!(
            world,
            who,
            SchemaServiceClient.update_schema(v1::UpdateSchemaRequest {
                full_name: schema(),
                schema: Some(v1::Schema::default()),
                update_mask,
                ..Default::default()
            })
        ),
        asked!(
            world,
            who,
            SchemaServiceClient.delete_schema(v1::DeleteSchemaRequest {
                full_name: schema(),
                force: true,
                ..Default::default()
            })
        ),
    ]
}

/// Changes to tables and views.
async fn relations(world: &World, who: Who, names: &Names) -> Vec<(&'static str, Told)> {
    let (schema, table) = (|| owned(names.schema), || owned(names.table));
    let update_mask = mask(&["comment"]);
    let column = v1::Column { name: owned("x"), type_text: owned("INT"), ..Default::default() };
    vec![
        asked!(
            world,
            who,
            TableServiceClient.create_table(v1::CreateTableRequest {
                parent: schema(),
                name: owned("new"),
                columns: vec![column],
                ..Default::default()
            })
        ),
        asked!(
            world,
            who,
            TableServiceClient.create_view(v1::CreateViewRequest {
                parent: schema(),
                name: owned("new"),
                view_definition: owned("SELECT 1 AS one"),
                ..Default::default()
            })
        ),
        asked!(
            world,
            who,
            TableServiceClient.update_table(v1::UpdateTableRequest {
                full_name: table(),
                table: Some(v1::Table::default()),
                update_mask,
                ..Default::default()
            })
        ),
        asked!(
            world,
            who,
            TableServiceClient.delete_table(v1::DeleteTableRequest { full_name: table(), ..Default::default() })
        ),
    ]
}

/// Changes to functions.
async fn functions(world: &World, who: Who, names: &Names) -> Vec<(&'static str, Told)> {
    let (schema, function) = (|| owned(names.schema), || owned(names.function));
    let update_mask = mask(&["comment"]);
    vec![
        asked!(
            world,
            who,
            FunctionServiceClient.create_function(v1::CreateFunctionRequest {
                parent: schema(),
                name: owned("new"),
                return_type: owned("INT"),
                routine_definition: owned("1"),
                ..Default::default()
            })
        ),
        asked!(
            world,
            who,
            FunctionServiceClient.update_function(v1::UpdateFunctionRequest {
                full_name: function(),
                function: Some(v1::Function::default()),
                update_mask,
                ..Default::default()
            })
        ),
        asked!(
            world,
            who,
            FunctionServiceClient
                .delete_function(v1::DeleteFunctionRequest { full_name: function(), ..Default::default() })
        ),
    ]
}

/// Changes to policies.
async fn policies(world: &World, who: Who, names: &Names) -> Vec<(&'static str, Told)> {
    let (table, function) = (|| owned(names.table), || owned(names.function));
    let argument = v1::PolicyArgument { argument: Some(Argument::Column(owned("region"))) };
    vec![
        asked!(
            world,
            who,
            PolicyServiceClient.set_row_filter(v1::SetRowFilterRequest {
                table: table(),
                row_filter: Some(v1::RowFilter { function: function(), arguments: vec![argument] }),
                ..Default::default()
            })
        ),
        asked!(
            world,
            who,
            PolicyServiceClient.drop_row_filter(v1::DropRowFilterRequest { table: table(), ..Default::default() })
        ),
        asked!(
            world,
            who,
            PolicyServiceClient.set_column_mask(v1::SetColumnMaskRequest {
                table: table(),
                column: owned("phone"),
                mask: Some(v1::ColumnMask { function: function(), using_columns: Vec::new() }),
                ..Default::default()
            })
        ),
        asked!(
            world,
            who,
            PolicyServiceClient.drop_column_mask(v1::DropColumnMaskRequest {
                table: table(),
                column: owned("phone"),
                ..Default::default()
            })
        ),
    ]
}

/// Readings.
async fn readings(world: &World, who: Who, names: &Names) -> Vec<(&'static str, Told)> {
    let (catalog, schema, table) = (|| owned(names.catalog), || owned(names.schema), || owned(names.table));
    vec![
        asked!(world, who, CatalogServiceClient.get_catalog(v1::GetCatalogRequest { full_name: catalog() })),
        asked!(world, who, SchemaServiceClient.get_schema(v1::GetSchemaRequest { full_name: schema() })),
        asked!(
            world,
            who,
            SchemaServiceClient.list_schemas(v1::ListSchemasRequest { parent: catalog(), ..Default::default() })
        ),
        asked!(world, who, TableServiceClient.get_table(v1::GetTableRequest { full_name: table() })),
        asked!(
            world,
            who,
            TableServiceClient.list_tables(v1::ListTablesRequest { parent: schema(), ..Default::default() })
        ),
        asked!(
            world,
            who,
            FunctionServiceClient.get_function(v1::GetFunctionRequest { full_name: owned(names.function) })
        ),
        asked!(
            world,
            who,
            FunctionServiceClient.list_functions(v1::ListFunctionsRequest { parent: schema(), ..Default::default() })
        ),
        asked!(world, who, PolicyServiceClient.get_table_policies(v1::GetTablePoliciesRequest { table: table() })),
        asked!(
            world,
            who,
            GrantServiceClient.list_grants(v1::ListGrantsRequest {
                securable: on(v1::SecurableKind::Table, names.table),
                ..Default::default()
            })
        ),
    ]
}

/// What only metastore admins do with principals.
async fn principals(world: &World, who: Who) -> Vec<(&'static str, Told)> {
    let kind = v1::PrincipalKind::User.into();
    vec![
        asked!(
            world,
            who,
            PrincipalServiceClient.create_principal(v1::CreatePrincipalRequest {
                name: owned("new"),
                kind,
                ..Default::default()
            })
        ),
        asked!(
            world,
            who,
            PrincipalServiceClient.update_principal(v1::UpdatePrincipalRequest {
                name: owned("bob"),
                principal: Some(v1::Principal::default()),
                update_mask: mask(&["comment"]),
                ..Default::default()
            })
        ),
        asked!(
            world,
            who,
            PrincipalServiceClient
                .delete_principal(v1::DeletePrincipalRequest { name: owned("bob"), ..Default::default() })
        ),
        asked!(
            world,
            who,
            PrincipalServiceClient.add_member(v1::AddMemberRequest { group: owned("team"), member: owned("alice") })
        ),
        asked!(
            world,
            who,
            PrincipalServiceClient
                .remove_member(v1::RemoveMemberRequest { group: owned("team"), member: owned("bob") })
        ),
        asked!(
            world,
            who,
            PrincipalServiceClient.list_members(v1::ListMembersRequest { group: owned("team"), ..Default::default() })
        ),
    ]
}

/// What else only metastore admins do.
async fn administration(world: &World, who: Who) -> Vec<(&'static str, Told)> {
    vec![
        asked!(
            world,
            who,
            CatalogServiceClient.create_catalog(v1::CreateCatalogRequest { name: owned("new"), ..Default::default() })
        ),
        asked!(
            world,
            who,
            TokenServiceClient.create_token(v1::CreateTokenRequest { principal: owned("bob"), ..Default::default() })
        ),
        asked!(
            world,
            who,
            TokenServiceClient.list_tokens(v1::ListTokensRequest { principal: owned("*"), ..Default::default() })
        ),
        asked!(world, who, AuditServiceClient.list_audit_events(v1::ListAuditEventsRequest::default())),
    ]
}

#[tokio::test]
async fn who_sees_but_may_not_is_denied_and_changes_nothing() {
    let world = World::start().await;
    world.server.group("team", &["bob"]).await;
    let before = world.everything().await;
    let mut refused = containers(&world, Who::Alice, &THERE).await;
    refused.extend(relations(&world, Who::Alice, &THERE).await);
    refused.extend(functions(&world, Who::Alice, &THERE).await);
    refused.extend(policies(&world, Who::Alice, &THERE).await);
    refused.extend(grants::changes(&world, Who::Alice, &THERE).await);
    refused.extend(grants::questions(&world, Who::Alice, &THERE).await);
    refused.extend(principals(&world, Who::Alice).await);
    refused.extend(administration(&world, Who::Alice).await);
    refused.extend(tags::changes(&world, Who::Alice, &THERE).await);
    refused.extend(tags::administration(&world, Who::Alice).await);
    assert_eq!(refused.len(), 38);
    let count = refused.len();
    for (method, told) in refused {
        assert_eq!(
            (told.code, told.reason.as_str()),
            (Code::PermissionDenied, "PERMISSION_DENIED"),
            "{method}: {told:?}"
        );
        assert_eq!(told.metadata["sqlstate"], "42501", "{method}");
    }
    assert_eq!(world.everything().await, before);
    let denied = v1::ListAuditEventsRequest {
        principal: owned("alice"),
        outcome: v1::AuditOutcome::Denied.into(),
        page_size: 1000,
        ..Default::default()
    };
    let denied = ask!(world, Admin, AuditServiceClient.list_audit_events(denied)).unwrap().into_inner().events;
    assert_eq!(denied.len(), count, "each refusal is on record: {denied:?}");
}

#[tokio::test]
async fn what_is_hidden_answers_as_what_is_absent() {
    let world = World::start().await;
    let before = world.everything().await;
    let mut hidden = containers(&world, Who::Bob, &THERE).await;
    hidden.extend(relations(&world, Who::Bob, &THERE).await);
    hidden.extend(functions(&world, Who::Bob, &THERE).await);
    hidden.extend(policies(&world, Who::Bob, &THERE).await);
    hidden.extend(grants::changes(&world, Who::Bob, &THERE).await);
    hidden.extend(grants::questions(&world, Who::Bob, &THERE).await);
    hidden.extend(readings(&world, Who::Bob, &THERE).await);
    hidden.extend(tags::changes(&world, Who::Bob, &THERE).await);
    hidden.extend(tags::readings(&world, Who::Bob, &THERE).await);
    let mut absent = containers(&world, Who::Bob, &ABSENT).await;
    absent.extend(relations(&world, Who::Bob, &ABSENT).await);
    absent.extend(functions(&world, Who::Bob, &ABSENT).await);
    absent.extend(policies(&world, Who::Bob, &ABSENT).await);
    absent.extend(grants::changes(&world, Who::Bob, &ABSENT).await);
    absent.extend(grants::questions(&world, Who::Bob, &ABSENT).await);
    absent.extend(readings(&world, Who::Bob, &ABSENT).await);
    absent.extend(tags::changes(&world, Who::Bob, &ABSENT).await);
    absent.extend(tags::readings(&world, Who::Bob, &ABSENT).await);
    assert_eq!((hidden.len(), absent.len()), (39, 39));
    for ((method, hidden), (_, absent)) in hidden.into_iter().zip(absent) {
        assert_eq!(hidden.code, Code::NotFound, "{method}: {hidden:?}");
        assert_eq!(hidden, absent.about("none", "main"), "{method}");
    }
    assert_eq!(world.everything().await, before);
}
