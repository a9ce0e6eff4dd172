//! The examples of masks run as they stand, and show what their comments say.

use arrow::util::pretty::pretty_format_batches;
use lakewarden_engine::statement::split_script;
use lakewarden_engine::{RecipientProperties, Session};

use crate::driver::World;

const PEOPLE: &str = include_str!("../../policies/examples/people.sql");

async fn text(session: &Session, sql: &str) -> String {
    let batches = session.run(sql).await.unwrap_or_else(|error| panic!("{sql}: {error}")).collect().await.unwrap();
    let shown = pretty_format_batches(&batches).unwrap().to_string();
    let rows = shown.lines().skip(3).filter(|line| line.starts_with('|'));
    rows.map(|row| row.split('|').map(str::trim).collect::<Vec<_>>().join(" ").trim().to_owned())
        .collect::<Vec<_>>()
        .join("\n")
}

async fn run(session: &Session, script: &str) {
    for statement in split_script(script).unwrap() {
        session.run(&statement).await.unwrap_or_else(|error| panic!("{statement}: {error}"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn people_are_masked_as_the_example_says() {
    let world = World::new();
    let admin = world.session("admin");
    run(&admin, "CREATE USER alice; CREATE USER bob; CREATE GROUP admins; ALTER GROUP admins ADD USER bob").await;
    run(&admin, PEOPLE).await;
    run(
        &admin,
        "GRANT USE CATALOG ON CATALOG demo TO alice, bob; GRANT USE SCHEMA, SELECT ON SCHEMA demo.hr TO alice, bob",
    )
    .await;
    let asked = "SELECT name, ssn, email, phone, length(card), salary, address.street, address.town FROM demo.hr.people ORDER BY region";
    let alice = "A*** Lovelace *****6789 a***@example.com +## ## #### #### 64 98765.43  London\n\
                 G*** Hopper *****4321 g***@example.org +# ### ### #### 64   Arlington";
    assert_eq!(text(&world.session("alice"), asked).await, alice);
    let bob = "Ada Lovelace 123456789 ada@example.com +44 20 7946 0958 64   London\n\
               Grace Hopper 987654321 grace@example.org +1 202 555 0143 64   Arlington";
    assert_eq!(text(&world.session("bob"), asked).await, bob);
}

/// A policy may ask for the properties of the recipient of a share; everybody else has none.
#[tokio::test(flavor = "multi_thread")]
async fn a_recipient_sees_its_own_rows() {
    let world = World::new();
    let admin = world.session("admin");
    run(
        &admin,
        "CREATE CATALOG c; CREATE SCHEMA c.s; CREATE TABLE c.s.t (country STRING); INSERT INTO c.s.t VALUES ('DE'), ('FR');
         CREATE FUNCTION c.s.mine(country STRING) RETURNS BOOLEAN RETURN country = current_recipient('Country');
         CREATE VIEW c.s.v AS SELECT country, current_recipient('country') AS asked FROM c.s.t;
         ALTER TABLE c.s.t SET ROW FILTER c.s.mine ON (country)",
    )
    .await;
    assert_eq!(text(&admin, "SELECT count(*) FROM c.s.t").await, "0");
    let recipient = admin.for_recipient(RecipientProperties::from([("country".to_owned(), "FR".to_owned())]));
    assert_eq!(text(&recipient, "SELECT * FROM c.s.t").await, "FR");
    assert_eq!(text(&recipient, "SELECT * FROM c.s.v").await, "FR FR");
}
