//! Flight SQL, one method a command. Each looks the session up and makes one call into the files of this door.

use std::pin::Pin;
use std::sync::Arc;

use arrow::datatypes::{Schema, SchemaRef};
use arrow::ipc::writer::IpcWriteOptions;
use arrow::record_batch::RecordBatch;
use arrow_flight::flight_service_server::FlightService;
use arrow_flight::sql::server::{DoPutError, FlightSqlService, PeekableFlightDataStream};
use arrow_flight::sql::{
    ActionCancelQueryRequest, ActionCancelQueryResult, ActionClosePreparedStatementRequest,
    ActionCreatePreparedStatementRequest, ActionCreatePreparedStatementResult, Any, Command, CommandGetCatalogs,
    CommandGetCrossReference, CommandGetDbSchemas, CommandGetExportedKeys, CommandGetImportedKeys,
    CommandGetPrimaryKeys, CommandGetSqlInfo, CommandGetTableTypes, CommandGetTables, CommandGetXdbcTypeInfo,
    CommandPreparedStatementQuery, CommandPreparedStatementUpdate, CommandStatementQuery, CommandStatementUpdate,
    DoPutPreparedStatementResult, ProstMessageExt, SqlInfo, TicketStatementQuery,
};
use arrow_flight::{
    Action, FlightDescriptor, FlightInfo, HandshakeRequest, HandshakeResponse, IpcMessage, PutResult, SchemaAsIpc,
    Ticket,
};
use bytes::Bytes;
use futures::Stream;
use lakewarden_catalog::ErrorKind;
use prost::Message;
use tonic::metadata::AsciiMetadataValue;
use tonic::{Request, Response, Status, Streaming};

use super::answer::{self, Messages};
use super::metadata::{self, internal};
use super::session::Current;
use super::statements::{Statement, flight_info};
use super::{Door, parameters};
use crate::identity::layer::PresentedToken;
use crate::status::plain;

type Info = Result<Response<FlightInfo>, Status>;
type Answer = Result<Response<Messages>, Status>;

/// Metadata is its own ticket: it is asked anew, under the caller of that moment, when it is fetched.
fn metadata_info(schema: &Schema, command: &impl ProstMessageExt, request: Request<FlightDescriptor>) -> Info {
    flight_info(schema, command.as_any().encode_to_vec(), request.into_inner())
}

fn nothing(schema: SchemaRef) -> Answer {
    Ok(answer::one(RecordBatch::new_empty(schema)))
}

fn no_transactions(id: Option<&Bytes>) -> Result<(), Status> {
    match id {
        Some(id) if !id.is_empty() => Err(plain(
            ErrorKind::Unimplemented,
            "NOT_SUPPORTED",
            "transactions are not supported: each statement is its own",
        )),
        _ => Ok(()),
    }
}

fn ipc(schema: &Schema) -> Result<Bytes, Status> {
    let encoded: Result<IpcMessage, _> = SchemaAsIpc::new(schema, &IpcWriteOptions::default()).try_into();
    encoded.map(|message| message.0).map_err(internal)
}

impl Door {
    /// The columns of what a command answers. Nothing is run for it.
    pub(super) async fn schema_of(&self, request: Request<FlightDescriptor>) -> Result<SchemaRef, Status> {
        let current = Current::of(request.extensions())?;
        let malformed = || plain(ErrorKind::InvalidArgument, "MALFORMED_COMMAND", "the command cannot be read");
        let command = Any::decode(&*request.get_ref().cmd).map_err(|_| malformed())?;
        match Command::try_from(command).map_err(|_| malformed())? {
            Command::CommandStatementQuery(query) => {
                no_transactions(query.transaction_id.as_ref())?;
                self.columns(&current, &Statement::new(&query.query, &current)).await
            }
            Command::CommandPreparedStatementQuery(query) => {
                let prepared = self.find_prepared(&current, &query.prepared_statement_handle)?;
                self.columns(&current, &prepared.statement()).await
            }
            // All others are metadata, whose columns are known without asking the catalog.
            _ => {
                let info = self.get_flight_info(request).await?.into_inner();
                info.try_decode_schema().map(Arc::new).map_err(internal)
            }
        }
    }
}

#[tonic::async_trait]
impl FlightSqlService for Door {
    type FlightService = Self;

