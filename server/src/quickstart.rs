//! The quickstart: sample data, people, grants and policies on an embedded server, and one question asked by three callers.
//!
//! It goes through the doors that everybody goes through: statements of the administrator, who is known by its token;
//! only the rows of TPC-H come from a generator instead of a query. Every step can be done twice, so a quickstart that
//! was stopped goes on where it was. It says nothing itself: what it has to tell goes to a [`Listener`].

mod script;
mod tables;
mod tour;

use lakewarden_catalog::model::{FullName, Name, SecurableKind};
use lakewarden_catalog::ops::containers::Describe;
use lakewarden_catalog::{Caller, CatalogError};
use tokio_rustls::TlsAcceptor;

use crate::config::Config;
use crate::crypto;
use crate::error::ServerError;
use crate::identity::{admin, secret_file};
use crate::listen::acceptor;
use crate::serve::{Running, serve_base};
use crate::wire::{Base, open};
use script::Script;
pub use tour::{Answer, Policy, Tour};

/// The catalog that the quickstart makes.
const CATALOG: &str = "demo";
/// The property of the catalog that tells how far the quickstart came: `started` or `done`.
const MARK: &str = "lakewarden.quickstart";
/// The property of the catalog that tells the scale of the data.
const SCALE: &str = "lakewarden.quickstart.scale";
/// Those whose answers are compared with the administrator's.
const ANALYSTS: [&str; 2] = ["alice", "bob"];

const PRINCIPALS: &str = include_str!("../../policies/examples/principals.sql");
const MAPPING: &str = include_str!("../../policies/examples/mapping.sql");
const ROW_FILTERS: &str = include_str!("../../policies/examples/row_filters.sql");
const MASKS: &str = include_str!("../../policies/examples/masks.sql");
const GRANTS: &str = include_str!("../../policies/examples/grants.sql");

