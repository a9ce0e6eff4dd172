//! The lake of the canary test: two readers of the same tables, of whom the policies bind only one.

/// How many rows of `people` nobody but the cleared may know of.
pub const HIDDEN: usize = 1009;
pub const VISIBLE: usize = 6;

const COLUMNS: &str = "id BIGINT, k STRING, note STRING, pay DECIMAL(18,2), born DATE, seen TIMESTAMP, code BINARY, n INT, big BIGINT, score DOUBLE, tags ARRAY<STRING>, home STRUCT<a: INT, b: STRING>, closed STRING";
/// What a row of `people` has behind masks: note, pay, born, seen, code.
const MASKED: &str = "'CANARY_NOTE', CAST('98765432109.87' AS DECIMAL(18,2)), DATE '2177-07-07', TIMESTAMP '2177-07-07 07:07:07.777777', X'cafebabedeadbeef'";

/// What an admin does beforehand.
pub fn statements(external: &str) -> Vec<String> {
    let hidden = format!(
        "987654321, 'CANARY_K', {MASKED}, 987654321, 987654321, 98765.4321, make_array('CANARY_TAG'), named_struct('a', 987654321, 'b', 'CANARY_HOME'), 'CANARY_CLOSED'"
    );
    let visible = |id: usize| {
        format!(
            "{id}, '{}', {MASKED}, {id}, {id}, {id}.5, make_array('t{id}'), named_struct('a', {id}, 'b', 'CANARY_FIELD'), 'CANARY_CLOSED'",
            1 + id % 2
        )
    };
    let row = |values: String| format!("({values})");
    let few: Vec<_> = (1..=VISIBLE).map(visible).map(row).collect();
    let mut all: Vec<String> = [
        "CREATE CATALOG vault",
        "CREATE SCHEMA vault.d",
        "CREATE SCHEMA vault.priv",
        "CREATE SCHEMA vault.pub",
        "CREATE TABLE vault.priv.m (who STRING, v STRING)",
        "INSERT INTO vault.priv.m VALUES ('eve', '1'), ('eve', '2'), ('zoe', 'CANARY_MAP')",
    ]
    .map(str::to_owned)
    .into();
    all.push(format!("CREATE TABLE vault.d.people ({COLUMNS}) PARTITIONED BY (k) TBLPROPERTIES ('delta.enableChangeDataFeed' = 'true')"));
    all.push(format!("INSERT INTO vault.d.people VALUES {}", few.join(", ")));
    all.push(format!("INSERT INTO vault.d.people VALUES {}", vec![format!("({hidden})"); HIDDEN].join(", ")));
    all.push(format!("CREATE TABLE vault.d.far (id BIGINT, k STRING, note STRING) LOCATION '{external}'"));
    all.extend(RULES.iter().map(|text| (*text).to_owned()));
    all
}

