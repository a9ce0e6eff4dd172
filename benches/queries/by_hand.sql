CREATE OR REPLACE VIEW customer AS
  SELECT
    c_custkey,
    c_name,
    '(hidden)' AS c_address,
    c_nationkey,
    concat(substr(c_phone, 1, 3), 'XXX-XXX-XXXX') AS c_phone,
    CASE WHEN c_acctbal < 0 THEN CAST(-1 AS DECIMAL(15,2)) ELSE CAST(1 AS DECIMAL(15,2)) END AS c_acctbal,
    c_mktsegment,
    c_comment
  FROM stored_customer
  WHERE c_nationkey IN (
    SELECT n_nationkey
    FROM nation
    JOIN region ON n_regionkey = r_regionkey
    JOIN members ON member_region = r_name
    WHERE member_name = 'alice');
CREATE OR REPLACE VIEW orders AS
  SELECT *
  FROM stored_orders
  WHERE o_custkey IN (
    SELECT c_custkey
    FROM stored_customer
    JOIN nation ON c_nationkey = n_nationkey
    JOIN region ON n_regionkey = r_regionkey
    JOIN members ON member_region = r_name
    WHERE member_name = 'alice')
