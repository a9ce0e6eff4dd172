//! The connection to the server, and the clients of its services.

use std::time::Duration;

use lakewarden_proto::v1::audit_service_client::AuditServiceClient;
use lakewarden_proto::v1::catalog_service_client::CatalogServiceClient;
use lakewarden_proto::v1::function_service_client::FunctionServiceClient;
use lakewarden_proto::v1::grant_service_client::GrantServiceClient;
use lakewarden_proto::v1::identity_service_client::IdentityServiceClient;
use lakewarden_proto::v1::policy_service_client::PolicyServiceClient;
use lakewarden_proto::v1::principal_service_client::PrincipalServiceClient;
use lakewarden_proto::v1::schema_service_client::SchemaServiceClient;
use lakewarden_proto::v1::sql_service_client::SqlServiceClient;
use lakewarden_proto::v1::table_service_client::TableServiceClient;
use lakewarden_proto::v1::tag_service_client::TagServiceClient;
use lakewarden_proto::v1::token_service_client::TokenServiceClient;
use tonic::metadata::AsciiMetadataValue;
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Uri};
use tonic::{Request, Status};

use crate::error::{CliError, chain};
use crate::render::clean_line;
use crate::secret::Secret;
use crate::target::Target;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const KEEP_ALIVE: Duration = Duration::from_secs(20);
/// The largest message that is read; rows come in batches that stay far below.
const MAX_MESSAGE_BYTES: usize = 256 * 1024 * 1024;

/// A channel that shows the token with every call.
pub type Authorized = InterceptedService<Channel, Bearer>;

/// Puts the token into the `authorization` header.
#[derive(Clone)]
pub struct Bearer(Option<AsciiMetadataValue>);

impl Interceptor for Bearer {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        if let Some(value) = &self.0 {
            request.metadata_mut().insert("authorization", value.clone());
        }
        Ok(request)
    }
}

/// A connection to one server.
#[derive(Clone)]
pub struct Client {
    channel: Channel,
    bearer: Bearer,
}

macro_rules! services {
    ($($(#[$doc:meta])* $method:ident: $client:ident;)*) => {
        impl Client {
            $($(#[$doc])*
            pub fn $method(&self) -> $client<Authorized> {
                $client::with_interceptor(self.channel.clone(), self.bearer.clone()).max_decoding_message_size(MAX_MESSAGE_BYTES)
            })*
        }
    };
}

services! {
    /// Audit records.
    audit: AuditServiceClient;
    /// Catalogs.
    catalogs: CatalogServiceClient;
    /// Functions.
    functions: FunctionServiceClient;
    /// Grants.
    grants: GrantServiceClient;
    /// Who the caller is.
    identity: IdentityServiceClient;
    /// Row filters and masks.
    policies: PolicyServiceClient;
    /// Users, groups and service principals.
    principals: PrincipalServiceClient;
    /// Schemas.
    schemas: SchemaServiceClient;
    /// SQL.
    sql: SqlServiceClient;
    /// Tables and views.
    tables: TableServiceClient;
    /// Tags.
    tags: TagServiceClient;
    /// Access tokens.
    tokens: TokenServiceClient;
}

impl Client {
    /// Connects.
    ///
    /// # Errors
    /// When the address is malformed, a certificate file cannot be read, or the server cannot be reached.
    pub async fn connect(target: &Target) -> Result<Self, CliError> {
        let uri = parse_endpoint(&target.endpoint)?;
        let mut endpoint = Endpoint::from(uri.clone())
            .connect_timeout(CONNECT_TIMEOUT)
            .http2_keep_alive_interval(KEEP_ALIVE)
            .keep_alive_timeout(KEEP_ALIVE)
            .user_agent(concat!("lakewarden-cli/", env!("CARGO_PKG_VERSION")))
            .map_err(|e| CliError::usage(chain(&e)))?;
        if uri.scheme_str() == Some("https") {
            endpoint = endpoint
                .tls_config(tls(target)?)
                .map_err(|e| CliError::usage(format!("the TLS settings are wrong: {}", chain(&e))))?;
        } else if target.tls_ca.is_some() {
            return Err(CliError::usage(format!(
                "--tls-ca needs an https:// endpoint, not `{}`",
                clean_line(&target.endpoint)
            )));
        }
        let channel = endpoint.connect().await.map_err(|e| unreachable(&target.endpoint, &e))?;
        Ok(Self { channel, bearer: bearer(target.token.as_ref())? })
    }
}

/// Whether a token sent there could be read by others on the way: plain HTTP to another machine.
pub fn travels_in_the_clear(endpoint: &str) -> bool {
    let Ok(uri) = parse_endpoint(endpoint) else { return false };
    let host = uri.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
    let local =
        host.eq_ignore_ascii_case("localhost") || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback());
    uri.scheme_str() == Some("http") && !local
}

fn parse_endpoint(text: &str) -> Result<Uri, CliError> {
    let fault = || {
        CliError::usage(format!("`{}` is no endpoint: write http://HOST:PORT or https://HOST:PORT", clean_line(text)))
    };
    let uri: Uri = text.trim().parse().map_err(|_| fault())?;
    let plain_path = matches!(uri.path_and_query().map(|p| p.as_str()), None | Some("/" | ""));
    match (uri.scheme_str(), uri.authority()) {
        (Some("http" | "https"), Some(authority)) if plain_path && !authority.as_str().contains('@') => Ok(uri),
        _ => Err(fault()),
    }
}

fn tls(target: &Target) -> Result<ClientTlsConfig, CliError> {
    match &target.tls_ca {
        None => Ok(ClientTlsConfig::new().with_native_roots()),
        Some(path) => {
            let pem = std::fs::read(path).map_err(|e| CliError::file("cannot read the certificates in", path, e))?;
            Ok(ClientTlsConfig::new().ca_certificate(Certificate::from_pem(pem)))
        }
    }
}

fn bearer(token: Option<&Secret>) -> Result<Bearer, CliError> {
    let Some(token) = token else { return Ok(Bearer(None)) };
    let mut value: AsciiMetadataValue = format!("Bearer {}", token.expose())
        .parse()
        .map_err(|_| CliError::usage("the token holds characters that no token holds"))?;
    value.set_sensitive(true);
    Ok(Bearer(Some(value)))
}

fn unreachable(endpoint: &str, error: &tonic::transport::Error) -> CliError {
    CliError::Unreachable { endpoint: clean_line(endpoint), reason: chain(error) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("http://127.0.0.1:8642", false)]
    #[case("http://localhost:8642", false)]
    #[case("http://[::1]:8642", false)]
    #[case("https://lake.example", false)]
    #[case("http://lake.example:8642", true)]
    #[case("http://10.0.0.1:8642", true)]
    fn a_token_over_plain_http_is_noticed(#[case] endpoint: &str, #[case] clear: bool) {
        assert_eq!(travels_in_the_clear(endpoint), clear);
    }

    #[rstest]
    #[case("127.0.0.1:8642")]
    #[case("localhost")]
    #[case("ftp://x")]
    #[case("http://x/path")]
    #[case("http://user:pass@x")]
    #[case("grpc://x")]
    #[case("")]
    fn a_malformed_endpoint_is_refused_with_its_form(#[case] endpoint: &str) {
        let error = parse_endpoint(endpoint).unwrap_err();
        assert!(error.to_string().contains("https://HOST:PORT"), "{error}");
    }
}