    async fn do_handshake(
        &self,
        request: Request<Streaming<HandshakeRequest>>,
    ) -> Result<Response<Pin<Box<dyn Stream<Item = Result<HandshakeResponse, Status>> + Send>>>, Status> {
        let missing = || plain(ErrorKind::Unauthenticated, "UNAUTHENTICATED", "a token is needed as the password");
        let token = request.extensions().get::<PresentedToken>().cloned().ok_or_else(missing)?;
        let answer = HandshakeResponse { protocol_version: 0, payload: token.0.expose().clone().into() };
        let mut response: Response<Pin<Box<dyn Stream<Item = _> + Send>>> =
            Response::new(Box::pin(futures::stream::iter([Ok(answer)])));
        let mut bearer: AsciiMetadataValue = format!("Bearer {}", token.0.expose()).parse().map_err(|_| missing())?;
        bearer.set_sensitive(true);
        response.metadata_mut().insert("authorization", bearer);
        Ok(response)
    }

    async fn get_flight_info_statement(
        &self,
        query: CommandStatementQuery,
        request: Request<FlightDescriptor>,
    ) -> Info {
        no_transactions(query.transaction_id.as_ref())?;
        let current = Current::of(request.extensions())?;
        self.info(&current, Statement::new(&query.query, &current), request.into_inner()).await
    }

    async fn get_flight_info_prepared_statement(
        &self,
        query: CommandPreparedStatementQuery,
        request: Request<FlightDescriptor>,
    ) -> Info {
        let current = Current::of(request.extensions())?;
        let prepared = self.find_prepared(&current, &query.prepared_statement_handle)?;
        self.info(&current, prepared.statement(), request.into_inner()).await
    }

    async fn get_flight_info_catalogs(&self, query: CommandGetCatalogs, request: Request<FlightDescriptor>) -> Info {
        metadata_info(&query.into_builder().schema(), &query, request)
    }

    async fn get_flight_info_schemas(&self, query: CommandGetDbSchemas, request: Request<FlightDescriptor>) -> Info {
        metadata_info(&query.clone().into_builder().schema(), &query, request)
    }

    async fn get_flight_info_tables(&self, query: CommandGetTables, request: Request<FlightDescriptor>) -> Info {
        metadata_info(&query.clone().into_builder().schema(), &query, request)
    }

    async fn get_flight_info_table_types(
        &self,
        query: CommandGetTableTypes,
        request: Request<FlightDescriptor>,
    ) -> Info {
        metadata_info(&query.into_builder().schema(), &query, request)
    }

    async fn get_flight_info_sql_info(&self, query: CommandGetSqlInfo, request: Request<FlightDescriptor>) -> Info {
        metadata_info(&self.sql_info.schema(), &query, request)
    }

    async fn get_flight_info_xdbc_type_info(
        &self,
        query: CommandGetXdbcTypeInfo,
        request: Request<FlightDescriptor>,
    ) -> Info {
        metadata_info(&self.type_info.schema(), &query, request)
    }

    async fn get_flight_info_primary_keys(
        &self,
        query: CommandGetPrimaryKeys,
        request: Request<FlightDescriptor>,
    ) -> Info {
        metadata_info(&metadata::primary_keys(), &query, request)
    }

    async fn get_flight_info_exported_keys(
        &self,
        query: CommandGetExportedKeys,
        request: Request<FlightDescriptor>,
    ) -> Info {
        metadata_info(&metadata::foreign_keys(), &query, request)
    }

    async fn get_flight_info_imported_keys(
        &self,
        query: CommandGetImportedKeys,
        request: Request<FlightDescriptor>,
    ) -> Info {
        metadata_info(&metadata::foreign_keys(), &query, request)
    }

    async fn get_flight_info_cross_reference(
        &self,
        query: CommandGetCrossReference,
        request: Request<FlightDescriptor>,
    ) -> Info {
        metadata_info(&metadata::foreign_keys(), &query, request)
    }

    async fn do_get_statement(&self, ticket: TicketStatementQuery, request: Request<Ticket>) -> Answer {
        let current = Current::of(request.extensions())?;
        self.redeem(&current, &ticket.statement_handle).await
    }

    async fn do_get_catalogs(&self, query: CommandGetCatalogs, request: Request<Ticket>) -> Answer {
        Ok(answer::one(self.catalogs(&Current::of(request.extensions())?, query).await?))
    }

    async fn do_get_schemas(&self, query: CommandGetDbSchemas, request: Request<Ticket>) -> Answer {
        Ok(answer::one(self.schemas(&Current::of(request.extensions())?, query).await?))
    }

    async fn do_get_tables(&self, query: CommandGetTables, request: Request<Ticket>) -> Answer {
        Ok(answer::one(self.tables(&Current::of(request.extensions())?, query).await?))
    }

    async fn do_get_table_types(&self, query: CommandGetTableTypes, _: Request<Ticket>) -> Answer {
        Ok(answer::one(metadata::table_types(query)?))
    }

    async fn do_get_sql_info(&self, query: CommandGetSqlInfo, _: Request<Ticket>) -> Answer {
        Ok(answer::one(query.into_builder(&self.sql_info).build().map_err(internal)?))
    }

