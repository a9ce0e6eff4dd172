"""Governed queries, prepared statements, metadata and refused tokens, by clients that others wrote."""

import base64
import json
import sys
import threading
import time
import traceback
from decimal import Decimal

import adbc_driver_flightsql.dbapi as flightsql
import adbc_driver_manager
import grpc
import pyarrow
from adbc_driver_flightsql import DatabaseOptions
from google.protobuf import descriptor_pool, message_factory
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase

from server import Server

SETUP = [
    "CREATE CATALOG demo",
    "CREATE SCHEMA demo.shop",
    "CREATE TABLE demo.shop.orders (id BIGINT NOT NULL, region STRING, phone STRING, price DECIMAL(10,2), day DATE)",
    "CREATE TABLE demo.shop.secrets (id BIGINT)",
    "GRANT MODIFY ON TABLE demo.shop.orders TO `admin`",
    "GRANT SELECT ON TABLE demo.shop.orders TO `admin`",
    "INSERT INTO demo.shop.orders VALUES (1, 'north', '555-0001', 10.50, DATE '2024-01-01'),"
    " (2, 'south', '555-0002', 20.25, DATE '2024-01-02'), (3, 'north', NULL, NULL, NULL)",
    "CREATE FUNCTION demo.shop.northern(region STRING) RETURNS BOOLEAN RETURN region = 'north' OR is_member('auditors')",
    "CREATE FUNCTION demo.shop.hide(phone STRING) RETURNS STRING"
    " RETURN CASE WHEN is_member('auditors') THEN phone ELSE '***' END",
    "ALTER TABLE demo.shop.orders SET ROW FILTER demo.shop.northern ON (region)",
    "ALTER TABLE demo.shop.orders ALTER COLUMN phone SET MASK demo.shop.hide",
    "GRANT USE CATALOG ON CATALOG demo TO `alice`",
    "GRANT USE SCHEMA ON SCHEMA demo.shop TO `alice`",
    "GRANT SELECT ON TABLE demo.shop.orders TO `alice`",
]


def connect(server, token=None, **options):
    if token is not None:
        options[DatabaseOptions.AUTHORIZATION_HEADER.value] = f"Bearer {token}"
    return flightsql.connect(server.uri, db_kwargs=options, autocommit=True)


def rows(connection, sql, parameters=None):
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return cursor.fetchall()


def refusal(action):
    """The error of an action that must not succeed."""
    try:
        action()
    except adbc_driver_manager.Error as error:
        return error
    raise AssertionError("this should have been refused")


def setup(server):
    for name in ("alice", "bob"):
        server.cli("user", "create", name)
    server.cli("group", "create", "auditors")
    server.cli("group", "add-member", "auditors", "admin")
    with connect(server, server.admin) as connection, connection.cursor() as cursor:
        for sql in SETUP:
            cursor.execute(sql)
    return {name: server.cli("token", "create", "--principal", name, "--ttl", "1h") for name in ("alice", "bob")}


def governed_queries(server, tokens):
    query = "SELECT id, phone FROM demo.shop.orders ORDER BY id"
    with connect(server, server.admin) as admin, connect(server, tokens["alice"]) as alice:
        assert rows(admin, query) == [(1, "555-0001"), (2, "555-0002"), (3, None)]
        assert rows(alice, query) == [(1, "***"), (3, "***")]
        assert rows(alice, "SELECT count(*), sum(price) FROM demo.shop.orders") == [(2, Decimal("10.50"))]
        assert rows(alice, "SELECT current_user()") == [("alice",)]
        with alice.cursor() as cursor:
            cursor.execute("SELECT * FROM demo.shop.orders")
            table = cursor.fetch_arrow_table()
            assert table.schema.field("price").type == pyarrow.decimal128(10, 2), table.schema
            assert table.schema.field("day").type == pyarrow.date32(), table.schema
        denied = refusal(lambda: rows(alice, "INSERT INTO demo.shop.orders VALUES (9, 'north', '', 0, NULL)"))
        assert "permission denied" in str(denied), denied
        unseen = refusal(lambda: rows(alice, "SELECT * FROM demo.shop.secrets"))
        absent = refusal(lambda: rows(alice, "SELECT * FROM demo.shop.absents"))
        assert str(unseen).replace("secrets", "absents") == str(absent), (unseen, absent)