/// The policies, views and grants.
const RULES: &[&str] = &[
    "INSERT INTO vault.d.far VALUES (1, '1', 'CANARY_FAR'), (2, 'CANARY_K', 'CANARY_FAR')",
    "CREATE TABLE vault.d.broken (id BIGINT, k STRING)",
    "INSERT INTO vault.d.broken VALUES (1, '1'), (2, 'CANARY_BAD')",
    "CREATE TABLE vault.d.tagged (id BIGINT, k STRING, pin STRING)",
    "INSERT INTO vault.d.tagged VALUES (1, '1', 'CANARY_PIN'), (987654321, 'CANARY_K', 'CANARY_PIN')",
    "CREATE FUNCTION vault.priv.keep(k STRING) RETURNS BOOLEAN RETURN is_account_group_member('cleared') OR (k IN (SELECT m.v FROM vault.priv.m m WHERE m.who = current_user()) AND k <> 'CANARY_POLICY')",
    "CREATE FUNCTION vault.priv.stars(v STRING) RETURNS STRING RETURN CASE WHEN is_account_group_member('cleared') OR v = 'CANARY_MASK' THEN v ELSE '***' END",
    "CREATE FUNCTION vault.priv.no_pay(v DECIMAL(18,2)) RETURNS DECIMAL(18,2) RETURN CASE WHEN is_account_group_member('cleared') THEN v ELSE 0 END",
    "CREATE FUNCTION vault.priv.no_date(v DATE) RETURNS DATE RETURN CASE WHEN is_account_group_member('cleared') THEN v ELSE DATE '2000-01-01' END",
    "CREATE FUNCTION vault.priv.no_time(v TIMESTAMP) RETURNS TIMESTAMP RETURN CASE WHEN is_account_group_member('cleared') THEN v ELSE NULL END",
    "CREATE FUNCTION vault.priv.no_bytes(v BINARY) RETURNS BINARY RETURN CASE WHEN is_account_group_member('cleared') THEN v ELSE X'00' END",
    "CREATE FUNCTION vault.priv.fails(k STRING) RETURNS BOOLEAN RETURN is_account_group_member('cleared') OR CAST(k AS INT) > 0",
    "ALTER TABLE vault.d.people SET ROW FILTER vault.priv.keep ON (k)",
    "ALTER TABLE vault.d.people ALTER COLUMN note SET MASK vault.priv.stars",
    "ALTER TABLE vault.d.people ALTER COLUMN pay SET MASK vault.priv.no_pay",
    "ALTER TABLE vault.d.people ALTER COLUMN born SET MASK vault.priv.no_date",
    "ALTER TABLE vault.d.people ALTER COLUMN seen SET MASK vault.priv.no_time",
    "ALTER TABLE vault.d.people ALTER COLUMN code SET MASK vault.priv.no_bytes",
    "ALTER TABLE vault.d.people ALTER COLUMN home.b SET MASK vault.priv.stars",
    "ALTER TABLE vault.d.far SET ROW FILTER vault.priv.keep ON (k)",
    "ALTER TABLE vault.d.far ALTER COLUMN note SET MASK vault.priv.stars",
    "ALTER TABLE vault.d.broken SET ROW FILTER vault.priv.fails ON (k)",
    "ALTER TABLE vault.d.tagged ALTER COLUMN pin SET TAGS ('pii')",
    "ALTER TABLE vault.d.tagged ALTER COLUMN k SET TAGS ('key')",
    "CREATE POLICY no_pins ON SCHEMA vault.d COLUMN MASK vault.priv.stars TO `account users` FOR TABLES MATCH COLUMNS hasTag('pii') AS p ON COLUMN p",
    "CREATE POLICY keys ON SCHEMA vault.d ROW FILTER vault.priv.keep TO `account users` FOR TABLES MATCH COLUMNS hasTag('key') AS r USING COLUMNS (r)",
    "CREATE VIEW vault.d.v AS SELECT id, k, note, born FROM vault.d.people WHERE note <> 'CANARY_VIEW'",
    "CREATE VIEW vault.d.sums AS SELECT k, count(*) AS n, max(pay) AS pay FROM vault.d.people GROUP BY k",
    "GRANT USE CATALOG ON CATALOG vault TO `account users`",
    "GRANT USE SCHEMA ON SCHEMA vault.d TO `account users`",
    "GRANT USE SCHEMA, CREATE TABLE, CREATE FUNCTION ON SCHEMA vault.pub TO `account users`",
    "GRANT SELECT, MODIFY ON SCHEMA vault.d TO `account users`",
    "DENY SELECT (closed) ON TABLE vault.d.people TO eve",
];

/// What a reader asks, of relations and of the catalog. No text here holds a mark.
pub fn questions() -> Vec<String> {
    let columns = "id, k, note, pay, born, seen, code, n, big, score, tags, home";
    let mut all: Vec<String> = Vec::new();
    for query in queries(columns) {
        all.push(format!("EXPLAIN {query}"));
        all.push(format!("EXPLAIN ANALYZE {query}"));
        all.push(format!("EXPLAIN VERBOSE {query}"));
        all.push(query);
    }
    for table in ["people", "far", "broken", "tagged", "v", "sums"] {
        let name = format!("vault.d.{table}");
        for form in LOOKS {
            all.push(form.replace("{}", &name));
        }
    }
    all.extend(CATALOG.iter().map(|text| (*text).to_owned()));
    all.extend(CHANGES.iter().map(|text| (*text).to_owned()));
    all
}

fn queries(columns: &str) -> Vec<String> {
    let from = "FROM vault.d.people";
    let mut all = vec![format!("SELECT {columns} {from}"), format!("SELECT * {from}"), format!("SELECT closed {from}")];
    all.extend(PREDICATES.iter().map(|predicate| format!("SELECT {columns} {from} WHERE {predicate}")));
    all.extend(WHOLE.iter().map(|text| (*text).to_owned()));
    all
}

const PREDICATES: &[&str] = &[
    "CAST(note AS INT) > 0",
    "CAST(k AS INT) > 0",
    "CAST(k AS DATE) > DATE '2020-01-01'",
    "to_timestamp(k) IS NOT NULL",
    "10 / (id - 3) > 0",
    "10 / (n - 100) > 0 AND k LIKE 'C%'",
    "CAST(big AS TINYINT) > 0",
    "factorial(big) > 0",
    "chr(big) > 'a'",
    "regexp_like('a', concat('[', k))",
    "CASE WHEN k > '5' THEN CAST(k AS INT) > 0 ELSE FALSE END",
    "note > 'A' OR pay > 5 OR born > DATE '2100-01-01'",
    "k LIKE 'C%'",
    "k IS NULL OR n > 1000",
    "id > 100 OR id IN (SELECT max(id) FROM vault.d.people)",
    "tags[0] LIKE 'C%' OR home.b LIKE 'C%'",
    "home.a > 100",
    "1 / 0 = 1",
    "k NOT IN ('1', NULL)",
    "EXISTS (SELECT 1 FROM vault.d.far f WHERE f.k = people.k AND CAST(f.note AS INT) > 0)",
];