    async fn do_get_xdbc_type_info(&self, query: CommandGetXdbcTypeInfo, _: Request<Ticket>) -> Answer {
        Ok(answer::one(query.into_builder(&self.type_info).build().map_err(internal)?))
    }

    async fn do_get_primary_keys(&self, _: CommandGetPrimaryKeys, _: Request<Ticket>) -> Answer {
        nothing(metadata::primary_keys())
    }

    async fn do_get_exported_keys(&self, _: CommandGetExportedKeys, _: Request<Ticket>) -> Answer {
        nothing(metadata::foreign_keys())
    }

    async fn do_get_imported_keys(&self, _: CommandGetImportedKeys, _: Request<Ticket>) -> Answer {
        nothing(metadata::foreign_keys())
    }

    async fn do_get_cross_reference(&self, _: CommandGetCrossReference, _: Request<Ticket>) -> Answer {
        nothing(metadata::foreign_keys())
    }

    async fn do_put_error_callback(
        &self,
        _: Request<PeekableFlightDataStream>,
        error: DoPutError,
    ) -> Result<Response<Pin<Box<dyn Stream<Item = Result<PutResult, Status>> + Send>>>, Status> {
        Err(plain(ErrorKind::InvalidArgument, "MALFORMED_COMMAND", error.to_string().to_lowercase()))
    }

    async fn do_put_statement_update(
        &self,
        command: CommandStatementUpdate,
        request: Request<PeekableFlightDataStream>,
    ) -> Result<i64, Status> {
        no_transactions(command.transaction_id.as_ref())?;
        let current = Current::of(request.extensions())?;
        self.update(&current, &Statement::new(&command.query, &current)).await
    }

    async fn do_put_prepared_statement_query(
        &self,
        query: CommandPreparedStatementQuery,
        request: Request<PeekableFlightDataStream>,
    ) -> Result<DoPutPreparedStatementResult, Status> {
        let current = Current::of(request.extensions())?;
        let prepared = self.find_prepared(&current, &query.prepared_statement_handle)?;
        prepared.bind(parameters::read(request.into_inner(), self.parameters).await?);
        self.kept_anew(&current, &query.prepared_statement_handle, prepared)?;
        Ok(DoPutPreparedStatementResult { prepared_statement_handle: Some(query.prepared_statement_handle) })
    }

    async fn do_put_prepared_statement_update(
        &self,
        query: CommandPreparedStatementUpdate,
        request: Request<PeekableFlightDataStream>,
    ) -> Result<i64, Status> {
        let current = Current::of(request.extensions())?;
        let prepared = self.find_prepared(&current, &query.prepared_statement_handle)?;
        let given = parameters::read(request.into_inner(), self.parameters).await?;
        self.update(&current, &prepared.statement().or_with(given)).await
    }

    async fn do_action_create_prepared_statement(
        &self,
        query: ActionCreatePreparedStatementRequest,
        request: Request<Action>,
    ) -> Result<ActionCreatePreparedStatementResult, Status> {
        no_transactions(query.transaction_id.as_ref())?;
        let current = Current::of(request.extensions())?;
        let created = self.prepare(&current, &query.query).await?;
        let columns = created.columns.as_deref().map(ipc).transpose()?;
        Ok(ActionCreatePreparedStatementResult {
            prepared_statement_handle: created.handle.into(),
            dataset_schema: columns.unwrap_or_default(),
            parameter_schema: ipc(&created.parameters)?,
        })
    }

    async fn do_action_close_prepared_statement(
        &self,
        query: ActionClosePreparedStatementRequest,
        request: Request<Action>,
    ) -> Result<(), Status> {
        let current = Current::of(request.extensions())?;
        // Closing what is closed already changes nothing.
        let _: Option<Arc<_>> = self.prepared.take(current.caller.principal, &query.prepared_statement_handle);
        Ok(())
    }

    async fn do_action_cancel_query(
        &self,
        query: ActionCancelQueryRequest,
        request: Request<Action>,
    ) -> Result<ActionCancelQueryResult, Status> {
        let current = Current::of(request.extensions())?;
        let info = FlightInfo::decode(query.info).map_err(|_| super::actions::unreadable("flight info"))?;
        // The numbers of both enumerations are the same.
        Ok(ActionCancelQueryResult { result: self.cancel(&current, &info).into() })
    }

    async fn do_action_fallback(
        &self,
        request: Request<Action>,
    ) -> Result<Response<Pin<Box<dyn Stream<Item = Result<arrow_flight::Result, Status>> + Send>>>, Status> {
        let body = self.session_action(request).await?;
        Ok(Response::new(Box::pin(futures::stream::iter([Ok(arrow_flight::Result { body })]))))
    }

    async fn register_sql_info(&self, _: i32, _: &SqlInfo) {}
}