def prepared_statements(server, tokens):
    with connect(server, tokens["alice"]) as alice:
        for id, expected in ((1, [("north",)]), (2, []), (3, [("north",)])):
            assert rows(alice, "SELECT region FROM demo.shop.orders WHERE id = ?", (id,)) == expected
        assert rows(alice, "SELECT count(*) FROM demo.shop.orders WHERE region = ?", ("' OR '1'='1",)) == [(0,)]
        with alice.cursor() as cursor:
            cursor.adbc_prepare("SELECT id FROM demo.shop.orders WHERE id = ? AND region = ?")
            cursor.execute("SELECT id FROM demo.shop.orders WHERE id = ? AND region = ?", (1, "north"))
            assert cursor.fetchall() == [(1,)]
    with connect(server, server.admin) as admin, admin.cursor() as cursor:
        insert = "INSERT INTO demo.shop.orders (id, region, phone, price, day) VALUES (?, ?, NULL, NULL, NULL)"
        cursor.executemany(insert, [(100, "east"), (101, "east")])
        assert rows(admin, "SELECT id FROM demo.shop.orders WHERE region = 'east' ORDER BY id") == [(100,), (101,)]


def metadata(server, tokens):
    def objects(connection):
        listed = connection.adbc_get_objects(depth="tables", catalog_filter="demo").read_all().to_pylist()
        return [
            (catalog["catalog_name"], schema["db_schema_name"], table["table_name"])
            for catalog in listed
            for schema in catalog["catalog_db_schemas"] or []
            for table in schema["db_schema_tables"] or []
        ]

    with connect(server, server.admin) as admin, connect(server, tokens["alice"]) as alice, connect(server, tokens["bob"]) as bob:
        assert objects(admin) == [("demo", "shop", "orders"), ("demo", "shop", "secrets")], objects(admin)
        assert objects(alice) == [("demo", "shop", "orders")], objects(alice)
        assert objects(bob) == [], objects(bob)
        columns = alice.adbc_get_objects(depth="columns", catalog_filter="demo").read_all().to_pylist()
        columns = columns[0]["catalog_db_schemas"][0]["db_schema_tables"][0]["table_columns"]
        assert [column["column_name"] for column in columns] == ["id", "region", "phone", "price", "day"]
        schema = alice.adbc_get_table_schema("orders", catalog_filter="demo", db_schema_filter="shop")
        assert schema.names == ["id", "region", "phone", "price", "day"]
        assert sorted(alice.adbc_get_table_types()) == ["TABLE", "VIEW"]
        assert alice.adbc_get_info()["vendor_name"] == "lakewarden"


def sessions(server, tokens):
    cookies = {DatabaseOptions.WITH_COOKIE_MIDDLEWARE.value: "true"}
    with connect(server, tokens["alice"], **cookies) as alice:
        rows(alice, "USE demo.shop")
        assert rows(alice, "SELECT count(*) FROM orders") == [(2,)]
        assert (alice.adbc_current_catalog, alice.adbc_current_db_schema) == ("demo", "shop")
    with connect(server, tokens["alice"], **cookies) as alice:
        refusal(lambda: rows(alice, "SELECT count(*) FROM orders"))
        alice.adbc_current_catalog = "demo"
        alice.adbc_current_db_schema = "shop"
        assert rows(alice, "SELECT count(*) FROM orders") == [(2,)]


def passwords(server, tokens):
    with connect(server, username="anybody", password=tokens["alice"]) as alice:
        assert rows(alice, "SELECT current_user()") == [("alice",)]
    refused = refusal(lambda: connect(server, username="alice", password="alice").cursor())
    assert "UNAUTHENTICATED" in str(refused).upper(), refused


def refused_tokens(server, tokens):
    header, payload, signature = tokens["alice"].split(".")
    encoded = lambda value: base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")
    none = encoded({"alg": "none", "typ": "JWT"})
    claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    expired = server.cli("token", "create", "--principal", "alice", "--ttl", "1s")
    revoked = server.cli("token", "create", "--principal", "alice", "--ttl", "1h")
    revoked_claims = revoked.split(".")[1]
    jti = json.loads(base64.urlsafe_b64decode(revoked_claims + "=" * (-len(revoked_claims) % 4)))["jti"]
    with connect(server, revoked) as alice:
        assert rows(alice, "SELECT 1") == [(1,)]
    server.cli("token", "revoke", jti)
    other = Server()
    try:
        foreign = other.admin
    finally:
        other.stop()
    time.sleep(2.1)
    cases = {
        "none at all": None,
        "wrong": "wrong",
        "expired": expired,
        "revoked": revoked,
        "alg none": f"{none}.{payload}.",
        "alg none with a signature": f"{none}.{payload}.{signature}",
        "foreign key": foreign,
        "changed claims": f"{header}.{encoded({**claims, 'exp': claims['exp'] + 3600})}.{signature}",
    }
    for name, token in cases.items():
        refused = refusal(lambda: rows(connect(server, token), "SELECT 1"))
        assert "UNAUTHENTICATED" in str(refused).upper(), (name, refused)
        assert token is None or token not in str(refused), name
        assert server.get("/metrics", token or "")[0] == 401, name