const WHOLE: &[&str] = &[
    "SELECT count(*), min(id), max(id), max(k), min(k), max(note), max(pay), max(born), max(seen), max(n), sum(big), max(score) FROM vault.d.people",
    "SELECT approx_distinct(k), count(DISTINCT k), string_agg(k, ','), array_agg(note) FROM vault.d.people",
    "SELECT k, count(*) FROM vault.d.people GROUP BY ROLLUP(k)",
    "SELECT note, rank() OVER (ORDER BY big DESC) FROM vault.d.people",
    "SELECT k, note FROM vault.d.people ORDER BY note DESC, k DESC LIMIT 3",
    "SELECT k FROM vault.d.people ORDER BY k DESC LIMIT 3",
    "SELECT id FROM vault.d.people ORDER BY id DESC LIMIT 2",
    "SELECT a.k, b.note FROM vault.d.people a JOIN vault.d.far b ON a.k = b.k",
    "SELECT a.k, b.k FROM vault.d.people a FULL JOIN vault.d.tagged b ON a.id = b.id",
    "SELECT md5(note), sha256(note), reverse(note), upper(note), lower(k), encode(note, 'hex'), encode(note, 'base64') FROM vault.d.people",
    "SELECT unnest(tags) FROM vault.d.people",
    "SELECT home, home.b, home['b'] FROM vault.d.people",
    "SELECT id FROM vault.d.people UNION SELECT id FROM vault.d.tagged",
    "WITH RECURSIVE r AS (SELECT id, k FROM vault.d.people WHERE id > 2 UNION ALL SELECT p.id, p.k FROM vault.d.people p JOIN r ON p.id = r.id + 1) SELECT * FROM r",
    "SELECT * FROM vault.d.v",
    "SELECT * FROM vault.d.sums",
    "SELECT * FROM vault.d.v WHERE CAST(note AS INT) > 0",
    "SELECT * FROM vault.d.far",
    "SELECT * FROM vault.d.far WHERE CAST(k AS INT) > 0",
    "SELECT * FROM vault.d.tagged",
    "SELECT * FROM vault.d.tagged WHERE CAST(pin AS INT) > 0",
    "SELECT * FROM vault.d.broken",
    "SELECT count(*) FROM vault.d.broken",
    "SELECT * FROM vault.priv.m",
    "SELECT vault.priv.keep('x')",
    "SELECT * FROM vault.d.people VERSION AS OF 1",
    "SELECT id, k, note FROM vault.d.people VERSION AS OF 1",
    "SELECT id, k, note, home FROM vault.d.people VERSION AS OF 2 WHERE CAST(k AS INT) > 0",
    "SELECT id, k, note FROM vault.d.people@v1",
    "SELECT count(*) FROM vault.d.people VERSION AS OF 0",
    "SELECT id, k FROM vault.d.people VERSION AS OF 99",
    "SELECT id, k, note, born, _change_type, _commit_version FROM table_changes('vault.d.people', 0)",
    "SELECT * FROM table_changes('vault.d.people', 1, 2)",
    "SELECT count(*) FROM table_changes('vault.d.people', 0) WHERE CAST(k AS INT) > 0",
];

/// Ways to look at a relation.
const LOOKS: &[&str] = &[
    "DESCRIBE {}",
    "DESCRIBE EXTENDED {}",
    "DESCRIBE TABLE {}",
    "DESCRIBE DETAIL {}",
    "DESCRIBE HISTORY {}",
    "SHOW CREATE TABLE {}",
    "SHOW COLUMNS IN {}",
    "SHOW TBLPROPERTIES {}",
    "SHOW PARTITIONS {}",
    "SHOW GRANTS ON TABLE {}",
    "SHOW EFFECTIVE GRANTS ON TABLE {}",
    "SHOW POLICIES ON TABLE {}",
    "SHOW EFFECTIVE POLICIES ON TABLE {}",
    "SHOW TAGS ON TABLE {}",
    "EXPLAIN ACCESS SELECT ON TABLE {}",
    "EXPLAIN ACCESS SELECT (note) ON TABLE {}",
    "CREATE TABLE vault.pub.copied AS SELECT * FROM {}",
    "SELECT * FROM vault.pub.copied",
    "DESCRIBE HISTORY vault.pub.copied",
    "DROP TABLE IF EXISTS vault.pub.copied",
    "CREATE TABLE vault.pub.cloned DEEP CLONE {}",
    "CREATE TABLE vault.pub.cloned SHALLOW CLONE {}",
    "SELECT * FROM vault.pub.cloned",
    "DROP TABLE IF EXISTS vault.pub.cloned",
    "ANALYZE TABLE {} COMPUTE STATISTICS",
    "OPTIMIZE {}",
    "VACUUM {}",
    "RESTORE TABLE {} TO VERSION AS OF 0",
];

