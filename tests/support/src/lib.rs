//! A server in the process of the test, on a free port and a data folder that goes with it; principals, tokens and
//! grants made through its own doors.
#![expect(clippy::unwrap_used, reason = "a fixture that cannot be built fails the test that asked for it")]

use std::path::{Path, PathBuf};
use std::time::Duration;

use lakewarden_proto::v1;
use lakewarden_proto::v1::grant_service_client::GrantServiceClient;
use lakewarden_proto::v1::principal_service_client::PrincipalServiceClient;
use lakewarden_proto::v1::token_service_client::TokenServiceClient;
use lakewarden_server::{Config, Running, serve};
use tempfile::TempDir;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::Channel;
use tonic::{Request, Status};

/// Sends a token with every request.
#[derive(Clone)]
pub struct Bearer(MetadataValue<Ascii>);

impl Bearer {
    /// Sends `token`.
    pub fn new(token: &str) -> Self {
        Self(format!("Bearer {token}").parse().unwrap())
    }
}

impl Interceptor for Bearer {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        request.metadata_mut().insert("authorization", self.0.clone());
        Ok(request)
    }
}

/// A connection that shows a token.
pub type Client = InterceptedService<Channel, Bearer>;

/// A token and the id of its record.
#[derive(Debug, Clone)]
pub struct Token {
    /// The token itself.
    pub text: String,
    /// Its id.
    pub id: String,
}

/// A running server.
pub struct Server {
    running: Option<Running>,
    config: Config,
    folder: TempDir,
    admin: String,
}

impl Server {
    /// Starts a server with the default settings.
    pub async fn start() -> Self {
        Self::start_with(|_| ()).await
    }

    /// Starts a server with changed settings; address and data folder are set already.
    pub async fn start_with(change: impl FnOnce(&mut Config)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut config = Config::default();
        config.listen.address = ([127, 0, 0, 1], 0).into();
        config.store.data_dir = folder.path().join("data");
        change(&mut config);
        let running = serve(config.clone()).await.unwrap();
        let admin = std::fs::read_to_string(running.admin_token_file()).unwrap().trim().to_owned();
        Self { running: Some(running), config, folder, admin }
    }

    /// Stops the server and starts it again on the same data folder.
    pub async fn restart(&mut self) {
        self.running.take().unwrap().stop().await.unwrap();
        self.running = Some(serve(self.config.clone()).await.unwrap());
    }

    /// Stops the server, waiting for what runs; the data folder is still there.
    pub async fn stop(&mut self) {
        self.running.take().unwrap().stop().await.unwrap();
    }

    /// Its settings.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Where it answers.
    pub fn endpoint(&self) -> String {
        let scheme = if self.config.tls.cert_file.is_some() { "https" } else { "http" };
        format!("{scheme}://{}", self.running.as_ref().unwrap().address())
    }

    /// Its data folder.
    pub fn data_dir(&self) -> PathBuf {
        self.config.store.data_dir.clone()
    }

    /// A folder for the test's own files, beside the data folder.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The token of the administrator.
    pub fn admin(&self) -> &str {
        &self.admin
    }

    /// A connection that shows nothing.
    pub async fn channel(&self) -> Channel {
        Channel::from_shared(self.endpoint()).unwrap().connect_timeout(Duration::from_secs(5)).connect().await.unwrap()
    }

    /// A connection that shows `token`.
    pub async fn client(&self, token: &str) -> Client {
        InterceptedService::new(self.channel().await, Bearer::new(token))
    }

    /// Creates a user and gives a token for it.
    pub async fn user(&self, name: &str) -> String {
        self.principal(name, v1::PrincipalKind::User).await;
        self.token(name, 3600).await.text
    }

    /// Creates a group with these members.
    pub async fn group(&self, name: &str, members: &[&str]) {
        self.principal(name, v1::PrincipalKind::Group).await;
        let mut principals = PrincipalServiceClient::new(self.client(&self.admin).await);
        for member in members {
            let request = v1::AddMemberRequest { group: name.to_owned(), member: (*member).to_owned() };
            principals.add_member(request).await.unwrap();
        }
    }

    /// Creates a principal.
    pub async fn principal(&self, name: &str, kind: v1::PrincipalKind) {
        let mut principals = PrincipalServiceClient::new(self.client(&self.admin).await);
        let request = v1::CreatePrincipalRequest { name: name.to_owned(), kind: kind.into(), ..Default::default() };
        principals.create_principal(request).await.unwrap();
    }

    /// A token for a principal.
    pub async fn token(&self, principal: &str, ttl_s: i64) -> Token {
        let mut tokens = TokenServiceClient::new(self.client(&self.admin).await);
        let mut request = v1::CreateTokenRequest { principal: principal.to_owned(), ..Default::default() };
        request.ttl.get_or_insert_default().seconds = ttl_s;
        let made = tokens.create_token(request).await.unwrap().into_inner();
        Token { id: made.info.unwrap().id, text: made.token }
    }

    /// Revokes a token.
    pub async fn revoke_token(&self, id: &str) {
        let mut tokens = TokenServiceClient::new(self.client(&self.admin).await);
        tokens.revoke_token(v1::RevokeTokenRequest { id: id.to_owned() }).await.unwrap();
    }

    /// Grants privileges on a securable to a principal.
    pub async fn grant(&self, privileges: &[v1::Privilege], kind: v1::SecurableKind, name: &str, principal: &str) {
        let mut grants = GrantServiceClient::new(self.client(&self.admin).await);
        let request = v1::GrantRequest {
            securable: Some(v1::SecurableRef { kind: kind.into(), full_name: name.to_owned() }),
            principals: vec![principal.to_owned()],
            privileges: privileges.iter().map(|p| i32::from(*p)).collect(),
            on_columns: Vec::new(),
        };
        grants.grant(request).await.unwrap();
    }
}
