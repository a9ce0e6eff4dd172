//! What every service has: a token is needed, methods are described, health is told.

use lakewarden_proto::v1;
use lakewarden_proto::v1::catalog_service_client::CatalogServiceClient;
use lakewarden_test_support::Server;
use tonic::Code;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tonic_reflection::pb::v1::ServerReflectionRequest;
use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;

use crate::world::told;

#[tokio::test]
async fn nothing_answers_without_a_token() {
    let server = Server::start().await;
    let request = v1::ListCatalogsRequest::default();
    let refused = told(CatalogServiceClient::new(server.channel().await).list_catalogs(request.clone()).await);
    assert_eq!((refused.code, refused.reason.as_str()), (Code::Unauthenticated, "UNAUTHENTICATED"));
    assert_eq!(refused.metadata["sqlstate"], "28000");
    let refused = told(CatalogServiceClient::new(server.client("no.such.token").await).list_catalogs(request).await);
    assert_eq!(refused.code, Code::Unauthenticated);
}

#[tokio::test]
async fn health_is_told_for_the_server_and_each_service_without_a_token() {
    let mut server = Server::start().await;
    let mut health = HealthClient::new(server.channel().await);
    for service in lakewarden_server::grpc::SERVICES.iter().chain(&[""]) {
        let request = HealthCheckRequest { service: (*service).to_owned() };
        let answer = health.check(request).await.unwrap().into_inner();
        assert_eq!(answer.status(), ServingStatus::Serving, "`{service}`");
    }
    let request = HealthCheckRequest { service: "lakewarden.v1.NoService".to_owned() };
    assert_eq!(health.check(request).await.unwrap_err().code(), Code::NotFound);
    server.stop().await;
}

#[tokio::test]
async fn who_watches_the_health_does_not_hold_up_a_stop() {
    let mut server = Server::start_with(|config| config.listen.drain_ms = 3_000).await;
    let mut health = HealthClient::new(server.channel().await);
    let mut watched = health.watch(HealthCheckRequest { service: String::new() }).await.unwrap().into_inner();
    assert_eq!(watched.message().await.unwrap().unwrap().status(), ServingStatus::Serving);
    let stopped = tokio::spawn(async move { server.stop().await });
    assert_eq!(watched.message().await.unwrap().unwrap().status(), ServingStatus::NotServing);
    assert!(watched.message().await.unwrap().is_none());
    stopped.await.unwrap();
}

async fn reflect(server: &Server, question: MessageRequest) -> MessageResponse {
    let request = ServerReflectionRequest { host: String::new(), message_request: Some(question) };
    let mut client = ServerReflectionClient::new(server.client(server.admin()).await);
    let mut answers = client.server_reflection_info(tokio_stream_of(request)).await.unwrap().into_inner();
    answers.message().await.unwrap().unwrap().message_response.unwrap()
}

fn tokio_stream_of<T: Send + 'static>(item: T) -> impl futures::Stream<Item = T> + Send + 'static {
    futures::stream::iter([item])
}

#[tokio::test]
async fn reflection_lists_every_service_that_health_knows() {
    let server = Server::start().await;
    let MessageResponse::ListServicesResponse(list) =
        reflect(&server, MessageRequest::ListServices(String::new())).await
    else {
        panic!("no list of services")
    };
    let mut listed: Vec<_> = list.service.into_iter().map(|service| service.name).collect();
    listed.retain(|name| name.starts_with("lakewarden."));
    listed.sort_unstable();
    assert_eq!(listed, lakewarden_server::grpc::SERVICES);
}

#[tokio::test]
async fn reflection_describes_a_service() {
    let server = Server::start().await;
    let question = MessageRequest::FileContainingSymbol("lakewarden.v1.SqlService".to_owned());
    let MessageResponse::FileDescriptorResponse(files) = reflect(&server, question).await else {
        panic!("no description")
    };
    assert!(files.file_descriptor_proto.iter().any(|file| String::from_utf8_lossy(file).contains("ExecuteRequest")));
}

#[tokio::test]
async fn a_method_that_does_not_exist_is_unimplemented() {
    let server = Server::start().await;
    let mut client = tonic::client::Grpc::new(server.client(server.admin()).await);
    client.ready().await.unwrap();
    let path = "/lakewarden.v1.CatalogService/NoMethod".parse().unwrap();
    let codec = codec();
    let answer = client.unary(tonic::Request::new(v1::WhoAmIRequest {}), path, codec).await;
    assert_eq!(answer.unwrap_err().code(), Code::Unimplemented);
}

fn codec() -> impl tonic::codec::Codec<Encode = v1::WhoAmIRequest, Decode = v1::WhoAmIResponse> {
    tonic_prost::ProstCodec::default()
}

#[tokio::test]
async fn a_message_that_is_too_large_is_refused() {
    let server = Server::start_with(|config| config.listen.max_request_bytes = 64 * 1024).await;
    let request = v1::CreateCatalogRequest { name: "x".to_owned(), comment: "x".repeat(100_000), ..Default::default() };
    let mut client = CatalogServiceClient::new(server.client(server.admin()).await);
    assert_eq!(client.create_catalog(request).await.unwrap_err().code(), Code::OutOfRange);
    assert!(client.list_catalogs(v1::ListCatalogsRequest::default()).await.is_ok(), "the server goes on");
}

#[tokio::test]
async fn an_endless_name_is_refused_with_its_reason() {
    let server = Server::start().await;
    let mut client = CatalogServiceClient::new(server.client(server.admin()).await);
    let full_name = "\u{1F525}".repeat(200_000);
    let refused = told(client.get_catalog(v1::GetCatalogRequest { full_name }).await);
    assert_eq!((refused.code, refused.fields), (Code::InvalidArgument, vec!["full_name".to_owned()]));
}
