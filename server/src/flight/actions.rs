//! Actions: session options, cancelling, and the list of all actions.
//!
//! Source: the Arrow Flight protocol, `Flight.proto`, messages of `SetSessionOptions`, `GetSessionOptions` and
//! `CloseSession`; their bodies are the bare messages.

use std::collections::HashMap;

use arrow_flight::{Action, ActionType, CancelFlightInfoRequest};
use bytes::Bytes;
use lakewarden_catalog::ErrorKind;
use lakewarden_catalog::model::Namespace;
use prost::Message;
use tonic::{Request, Status};

use super::session::Current;
use super::{Door, cancel};
use crate::status::plain;

const SET: &str = "SetSessionOptions";
const GET: &str = "GetSessionOptions";
const CLOSE: &str = "CloseSession";
const CANCEL: &str = "CancelFlightInfo";

/// The options that exist, in the words of the drivers.
const CATALOG: &str = "catalog";
const SCHEMA: &str = "schema";

#[derive(Clone, PartialEq, Message)]
struct SessionOptions {
    #[prost(map = "string, message", tag = "1")]
    options: HashMap<String, OptionValue>,
}

#[derive(Clone, PartialEq, Message)]
struct OptionValue {
    #[prost(oneof = "Value", tags = "1, 2, 3, 4, 5")]
    value: Option<Value>,
}

#[derive(Clone, PartialEq, prost::Oneof)]
enum Value {
    #[prost(string, tag = "1")]
    Text(String),
    #[prost(bool, tag = "2")]
    Flag(bool),
    #[prost(sfixed64, tag = "3")]
    Number(i64),
    #[prost(double, tag = "4")]
    Real(f64),
    #[prost(message, tag = "5")]
    Texts(TextList),
}

#[derive(Clone, PartialEq, Message)]
struct TextList {
    #[prost(string, repeated, tag = "1")]
    values: Vec<String>,
}

#[derive(Clone, PartialEq, Message)]
struct SetResult {
    #[prost(map = "string, message", tag = "1")]
    errors: HashMap<String, OptionError>,
}

#[derive(Clone, Copy, PartialEq, Message)]
struct OptionError {
    #[prost(enumeration = "OptionFault", tag = "1")]
    value: i32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Enumeration)]
#[repr(i32)]
enum OptionFault {
    Unspecified = 0,
    InvalidName = 1,
    InvalidValue = 2,
    Error = 3,
}

#[derive(Clone, Copy, PartialEq, Message)]
struct CloseResult {
    #[prost(enumeration = "CloseStatus", tag = "1")]
    status: i32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Enumeration)]
#[repr(i32)]
enum CloseStatus {
    Unspecified = 0,
    Closed = 1,
    Closing = 2,
    NotCloseable = 3,
}

/// Every action there is.
pub(super) fn list() -> Vec<ActionType> {
    let action =
        |name: &str, description: &str| ActionType { r#type: name.to_owned(), description: description.to_owned() };
    vec![
        action("CreatePreparedStatement", "keeps a statement for repeated execution"),
        action("ClosePreparedStatement", "lets go of a prepared statement"),
        action(SET, "sets the current catalog and schema: options `catalog` and `schema`"),
        action(GET, "gives the current catalog and schema"),
        action(CLOSE, "ends the session"),
        action(CANCEL, "cancels the query of a flight info, before it is fetched or while it is"),
        action("CancelQuery", "the same, by its older name"),
    ]
}

impl Door {
    /// An action that is none of Flight SQL's own. Gives the body of its one result.
    pub(super) async fn session_action(&self, request: Request<Action>) -> Result<Bytes, Status> {
        let current = Current::of(request.extensions())?;
        let action = request.get_ref();
        let body = match action.r#type.as_str() {
            SET => self.set_options(&current, &read(&action.body)?).await?.encode_to_vec(),
            GET => options_of(&current.namespace()).encode_to_vec(),
            CLOSE => {
                let closed = self.sessions.close(current.caller.principal, request.metadata());
                let status = if closed { CloseStatus::Closed } else { CloseStatus::NotCloseable };
                CloseResult { status: status.into() }.encode_to_vec()
            }
            CANCEL => {
                let asked = CancelFlightInfoRequest::decode(action.body.clone()).map_err(|_| unreadable("request"))?;
                cancel::result(self.cancel(&current, &asked.info.unwrap_or_default()))
            }
            other => {
                let message = format!("action `{other}` is not supported");
                return Err(plain(ErrorKind::Unimplemented, "NOT_SUPPORTED", message));
            }
        };
        Ok(body.into())
    }

    /// Sets the options that can be set, and tells which cannot. The catalog goes first: it takes the schema along.
    async fn set_options(&self, current: &Current, wanted: &SessionOptions) -> Result<SetResult, Status> {
        let mut errors = HashMap::new();
        let mut fault =
            |name: &str, fault: OptionFault| errors.insert(name.to_owned(), OptionError { value: fault.into() });
        for name in wanted.options.keys().filter(|name| ![CATALOG, SCHEMA].contains(&name.as_str())) {
            fault(name, OptionFault::InvalidName);
        }
        for (name, words) in [(CATALOG, "USE CATALOG"), (SCHEMA, "USE SCHEMA")] {
            let Some(option) = wanted.options.get(name) else { continue };
            let Some(Value::Text(value)) = &option.value else {
                fault(name, OptionFault::InvalidValue);
                continue;
            };
            let sql = format!("{words} `{}`", value.replace('`', "``"));
            if self.run(current, &current.namespace(), &sql, Vec::new()).await.is_err() {
                fault(name, OptionFault::InvalidValue);
            }
        }
        Ok(SetResult { errors })
    }
}

fn options_of(namespace: &Namespace) -> SessionOptions {
    let pairs = [(CATALOG, &namespace.catalog), (SCHEMA, &namespace.schema)];
    let given = pairs.into_iter().filter_map(|(name, value)| {
        let value = Value::Text(value.clone()?);
        Some((name.to_owned(), OptionValue { value: Some(value) }))
    });
    SessionOptions { options: given.collect() }
}

fn read(body: &Bytes) -> Result<SessionOptions, Status> {
    SessionOptions::decode(body.clone()).map_err(|_| unreadable("session options"))
}

/// An action whose body is not what it should be.
pub(super) fn unreadable(what: &str) -> Status {
    plain(ErrorKind::InvalidArgument, "MALFORMED_COMMAND", format!("the {what} cannot be read"))
}
