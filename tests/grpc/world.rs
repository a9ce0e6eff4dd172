//! A server with a little data, three callers, and how answers are looked at.

use std::collections::BTreeMap;
use std::fmt::Debug;

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use arrow::ipc::reader::StreamReader;
use arrow::util::pretty::pretty_format_batches;
use lakewarden_proto::v1;
use lakewarden_proto::v1::execute_response::Part;
use lakewarden_proto::v1::sql_service_client::SqlServiceClient;
use lakewarden_test_support::{Client, Server};
use prost_types::FieldMask;
use tonic::{Code, Response, Status};
use tonic_types::StatusExt;

/// Who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    /// Owns everything.
    Admin,
    /// May see the catalog, the schema, read the table and call the function; may change nothing.
    Alice,
    /// May see nothing.
    Bob,
}

/// A server with `main.sales.orders`, `main.sales.big` (a view), `main.sales.shout` and `main.sales.is_eu` (functions).
pub struct World {
    pub server: Server,
    alice: String,
    bob: String,
}

/// Asks one question: `ask!(world, Alice, CatalogServiceClient.get_catalog(request))`.
#[macro_export]
macro_rules! ask {
    ($world:expr, $who:ident, $client:ident.$method:ident($request:expr)) => {
        $client::new($world.client($crate::world::Who::$who).await).$method($request).await
    };
}

impl World {
    /// Starts it.
    pub async fn start() -> Self {
        let server = Server::start().await;
        let (alice, bob) = (server.user("alice").await, server.user("bob").await);
        let world = Self { server, alice, bob };
        for statement in [
            "CREATE CATALOG main COMMENT 'the main one'",
            "CREATE SCHEMA main.sales",
            "CREATE TABLE main.sales.orders (id BIGINT NOT NULL, region STRING, phone STRING, total DECIMAL(12,2))",
            "INSERT INTO main.sales.orders VALUES (1, 'EU', '555-1234-SECRET-ONE', 10.50), (2, 'US', '555-9876-SECRET-TWO', 20.25), (3, 'EU', NULL, 30.00)",
            "CREATE VIEW main.sales.big AS SELECT id, total FROM main.sales.orders WHERE total > 15",
            "CREATE FUNCTION main.sales.shout(x STRING) RETURNS STRING RETURN upper(x)",
            "CREATE FUNCTION main.sales.is_eu(r STRING) RETURNS BOOLEAN RETURN r = 'EU'",
            "GRANT USE CATALOG ON CATALOG main TO alice",
            "GRANT USE SCHEMA ON SCHEMA main.sales TO alice",
            "GRANT SELECT ON TABLE main.sales.orders TO alice",
            "GRANT SELECT ON TABLE main.sales.big TO alice",
            "GRANT EXECUTE ON FUNCTION main.sales.shout TO alice",
        ] {
            world.sql(Who::Admin, statement).await.unwrap_or_else(|status| panic!("{statement}: {status:?}"));
        }
        world
    }

    /// A connection of a caller.
    pub async fn client(&self, who: Who) -> Client {
        let token = match who {
            Who::Admin => self.server.admin(),
            Who::Alice => &self.alice,
            Who::Bob => &self.bob,
        };
        self.server.client(token).await
    }

    /// Runs a statement and reads its whole answer.
    pub async fn sql(&self, who: Who, statement: &str) -> Result<Answer, Status> {
        self.execute(who, v1::ExecuteRequest { statement: statement.to_owned(), ..Default::default() }).await
    }

    /// Runs an execute request and reads its whole answer.
    pub async fn execute(&self, who: Who, request: v1::ExecuteRequest) -> Result<Answer, Status> {
        let mut stream = SqlServiceClient::new(self.client(who).await).execute(request).await?.into_inner();
        let (mut header, mut bytes, mut summary) = (None, Vec::new(), None);
        while let Some(message) = stream.message().await? {
            match message.part.unwrap() {
                Part::Header(part) => header = Some(part),
                Part::ArrowIpc(chunk) => bytes.extend_from_slice(&chunk),
                Part::Summary(part) => summary = Some(part),
            }
        }
        let reader = StreamReader::try_new(bytes.as_slice(), None).unwrap();
        let (schema, batches): (_, Vec<_>) = (reader.schema(), reader.map(Result::unwrap).collect());
        let rows = concat_batches(&schema, &batches).unwrap();
        Ok(Answer { header: header.unwrap(), rows, summary: summary.unwrap(), bytes })
    }