def reflection(server, tokens):
    class Show(grpc.UnaryUnaryClientInterceptor, grpc.StreamStreamClientInterceptor):
        def shown(self, details):
            metadata = [*(details.metadata or []), ("authorization", f"Bearer {tokens['alice']}")]
            return details._replace(metadata=metadata)

        def intercept_unary_unary(self, proceed, details, request):
            return proceed(self.shown(details), request)

        def intercept_stream_stream(self, proceed, details, requests):
            return proceed(self.shown(details), requests)

    address = f"127.0.0.1:{server.port}"
    with grpc.insecure_channel(address) as bare:
        try:
            ProtoReflectionDescriptorDatabase(bare).get_services()
            raise AssertionError("reflection answered without a token")
        except grpc.RpcError as error:
            assert error.code() == grpc.StatusCode.UNAUTHENTICATED, error
        health = bare.unary_unary("/grpc.health.v1.Health/Check")(b"")
        assert health == b"\x08\x01", "not serving"
        channel = grpc.intercept_channel(bare, Show())
        database = ProtoReflectionDescriptorDatabase(channel)
        services = sorted(database.get_services())
        for service in ("lakewarden.v1.CatalogService", "lakewarden.v1.GrantService", "lakewarden.v1.SqlService"):
            assert service in services, services
        pool = descriptor_pool.DescriptorPool(database)
        method = pool.FindServiceByName("lakewarden.v1.IdentityService").FindMethodByName("WhoAmI")
        ask = message_factory.GetMessageClass(method.input_type)
        answer = message_factory.GetMessageClass(method.output_type)
        call = channel.unary_unary(
            f"/{method.containing_service.full_name}/{method.name}",
            request_serializer=ask.SerializeToString,
            response_deserializer=answer.FromString,
        )
        assert call(ask()).principal.name == "alice"


def cancellation(server, tokens):
    """A query that would run for hours ends when its cursor is cancelled, on the server too, and the connection lives on."""
    endless = "SELECT sum(a.value * b.value) FROM generate_series(1, 10000000) a CROSS JOIN generate_series(1, 10000000) b"

    def running():
        text = server.get("/metrics", tokens["alice"])[1]
        return int(next(line.split()[-1] for line in text.splitlines() if line.startswith('lakewarden_engine{what="running"}')))

    def until(count):
        for _ in range(1200):
            if running() == count:
                return
            time.sleep(0.05)
        raise AssertionError(f"{running()} statements run and not {count}")

    ended = []
    with connect(server, tokens["alice"]) as alice, alice.cursor() as cursor:

        def run():
            try:
                cursor.execute(endless)
                cursor.fetchall()
            except Exception as error:
                ended.append(error)

        thread = threading.Thread(target=run)
        thread.start()
        until(1)
        cursor.adbc_cancel()
        thread.join(timeout=60)
        assert not thread.is_alive() and len(ended) == 1, ended
        until(0)
        assert rows(alice, "SELECT 1") == [(1,)]


def probes(server, tokens):
    assert server.get("/healthz")[0] == 200
    assert server.get("/readyz")[0] == 200
    assert server.get("/metrics")[0] == 401
    code, text = server.get("/metrics", tokens["alice"])
    assert code == 200 and "lakewarden_requests_total" in text


CHECKS = [governed_queries, prepared_statements, metadata, sessions, passwords, refused_tokens, reflection, cancellation, probes]


def main():
    server = Server()
    failed = []
    try:
        tokens = setup(server)
        for check in CHECKS:
            begun = time.monotonic()
            try:
                check(server, tokens)
                print(f"ok    {check.__name__} ({time.monotonic() - begun:.1f} s)", flush=True)
            except Exception:
                failed.append(check.__name__)
                print(f"FAIL  {check.__name__}", flush=True)
                traceback.print_exc()
        if not failed:
            code = server.stop()
            assert code == 0, f"the server ended with {code} after SIGTERM"
    finally:
        server.discard()
    if failed:
        sys.exit(f"failed: {', '.join(failed)}")
    print(f"{len(CHECKS)} checks passed")


if __name__ == "__main__":
    main()