const CATALOG: &[&str] = &[
    "SHOW CATALOGS",
    "SHOW SCHEMAS IN vault",
    "SHOW TABLES IN vault.d",
    "SHOW TABLES IN vault.priv",
    "SHOW VIEWS IN vault.d",
    "SHOW FUNCTIONS IN vault.priv",
    "SHOW USERS",
    "SHOW GROUPS",
    "SHOW POLICIES ON SCHEMA vault.d",
    "SHOW EFFECTIVE POLICIES ON SCHEMA vault.d",
    "DESCRIBE POLICY keys ON SCHEMA vault.d",
    "DESCRIBE POLICY no_pins ON SCHEMA vault.d",
    "SHOW TAGS",
    "DESCRIBE FUNCTION vault.priv.keep",
    "DESCRIBE FUNCTION EXTENDED vault.priv.stars",
    "DESCRIBE SCHEMA vault.d",
    "DESCRIBE CATALOG vault",
    "SHOW GRANTS",
    "SHOW ALL",
    "SET",
    "SELECT * FROM vault.information_schema.tables",
    "SELECT * FROM vault.information_schema.columns",
    "SELECT * FROM vault.information_schema.views",
    "SELECT * FROM vault.information_schema.routines",
    "SELECT * FROM vault.information_schema.parameters",
    "SELECT * FROM vault.information_schema.row_filters",
    "SELECT * FROM vault.information_schema.column_masks",
    "SELECT * FROM vault.information_schema.table_privileges",
    "SELECT * FROM vault.information_schema.column_tags",
    "SELECT * FROM vault.information_schema.table_tags",
    "SELECT * FROM system.information_schema.tables",
    "SELECT * FROM system.access.audit",
    "SELECT * FROM system.query.history",
    "SELECT * FROM delta.`/tmp`",
    "SELECT * FROM parquet.`/tmp/x.parquet`",
    "COPY vault.d.people TO '/tmp/x.csv'",
    "LIST '/tmp'",
];

/// Changes by somebody whom policies bind.
const CHANGES: &[&str] = &[
    "INSERT INTO vault.d.people (id, k) VALUES (50, '1')",
    "INSERT INTO vault.d.people (id, k) VALUES (51, 'zzz')",
    "INSERT INTO vault.d.people (id, k, note) SELECT id + 100, k, note FROM vault.d.people",
    "INSERT OVERWRITE vault.d.far SELECT 1, '1', 'x'",
    "UPDATE vault.d.people SET n = 5 WHERE CAST(k AS INT) > 0",
    "UPDATE vault.d.people SET n = 10 / (id - 3)",
    "UPDATE vault.d.people SET big = n WHERE k > '1'",
    "UPDATE vault.d.people SET note = 'x' WHERE note LIKE 'C%'",
    "UPDATE vault.d.people SET k = note",
    "UPDATE vault.d.people SET n = 3 WHERE 10 / (big - 3) > 1",
    "DELETE FROM vault.d.people WHERE CAST(note AS INT) > 0",
    "DELETE FROM vault.d.people WHERE id = 50",
    "DELETE FROM vault.d.far WHERE CAST(k AS INT) > 5",
    "MERGE INTO vault.d.people t USING (SELECT 1 AS id, 7 AS n) s ON t.id = s.id WHEN MATCHED THEN UPDATE SET n = s.n",
    "MERGE INTO vault.d.people t USING vault.d.far s ON CAST(t.k AS INT) = s.id WHEN MATCHED THEN DELETE",
    "MERGE INTO vault.d.tagged t USING vault.d.people s ON t.k = s.k WHEN NOT MATCHED THEN INSERT (id, k) VALUES (s.id, s.k)",
    "SELECT id, k, n, big, note FROM vault.d.people",
    "SELECT id, _change_type FROM table_changes('vault.d.people', 0)",
    "DESCRIBE HISTORY vault.d.people",
    "CREATE TABLE vault.pub.mine AS SELECT * EXCEPT (closed) FROM vault.d.people",
    "SELECT * FROM vault.pub.mine",
    "SELECT * FROM vault.pub.mine WHERE CAST(note AS INT) > 0",
    "EXPLAIN ANALYZE SELECT * FROM vault.pub.mine",
    "DROP TABLE vault.pub.mine",
    "CREATE FUNCTION vault.pub.peek(x BIGINT) RETURNS STRING RETURN (SELECT max(note) FROM vault.d.people)",
    "SELECT vault.pub.peek(1)",
];
