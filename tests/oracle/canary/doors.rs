//! The doors, as bytes: whatever the server sends for a statement, on Flight SQL and on gRPC, header, body, schema, statistics and
//! errors alike.

use arrow_flight::flight_service_client::FlightServiceClient;
use arrow_flight::sql::{
    ActionCreatePreparedStatementRequest, CommandGetCatalogs, CommandGetDbSchemas, CommandGetTables,
    CommandStatementQuery, CommandStatementUpdate, ProstMessageExt,
};
use arrow_flight::{Action, FlightData, FlightDescriptor};
use lakewarden_proto::v1;
use lakewarden_proto::v1::sql_service_client::SqlServiceClient;
use lakewarden_test_support::{Client, Server};
use prost::Message;
use tonic::Status;

/// Somebody at both doors.
pub struct Visitor {
    flight: FlightServiceClient<Client>,
    sql: SqlServiceClient<Client>,
}

/// What came back.
#[derive(Default)]
pub struct Seen {
    pub bytes: Vec<u8>,
    pub failed: bool,
}

impl Seen {
    fn add(&mut self, message: &impl Message) {
        self.bytes.extend(message.encode_to_vec());
    }

    fn refuse(&mut self, status: &Status) {
        self.failed = true;
        self.bytes.extend(status.message().as_bytes());
        self.bytes.extend(status.details());
        for value in status.metadata().iter() {
            self.bytes.extend(format!("{value:?}").into_bytes());
        }
    }
}

impl Visitor {
    pub async fn new(server: &Server, token: &str) -> Self {
        let flight = FlightServiceClient::new(server.client(token).await).max_decoding_message_size(64 << 20);
        let sql = SqlServiceClient::new(server.client(token).await).max_decoding_message_size(64 << 20);
        Self { flight, sql }
    }

    /// In the schema `d` of the vault, if it is there already.
    pub async fn by_grpc(&mut self, statement: &str, catalog: &str) -> Seen {
        let mut seen = Seen::default();
        let schema = if catalog.is_empty() { "" } else { "d" };
        let request = v1::ExecuteRequest {
            statement: statement.to_owned(),
            catalog: catalog.to_owned(),
            schema: schema.to_owned(),
            ..Default::default()
        };
        let answered = async {
            let mut stream = self.sql.execute(request).await?.into_inner();
            while let Some(message) = stream.message().await? {
                seen.add(&message);
            }
            Ok(())
        };
        let answered: Result<(), Status> = answered.await;
        if let Err(status) = answered {
            seen.refuse(&status);
        }
        seen
    }

    /// As a statement, then as a prepared one.
    pub async fn by_flight(&mut self, statement: &str) -> Seen {
        let mut seen = Seen::default();
        let command = CommandStatementQuery { query: statement.to_owned(), transaction_id: None };
        if let Err(status) = self.flight_query(&command, &mut seen).await {
            seen.refuse(&status);
        }
        let request = ActionCreatePreparedStatementRequest { query: statement.to_owned(), transaction_id: None };
        let action = Action { r#type: "CreatePreparedStatement".to_owned(), body: packed(&request).into() };
        match self.flight.do_action(action).await {
            Ok(answer) => {
                let mut results = answer.into_inner();
                while let Ok(Some(result)) = results.message().await {
                    seen.add(&result);
                }
            }
            Err(status) => seen.refuse(&status),
        }
        seen
    }

    pub async fn change_by_flight(&mut self, statement: &str) -> Seen {
        let mut seen = Seen::default();
        let command = CommandStatementUpdate { query: statement.to_owned(), transaction_id: None };
        let descriptor = FlightDescriptor::new_cmd(packed(&command));
        let data = FlightData { flight_descriptor: Some(descriptor), ..Default::default() };
        match self.flight.do_put(futures::stream::iter([data])).await {
            Ok(answer) => {
                let mut results = answer.into_inner();
                loop {
                    match results.message().await {
                        Ok(Some(result)) => seen.add(&result),
                        Ok(None) => break,
                        Err(status) => {
                            seen.refuse(&status);
                            break;
                        }
                    }
                }
            }
            Err(status) => seen.refuse(&status),
        }
        seen
    }

    /// What Flight SQL tells of the catalog.
    pub async fn metadata(&mut self) -> Seen {
        let mut seen = Seen::default();
        let tables = CommandGetTables { include_schema: true, ..Default::default() };
        for asked in [
            self.flight_query(&tables, &mut seen).await,
            self.flight_query(&CommandGetCatalogs {}, &mut seen).await,
            self.flight_query(&CommandGetDbSchemas::default(), &mut seen).await,
        ] {
            asked.unwrap();
        }
        seen
    }

    async fn flight_query(&mut self, command: &impl ProstMessageExt, seen: &mut Seen) -> Result<(), Status> {
        let info = self.flight.get_flight_info(FlightDescriptor::new_cmd(packed(command))).await?.into_inner();
        seen.add(&info);
        let ticket = info.endpoint[0].ticket.clone().unwrap();
        let mut stream = self.flight.do_get(ticket).await?.into_inner();
        while let Some(message) = stream.message().await? {
            seen.add(&message);
        }
        Ok(())
    }
}

/// A command as it travels.
fn packed(command: &impl ProstMessageExt) -> Vec<u8> {
    command.as_any().encode_to_vec()
}