/// Hears how far the quickstart is.
pub trait Listener {
    /// Tables are about to be written, with so many rows in all (an estimate).
    fn tables(&mut self, rows_total: u64);
    /// So many rows of a table are written; it is done when `is_done`.
    fn rows(&mut self, table: &'static str, rows_done: u64, is_done: bool);
    /// The tables are there; people, grants and policies come next, then the question.
    fn policies(&mut self);
}

/// A server with the sample data, not yet listening.
pub struct Ready {
    config: Config,
    tls: Option<TlsAcceptor>,
    base: Base,
    /// What the question brought; none when the data was there already.
    pub tour: Option<Tour>,
    /// The scale of the data.
    pub scale: String,
}

impl Ready {
    /// Starts to listen.
    ///
    /// # Errors
    /// As [`crate::serve`].
    pub async fn serve(self) -> Result<Running, ServerError> {
        serve_base(self.config, self.tls, self.base).await
    }
}

/// Opens the data folder of the settings, and makes the sample data and all that goes with it unless they are there.
///
/// # Errors
/// When the server can't be opened, a statement fails, or there is a catalog `demo` that the quickstart did not make.
pub async fn prepare(config: Config, scale: f64, listener: &mut dyn Listener) -> Result<Ready, ServerError> {
    crypto::install_providers();
    let tls = acceptor(&config.tls)?;
    let base = open(&config).await?;
    let admin = caller_of(&base, &config, &config.identity.admin).await?;
    let script = Script { engine: &base.engine, admin: &admin };
    match mark(&base, &admin)? {
        Some(found) if found.done => {
            tokens(&base, &config).await?;
            return Ok(Ready { config, tls, base, tour: None, scale: found.scale });
        }
        Some(_) => {}
        None => begin(&base, &admin, scale).await?,
    }
    // A quickstart that was stopped goes on at the scale that it began with.
    let scale = mark(&base, &admin)?.and_then(|found| found.scale.parse().ok()).unwrap_or(scale);
    script.run(&format!("CREATE SCHEMA IF NOT EXISTS {CATALOG}.tpch COMMENT 'TPC-H at scale {scale}'")).await?;
    tables::make_all(&base, &admin, scale, listener).await?;
    listener.policies();
    script.run(PRINCIPALS).await?;
    script.run(&format!("ALTER GROUP admins ADD USER `{}`", config.identity.admin.replace('`', "``"))).await?;
    for text in [MAPPING, ROW_FILTERS, MASKS, GRANTS] {
        script.run(text).await?;
    }
    tokens(&base, &config).await?;
    let tour = take_tour(&base, &config, &admin).await?;
    script.run(&format!("ALTER CATALOG {CATALOG} SET DBPROPERTIES ('{MARK}' = 'done')")).await?;
    Ok(Ready { config, tls, base, tour: Some(tour), scale: scale.to_string() })
}

struct Mark {
    done: bool,
    scale: String,
}

/// How far an earlier quickstart came; none when there is no catalog `demo`.
fn mark(base: &Base, admin: &Caller) -> Result<Option<Mark>, ServerError> {
    let fault = |source| ServerError::quickstart("the catalog `demo` could not be read", &source);
    let name = FullName::from_parts(&[CATALOG]).map_err(fault)?;
    let found = match base.catalog.reads().get(admin, SecurableKind::Catalog, &name) {
        Err(CatalogError::NotFound { .. }) => return Ok(None),
        other => other.map_err(fault)?,
    };
    let properties = &found.securable.properties;
    match properties.get(MARK) {
        Some(mark) => {
            Ok(Some(Mark { done: mark == "done", scale: properties.get(SCALE).cloned().unwrap_or_default() }))
        }
        None => Err(ServerError::NotOurs { catalog: CATALOG }),
    }
}

/// Makes the catalog with its mark in one change, so that no stop in between leaves one without.
async fn begin(base: &Base, admin: &Caller, scale: f64) -> Result<(), ServerError> {
    let fault = |source| ServerError::quickstart("the catalog `demo` could not be made", &source);
    let (name, admin) = (Name::parse(CATALOG).map_err(fault)?, admin.clone());
    let properties = [(MARK, "started".to_owned()), (SCALE, scale.to_string())];
    let describe = Describe {
        comment: Some("sample data of the quickstart".to_owned()),
        properties: properties.into_iter().map(|(key, value)| (key.to_owned(), value)).collect(),
    };
    base.catalog.call(move |metastore| metastore.create_catalog(&admin, &name, &describe)).await.map_err(fault)?;
    Ok(())
}

/// Writes a token for each analyst beside the administrator's, unless there is a good one.
async fn tokens(base: &Base, config: &Config) -> Result<(), ServerError> {
    for name in ANALYSTS {
        let ttl_s = config.identity.admin_token_ttl_s;
        admin::write_token(name, &token_file(config, name), ttl_s, &base.authority, &base.catalog).await?;
    }
    Ok(())
}

fn token_file(config: &Config, name: &str) -> std::path::PathBuf {
    config.store.data_dir.join(format!("{name}.token"))
}

async fn take_tour(base: &Base, config: &Config, admin: &Caller) -> Result<Tour, ServerError> {
    let mut callers = vec![admin.clone()];
    for name in ANALYSTS {
        callers.push(caller_of(base, config, name).await?);
    }
    tour::take(&base.engine, &callers).await
}

/// Who the token in the file of this name stands for, as for any request.
async fn caller_of(base: &Base, config: &Config, name: &str) -> Result<Caller, ServerError> {
    let file = if name == config.identity.admin { base.admin_token_file.clone() } else { token_file(config, name) };
    let unusable = |cause: String| ServerError::Key { what: file.display().to_string(), cause };
    let token = secret_file::read(&file)?.ok_or_else(|| unusable("the file is gone".to_owned()))?;
    let request_id = lakewarden_catalog::model::RequestId(base.catalog.reads().clock().new_id());
    base.identity.caller(token.trim(), request_id, "startup").await.map_err(|refusal| unusable(refusal.to_string()))
}
