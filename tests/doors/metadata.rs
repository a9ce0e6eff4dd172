//! Metadata: what a driver lists is what its caller may see.

use arrow_flight::flight_service_client::FlightServiceClient;
use arrow_flight::sql::CommandStatementQuery;
use arrow_flight::sql::{
    CommandGetDbSchemas, CommandGetPrimaryKeys, CommandGetTables, CommandGetXdbcTypeInfo, SqlInfo,
};
use arrow_flight::{FlightDescriptor, FlightInfo};
use tonic::Request;

use crate::visitor::{Visitor, with_tables};

fn tables(include_schema: bool) -> CommandGetTables {
    CommandGetTables {
        catalog: Some("demo".to_owned()),
        db_schema_filter_pattern: None,
        table_name_filter_pattern: None,
        table_types: Vec::new(),
        include_schema,
    }
}

async fn listed(visitor: &mut Visitor, info: Result<FlightInfo, arrow_flight::error::FlightError>) -> Vec<String> {
    let info = info.unwrap();
    visitor.fetch(&info).await.unwrap()
}

#[tokio::test]
async fn catalogs_schemas_and_tables_are_those_that_the_caller_sees() {
    let (server, mut admin, mut alice) = with_tables().await;
    let bob = server.user("bob").await;
    let mut bob = Visitor::new(&server, &bob).await;
    let info = alice.client.get_catalogs().await;
    assert!(listed(&mut alice, info).await.contains(&"demo".to_owned()));
    let info = bob.client.get_catalogs().await;
    assert!(!listed(&mut bob, info).await.contains(&"demo".to_owned()));
    let schemas = || CommandGetDbSchemas { catalog: Some("demo".to_owned()), db_schema_filter_pattern: None };
    let info = alice.client.get_db_schemas(schemas()).await;
    assert_eq!(listed(&mut alice, info).await, ["demo,s"]);
    let info = admin.client.get_db_schemas(schemas()).await;
    assert_eq!(listed(&mut admin, info).await, ["demo,closed", "demo,s"]);
    let info = alice.client.get_tables(tables(false)).await;
    assert_eq!(listed(&mut alice, info).await, ["demo,s,t,TABLE"]);
    let info = admin.client.get_tables(tables(false)).await;
    assert_eq!(listed(&mut admin, info).await, ["demo,s,hidden,TABLE", "demo,s,t,TABLE"]);
    let info = bob.client.get_tables(tables(false)).await;
    assert!(listed(&mut bob, info).await.is_empty());
}

#[tokio::test]
async fn tables_are_listed_by_kind_and_pattern_with_their_columns() {
    let (_server, mut admin, _) = with_tables().await;
    admin.script(&["CREATE VIEW demo.s.v AS SELECT id FROM demo.s.t"]).await;
    let views = CommandGetTables { table_types: vec!["VIEW".to_owned()], ..tables(false) };
    let info = admin.client.get_tables(views).await;
    assert_eq!(listed(&mut admin, info).await, ["demo,s,v,VIEW"]);
    let matching = CommandGetTables { table_name_filter_pattern: Some("hid%".to_owned()), ..tables(true) };
    let info = admin.client.get_tables(matching).await.unwrap();
    let batches = admin.batches(&info).await.unwrap();
    assert_eq!(batches[0].schema().field(4).name(), "table_schema");
    assert_eq!(batches[0].num_rows(), 1);
}

#[tokio::test]
async fn what_the_server_says_of_itself_can_be_read() {
    let (_server, _, mut alice) = with_tables().await;
    let info = alice.client.get_sql_info(vec![SqlInfo::FlightSqlServerName]).await;
    assert!(listed(&mut alice, info).await[0].contains("lakewarden"));
    let info = alice.client.get_table_types().await;
    assert_eq!(listed(&mut alice, info).await, ["TABLE", "VIEW"]);
    let info = alice.client.get_xdbc_type_info(CommandGetXdbcTypeInfo { data_type: None }).await;
    assert!(listed(&mut alice, info).await.len() >= 10);
    let keys = CommandGetPrimaryKeys { catalog: None, db_schema: None, table: "t".to_owned() };
    let info = alice.client.get_primary_keys(keys).await;
    assert!(listed(&mut alice, info).await.is_empty());
}

#[tokio::test]
async fn a_schema_can_be_asked_without_running_anything() {
    let (server, mut admin, _) = with_tables().await;
    let mut client = FlightServiceClient::new(server.client(server.admin()).await);
    let mut schema_of = async |query: &str| {
        let command = CommandStatementQuery { query: query.to_owned(), transaction_id: None };
        let descriptor = FlightDescriptor::new_cmd(crate::sessions::prost_bytes(&command));
        let answer = client.get_schema(Request::new(descriptor)).await?.into_inner();
        let schema: arrow::datatypes::Schema = (&answer).try_into().unwrap();
        Ok::<_, tonic::Status>(schema.fields().iter().map(|f| f.name().clone()).collect::<Vec<_>>())
    };
    assert_eq!(schema_of("SELECT id, name FROM demo.s.t").await.unwrap(), ["id", "name"]);
    assert!(schema_of("SELECT id FROM demo.s.absent").await.is_err());
    // Twice, and no second one finds the first.
    for _ in 0..2 {
        assert!(schema_of("CREATE SCHEMA demo.never").await.unwrap().is_empty());
    }
    admin.script(&["CREATE SCHEMA demo.never"]).await;
}
