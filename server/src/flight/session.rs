//! The current catalog and schema of a client, kept under a cookie.
//!
//! A client gets its cookie when it first leaves the defaults (`USE`, or a session option); who sends none has the
//! defaults anew with every request. The cookie says nothing by itself: it is good only together with a token of the
//! principal that it was given to.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use lakewarden_catalog::model::{Namespace, PrincipalId};
use lakewarden_catalog::{Caller, ErrorKind};
use lakewarden_engine::{Engine, Session};
use parking_lot::Mutex;
use tonic::metadata::{AsciiMetadataValue, MetadataMap};
use tonic::{Extensions, Status};

use crate::handles::{Handles, Kept, Key};
use crate::status::plain;

/// The name of the cookie, as drivers of other servers know it.
const COOKIE: &str = "arrow_flight_session_id";

/// The sessions that are kept.
pub(super) struct Sessions {
    kept: Handles<Session>,
}

/// The caller of a request and its session.
#[derive(Clone)]
pub(super) struct Current {
    pub(super) caller: Caller,
    session: Session,
    cookie: Arc<Mutex<Cookie>>,
}

/// How far the client knows of its session.
#[derive(Clone, Copy)]
enum Cookie {
    /// It has none.
    None,
    /// It came with the request.
    Shown,
    /// It goes with the answer.
    Issued(Key),
}

impl Kept for Session {
    fn bytes(&self) -> usize {
        let Namespace { catalog, schema } = self.namespace();
        size_of::<Self>() + catalog.map_or(0, |name| name.len()) + schema.map_or(0, |name| name.len())
    }
}

impl Sessions {
    pub(super) fn new(kept: Handles<Session>) -> Self {
        Self { kept }
    }

    /// The session of a request, by the cookie in its metadata.
    pub(super) fn open(&self, engine: &Engine, caller: Caller, metadata: &MetadataMap) -> Current {
        let kept = cookie(metadata).and_then(|key| self.kept.get(caller.principal, &key));
        let cookie = if kept.is_some() { Cookie::Shown } else { Cookie::None };
        let session = kept.map_or_else(|| engine.session(caller.clone()), |kept| kept.for_request(caller.clone()));
        Current { caller, session, cookie: Arc::new(Mutex::new(cookie)) }
    }

    /// Remembers where a statement left the session; the first change makes a cookie for it.
    pub(super) fn settle(&self, current: &Current, namespace: Namespace) -> Result<(), Status> {
        if current.session.namespace() == namespace {
            return Ok(());
        }
        current.session.set_namespace(namespace);
        let mut cookie = current.cookie.lock();
        if matches!(*cookie, Cookie::None) {
            *cookie = Cookie::Issued(self.kept.keep(current.caller.principal, current.session.clone())?);
        }
        Ok(())
    }

    /// Ends the session of a cookie; whether there was one.
    pub(super) fn close(&self, principal: PrincipalId, metadata: &MetadataMap) -> bool {
        cookie(metadata).and_then(|key| self.kept.take(principal, &key)).is_some()
    }
}

impl Current {
    /// The session that [`super::front`] found for a request.
    pub(super) fn of(extensions: &Extensions) -> Result<Self, Status> {
        let missing = || plain(ErrorKind::Unauthenticated, "UNAUTHENTICATED", "a token is needed");
        extensions.get::<Self>().cloned().ok_or_else(missing)
    }

    /// The current catalog and schema.
    pub(super) fn namespace(&self) -> Namespace {
        self.session.namespace()
    }

    /// Adds the cookie to an answer, if one was made.
    pub(super) fn stamp(&self, metadata: &mut MetadataMap) {
        let Cookie::Issued(key) = *self.cookie.lock() else { return };
        let cookie = format!("{COOKIE}={}; Path=/; HttpOnly", URL_SAFE_NO_PAD.encode(key));
        if let Ok(value) = AsciiMetadataValue::try_from(cookie) {
            metadata.append("set-cookie", value);
        }
    }
}

/// The key in our cookie. A client may send its cookies in one header or in several.
fn cookie(metadata: &MetadataMap) -> Option<Vec<u8>> {
    let headers = metadata.get_all("cookie").into_iter().filter_map(|value| value.to_str().ok());
    let mut pairs = headers.flat_map(|header| header.split(';')).filter_map(|pair| pair.trim().split_once('='));
    let (_, value) = pairs.find(|(name, _)| *name == COOKIE)?;
    URL_SAFE_NO_PAD.decode(value.trim_matches('"')).ok()
}
