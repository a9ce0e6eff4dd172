//! What comes to a door: a Flight SQL client and a plain HTTP one, and what they read off an answer.

use arrow::record_batch::RecordBatch;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use arrow_flight::FlightInfo;
use arrow_flight::error::FlightError;
use arrow_flight::sql::client::FlightSqlServiceClient;
use futures::TryStreamExt;
use lakewarden_test_support::Server;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tonic::Status;
use tonic::transport::Channel;

/// A Flight SQL client of one token.
pub struct Visitor {
    pub client: FlightSqlServiceClient<Channel>,
}

impl Visitor {
    pub async fn new(server: &Server, token: &str) -> Self {
        let mut client = FlightSqlServiceClient::new(server.channel().await);
        client.set_token(token.to_owned());
        Self { client }
    }

    /// Runs a query and gives its rows as text, the values of a row joined by commas.
    pub async fn query(&mut self, sql: &str) -> Result<Vec<String>, Status> {
        let info = self.client.execute(sql.to_owned(), None).await.map_err(status)?;
        self.fetch(&info).await
    }

    /// Fetches what an info promises.
    pub async fn fetch(&mut self, info: &FlightInfo) -> Result<Vec<String>, Status> {
        Ok(rows(&self.batches(info).await?))
    }

    pub async fn batches(&mut self, info: &FlightInfo) -> Result<Vec<RecordBatch>, Status> {
        let ticket = info.endpoint[0].ticket.clone().unwrap();
        let stream = self.client.do_get(ticket).await.map_err(status)?;
        stream.try_collect().await.map_err(status)
    }

    /// Runs a statement for its effect; how many rows it changed.
    pub async fn update(&mut self, sql: &str) -> Result<i64, Status> {
        self.client.execute_update(sql.to_owned(), None).await.map_err(status)
    }

    /// Runs statements for their effect.
    pub async fn script(&mut self, statements: &[&str]) {
        for sql in statements {
            self.update(sql).await.unwrap_or_else(|e| panic!("{sql}: {e:?}"));
        }
    }
}

/// The status behind an error of the client.
pub fn status(error: FlightError) -> Status {
    match error {
        FlightError::Tonic(status) => *status,
        other => panic!("not an answer of the server: {other}"),
    }
}

/// The SQLSTATE in the details of a status.
pub fn sqlstate(status: &Status) -> String {
    let details = status.details();
    let key = b"sqlstate";
    // The value of the map entry follows its key: a tag, a length of 5, the text.
    let at = details.windows(key.len()).position(|window| window == key).map(|at| at + key.len() + 2);
    let value = at.and_then(|at| details.get(at..at + 5)).unwrap_or_default();
    String::from_utf8(value.to_vec()).unwrap()
}

/// Rows as text.
pub fn rows(batches: &[RecordBatch]) -> Vec<String> {
    let options = FormatOptions::default().with_null("NULL");
    let mut rows = Vec::new();
    for batch in batches {
        let columns: Vec<_> = batch.columns().iter().map(|c| ArrayFormatter::try_new(c, &options).unwrap()).collect();
        for row in 0..batch.num_rows() {
            let values: Vec<String> = columns.iter().map(|c| c.value(row).to_string()).collect();
            rows.push(values.join(","));
        }
    }
    rows
}

/// One plain HTTP request; the status and the whole reply.
pub async fn get(server: &Server, path: &str, token: Option<&str>) -> (u16, String) {
    let address = server.endpoint().replace("http://", "");
    let mut stream = tokio::net::TcpStream::connect(&address).await.unwrap();
    let authorization = token.map(|t| format!("authorization: Bearer {t}\r\n")).unwrap_or_default();
    let request = format!("GET {path} HTTP/1.1\r\nhost: {address}\r\n{authorization}connection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut reply = String::new();
    stream.read_to_string(&mut reply).await.unwrap();
    let code = reply.split_whitespace().nth(1).unwrap_or_default().parse().unwrap_or_default();
    (code, reply)
}

/// A server with a table `demo.s.t` of three rows, which `alice` may read, and a table `demo.s.hidden`, which she may not.
pub async fn with_tables() -> (Server, Visitor, Visitor) {
    let server = Server::start().await;
    let alice = server.user("alice").await;
    let mut admin = Visitor::new(&server, server.admin()).await;
    let statements = [
        "CREATE CATALOG demo",
        "CREATE SCHEMA demo.s",
        "CREATE SCHEMA demo.closed",
        "CREATE TABLE demo.s.t (id BIGINT NOT NULL, name STRING, price DECIMAL(10,2), day DATE)",
        "CREATE TABLE demo.s.hidden (id BIGINT)",
        "INSERT INTO demo.s.t VALUES (1, 'one', 1.50, DATE '2024-01-01'), (2, 'two', 2.50, DATE '2024-01-02'), (3, NULL, NULL, NULL)",
        "GRANT USE CATALOG ON CATALOG demo TO `alice`",
        "GRANT USE SCHEMA ON SCHEMA demo.s TO `alice`",
        "GRANT SELECT ON TABLE demo.s.t TO `alice`",
        "GRANT SELECT ON TABLE demo.s.t TO `admin`",
    ];
    admin.script(&statements).await;
    let alice = Visitor::new(&server, &alice).await;
    (server, admin, alice)
}