    /// Everything that the administrator can list, with etags: it changes when anything changes.
    pub async fn everything(&self) -> String {
        use v1::catalog_service_client::CatalogServiceClient;
        use v1::function_service_client::FunctionServiceClient;
        use v1::principal_service_client::PrincipalServiceClient;
        use v1::schema_service_client::SchemaServiceClient;
        use v1::table_service_client::TableServiceClient;
        let schema = || "main.sales".to_owned();
        let catalogs = ask!(self, Admin, CatalogServiceClient.list_catalogs(v1::ListCatalogsRequest::default()));
        let schemas = v1::ListSchemasRequest { parent: "main".to_owned(), ..Default::default() };
        let schemas = ask!(self, Admin, SchemaServiceClient.list_schemas(schemas));
        let tables = v1::ListTablesRequest { parent: schema(), ..Default::default() };
        let tables = ask!(self, Admin, TableServiceClient.list_tables(tables));
        let functions = v1::ListFunctionsRequest { parent: schema(), ..Default::default() };
        let functions = ask!(self, Admin, FunctionServiceClient.list_functions(functions));
        let principals =
            ask!(self, Admin, PrincipalServiceClient.list_principals(v1::ListPrincipalsRequest::default()));
        let mut grants = String::new();
        for table in ["main", "main.sales", "main.sales.orders", "main.sales.shout"] {
            grants += &format!("{:?}", self.sql(Who::Admin, &show_grants(table)).await.unwrap().text());
        }
        format!(
            "{:?}\n{:?}\n{:?}\n{:?}\n{:?}\n{grants}",
            catalogs.unwrap().into_inner(),
            schemas.unwrap().into_inner(),
            tables.unwrap().into_inner(),
            functions.unwrap().into_inner(),
            principals.unwrap().into_inner()
        )
    }
}

fn show_grants(name: &str) -> String {
    let kind = match name {
        "main" => "CATALOG",
        "main.sales" => "SCHEMA",
        "main.sales.shout" => "FUNCTION",
        _ => "TABLE",
    };
    format!("SHOW GRANTS ON {kind} {name}")
}

/// The answer of a statement.
#[derive(Debug)]
pub struct Answer {
    pub header: v1::ExecuteHeader,
    pub rows: RecordBatch,
    pub summary: v1::ExecuteSummary,
    /// What came over the wire, but for the messages around it.
    pub bytes: Vec<u8>,
}

impl Answer {
    /// The rows as a table for people.
    pub fn text(&self) -> String {
        pretty_format_batches(std::slice::from_ref(&self.rows)).unwrap().to_string()
    }

    /// Whether a text is anywhere in what came.
    pub fn holds(&self, text: &str) -> bool {
        self.bytes.windows(text.len()).any(|window| window == text.as_bytes())
    }
}

/// What an error told.
#[derive(Debug, Clone, PartialEq)]
pub struct Told {
    pub code: Code,
    pub message: String,
    pub reason: String,
    pub metadata: BTreeMap<String, String>,
    pub fields: Vec<String>,
}

impl Told {
    /// The same as if it spoke of something else.
    pub fn about(&self, this: &str, that: &str) -> Self {
        let swap = |text: &String| text.replace(this, that);
        let mut told = self.clone();
        told.message = swap(&told.message);
        told.metadata = told.metadata.iter().map(|(key, value)| (key.clone(), swap(value))).collect();
        told
    }
}

/// What an error told; fails the test when there was none.
pub fn told<T: Debug>(result: Result<Response<T>, Status>) -> Told {
    told_of(&result.err().unwrap())
}

/// What an error told.
pub fn told_of(status: &Status) -> Told {
    let info = status.get_details_error_info().unwrap_or_else(|| panic!("no details: {status:?}"));
    assert_eq!(info.domain, "lakewarden");
    let mut metadata: BTreeMap<_, _> = info.metadata.into_iter().collect();
    metadata.remove("request_id");
    let violations = status.get_details_bad_request().map(|request| request.field_violations).unwrap_or_default();
    Told {
        code: status.code(),
        message: status.message().to_owned(),
        reason: info.reason,
        metadata,
        fields: violations.into_iter().map(|violation| violation.field).collect(),
    }
}

/// An update mask.
pub fn mask(paths: &[&str]) -> Option<FieldMask> {
    Some(FieldMask { paths: paths.iter().map(|path| (*path).to_owned()).collect() })
}
