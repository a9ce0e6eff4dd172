//! The current catalog and schema of a client that keeps its cookie.

use arrow_flight::Action;
use arrow_flight::flight_service_client::FlightServiceClient;
use arrow_flight::sql::{CommandStatementQuery, ProstMessageExt};
use arrow_flight::{FlightDescriptor, FlightInfo};
use lakewarden_test_support::{Client, Server};
use tonic::metadata::MetadataMap;
use tonic::{Code, Request, Status};

use crate::visitor::with_tables;

/// A client with a jar for one cookie.
struct Keeper {
    client: FlightServiceClient<Client>,
    cookie: Option<String>,
}

impl Keeper {
    async fn new(server: &Server, token: &str) -> Self {
        Self { client: FlightServiceClient::new(server.client(token).await), cookie: None }
    }

    fn request<T>(&self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        if let Some(cookie) = &self.cookie {
            request.metadata_mut().insert("cookie", cookie.parse().unwrap());
        }
        request
    }

    fn keep(&mut self, metadata: &MetadataMap) {
        if let Some(cookie) = metadata.get("set-cookie") {
            let text = cookie.to_str().unwrap();
            assert!(text.contains("HttpOnly"), "{text}");
            self.cookie = text.split(';').next().map(str::to_owned);
        }
    }

    /// Runs a query and throws its rows away.
    async fn run(&mut self, sql: &str) -> Result<(), Status> {
        let command = CommandStatementQuery { query: sql.to_owned(), transaction_id: None };
        let descriptor = FlightDescriptor::new_cmd(prost_bytes(&command));
        let answer = self.client.get_flight_info(self.request(descriptor)).await?;
        self.keep(answer.metadata());
        let info: FlightInfo = answer.into_inner();
        let ticket = info.endpoint[0].ticket.clone().unwrap();
        let answer = self.client.do_get(self.request(ticket)).await?;
        self.keep(answer.metadata());
        let mut messages = answer.into_inner();
        while messages.message().await?.is_some() {}
        Ok(())
    }

    async fn act(&mut self, name: &str, body: &[u8]) -> Result<Vec<u8>, Status> {
        let action = Action { r#type: name.to_owned(), body: body.to_vec().into() };
        let answer = self.client.do_action(self.request(action)).await?;
        self.keep(answer.metadata());
        Ok(answer.into_inner().message().await?.map(|result| result.body.to_vec()).unwrap_or_default())
    }
}

/// A command as it travels.
pub fn prost_bytes(command: &impl ProstMessageExt) -> Vec<u8> {
    prost::Message::encode_to_vec(&command.as_any())
}

/// `SetSessionOptionsRequest` with one text option.
fn option(name: &str, value: &str) -> Vec<u8> {
    let length = |bytes: &[u8]| u8::try_from(bytes.len()).unwrap();
    let mut inner = vec![0x0a, length(value.as_bytes())];
    inner.extend_from_slice(value.as_bytes());
    let mut entry = vec![0x0a, length(name.as_bytes())];
    entry.extend_from_slice(name.as_bytes());
    entry.extend_from_slice(&[0x12, length(&inner)]);
    entry.extend_from_slice(&inner);
    let mut message = vec![0x0a, length(&entry)];
    message.extend_from_slice(&entry);
    message
}

#[tokio::test]
async fn use_lasts_for_who_keeps_the_cookie() {
    let (server, ..) = with_tables().await;
    let token = server.token("alice", 60).await.text;
    let mut keeper = Keeper::new(&server, &token).await;
    assert!(keeper.run("SELECT * FROM t").await.is_err());
    assert!(keeper.cookie.is_none(), "nothing was current yet");
    keeper.run("USE demo.s").await.unwrap();
    assert!(keeper.cookie.is_some());
    keeper.run("SELECT * FROM t").await.unwrap();
    // Without the cookie nothing is current, and with another principal's token the cookie is nothing.
    let mut without = Keeper::new(&server, &token).await;
    assert!(without.run("SELECT * FROM t").await.is_err());
    let mut thief = Keeper::new(&server, server.admin()).await;
    thief.cookie.clone_from(&keeper.cookie);
    assert!(thief.run("SELECT * FROM t").await.is_err());
}

#[tokio::test]
async fn options_set_and_show_the_current_catalog_and_schema() {
    let (server, ..) = with_tables().await;
    let token = server.token("alice", 60).await.text;
    let mut keeper = Keeper::new(&server, &token).await;
    assert_eq!(keeper.act("SetSessionOptions", &option("catalog", "demo")).await.unwrap(), b"");
    assert_eq!(keeper.act("SetSessionOptions", &option("schema", "s")).await.unwrap(), b"");
    keeper.run("SELECT * FROM t").await.unwrap();
    let shown = keeper.act("GetSessionOptions", b"").await.unwrap();
    assert!(shown.windows(4).any(|w| w == b"demo"), "{shown:?}");
    // An option that does not exist, and a catalog that does not: told, nothing changed.
    assert!(!keeper.act("SetSessionOptions", &option("timezone", "UTC")).await.unwrap().is_empty());
    assert!(!keeper.act("SetSessionOptions", &option("catalog", "a` b")).await.unwrap().is_empty());
    keeper.run("SELECT * FROM t").await.unwrap();
    // CLOSED, then NOT_CLOSEABLE.
    assert_eq!(keeper.act("CloseSession", b"").await.unwrap(), [0x08, 1]);
    assert_eq!(keeper.act("CloseSession", b"").await.unwrap(), [0x08, 3]);
    assert!(keeper.run("SELECT * FROM t").await.is_err());
    assert_eq!(keeper.act("Nonsense", b"").await.unwrap_err().code(), Code::Unimplemented);
}
