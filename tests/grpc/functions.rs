//! `FunctionService`.

use lakewarden_proto::v1;
use lakewarden_proto::v1::function_service_client::FunctionServiceClient;
use tonic::Code;

use crate::ask;
use crate::world::{Who, World, mask, told};

fn get(name: &str) -> v1::GetFunctionRequest {
    v1::GetFunctionRequest { full_name: name.to_owned() }
}

fn parameter(name: &str, type_text: &str) -> v1::FunctionParameter {
    v1::FunctionParameter { name: name.to_owned(), type_text: type_text.to_owned(), comment: String::new() }
}

fn create(
    name: &str,
    parameters: Vec<v1::FunctionParameter>,
    return_type: &str,
    body: &str,
) -> v1::CreateFunctionRequest {
    v1::CreateFunctionRequest {
        parent: "main.sales".to_owned(),
        name: name.to_owned(),
        parameters,
        return_type: return_type.to_owned(),
        routine_definition: body.to_owned(),
        ..Default::default()
    }
}

#[tokio::test]
async fn a_function_lives_through_create_call_update_delete() {
    let world = World::start().await;
    let mut request = create("twice", vec![parameter("x", "bigint")], "bigint", "x * 2");
    request.comment = "x and x again".to_owned();
    request.properties = [("pure".to_owned(), "yes".to_owned())].into();
    let made = ask!(world, Admin, FunctionServiceClient.create_function(request)).unwrap().into_inner();
    assert_eq!((made.full_name.as_str(), made.language.as_str()), ("main.sales.twice", "SQL"));
    assert_eq!((made.return_type.as_str(), made.routine_definition.as_str()), ("BIGINT", "x * 2"));
    assert_eq!((made.parameters[0].name.as_str(), made.parameters[0].type_text.as_str()), ("x", "BIGINT"));
    assert_eq!((made.comment.as_str(), made.properties["pure"].as_str()), ("x and x again", "yes"));
    let rows = world.sql(Who::Admin, "SELECT main.sales.twice(21) AS n").await.unwrap();
    assert!(rows.text().contains("| 42 |"), "{}", rows.text());

    let request = v1::UpdateFunctionRequest {
        full_name: made.full_name.clone(),
        function: Some(v1::Function { name: "double".to_owned(), ..Default::default() }),
        update_mask: mask(&["name"]),
        etag: made.etag.clone(),
    };
    let renamed = ask!(world, Admin, FunctionServiceClient.update_function(request)).unwrap().into_inner();
    assert_eq!((renamed.full_name.as_str(), &renamed.id), ("main.sales.double", &made.id));
    let stale = v1::DeleteFunctionRequest { full_name: renamed.full_name.clone(), etag: made.etag };
    assert_eq!(told(ask!(world, Admin, FunctionServiceClient.delete_function(stale))).code, Code::Aborted);
    let request = v1::DeleteFunctionRequest { full_name: renamed.full_name, etag: renamed.etag };
    ask!(world, Admin, FunctionServiceClient.delete_function(request)).unwrap();
    let gone = told(ask!(world, Admin, FunctionServiceClient.get_function(get("main.sales.double"))));
    assert_eq!((gone.reason.as_str(), gone.metadata["sqlstate"].as_str()), ("FUNCTION_NOT_FOUND", "42883"));
}

#[tokio::test]
async fn a_body_is_shown_to_who_may_manage_the_function() {
    let world = World::start().await;
    let seen = ask!(world, Alice, FunctionServiceClient.get_function(get("main.sales.shout"))).unwrap().into_inner();
    assert_eq!((seen.parameters.len(), seen.routine_definition.as_str()), (1, ""));
    let own = ask!(world, Admin, FunctionServiceClient.get_function(get("main.sales.shout"))).unwrap().into_inner();
    assert_eq!(own.routine_definition, "upper(x)");
}

#[tokio::test]
async fn a_taken_name_needs_or_replace() {
    let world = World::start().await;
    let request = create("shout", vec![parameter("x", "STRING")], "STRING", "lower(x)");
    assert_eq!(
        told(ask!(world, Admin, FunctionServiceClient.create_function(request.clone()))).code,
        Code::AlreadyExists
    );
    let request = v1::CreateFunctionRequest { or_replace: true, ..request };
    ask!(world, Admin, FunctionServiceClient.create_function(request)).unwrap();
    let rows = world.sql(Who::Alice, "SELECT main.sales.shout('Hey') AS s").await.unwrap();
    assert!(rows.text().contains("hey"), "{}", rows.text());
}

#[tokio::test]
async fn faults_are_told_by_field() {
    let world = World::start().await;
    let mut request = create("a b", vec![parameter("", "NO TYPE, NO"), parameter("y", "INT")], "", "x +");
    request.parent = "main".to_owned();
    let refused = told(ask!(world, Admin, FunctionServiceClient.create_function(request)));
    let expected =
        ["parent", "name", "parameters[0].name", "parameters[0].type_text", "return_type", "routine_definition"];
    assert_eq!(refused.fields, expected);
    let wrong = create("wrong", vec![parameter("x", "STRING")], "BOOLEAN", "no_such_column = 1");
    let wrong = told(ask!(world, Admin, FunctionServiceClient.create_function(wrong)));
    assert_eq!(wrong.code, Code::InvalidArgument, "{wrong:?}");
}

#[tokio::test]
async fn lists_are_paged_and_show_what_is_seen() {
    let world = World::start().await;
    for name in ["a", "b", "c"] {
        ask!(world, Admin, FunctionServiceClient.create_function(create(name, vec![], "INT", "1"))).unwrap();
    }
    let request = |page_token| v1::ListFunctionsRequest { parent: "main.sales".to_owned(), page_size: 2, page_token };
    let (mut names, mut page_token) = (Vec::new(), String::new());
    loop {
        let page = ask!(world, Admin, FunctionServiceClient.list_functions(request(page_token))).unwrap().into_inner();
        names.push(page.functions.into_iter().map(|function| function.name).collect::<Vec<_>>());
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    assert_eq!(names, [vec!["a", "b"], vec!["c", "is_eu"], vec!["shout"]]);
    let seen = ask!(world, Alice, FunctionServiceClient.list_functions(request(String::new()))).unwrap().into_inner();
    assert_eq!(seen.functions.into_iter().map(|function| function.name).collect::<Vec<_>>(), ["shout"]);
}
