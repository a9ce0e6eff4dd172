CREATE FUNCTION demo.access.sees_nation(nation_key BIGINT) RETURNS BOOLEAN
  RETURN nation_key IN (
    SELECT n_nationkey
    FROM demo.tpch.nation
    JOIN demo.tpch.region ON n_regionkey = r_regionkey
    JOIN demo.access.members ON member_region = r_name
    WHERE member_name = current_user());
CREATE FUNCTION demo.access.sees_customer(customer_key BIGINT) RETURNS BOOLEAN
  RETURN customer_key IN (
    SELECT c_custkey
    FROM demo.tpch.customer
    JOIN demo.tpch.nation ON c_nationkey = n_nationkey
    JOIN demo.tpch.region ON n_regionkey = r_regionkey
    JOIN demo.access.members ON member_region = r_name
    WHERE member_name = current_user());
CREATE FUNCTION demo.access.mask_phone(phone STRING) RETURNS STRING RETURN concat(substr(phone, 1, 3), 'XXX-XXX-XXXX');
CREATE FUNCTION demo.access.mask_address(address STRING) RETURNS STRING RETURN '(hidden)';
CREATE FUNCTION demo.access.mask_balance(balance DECIMAL(15,2)) RETURNS DECIMAL(15,2)
  RETURN CASE WHEN balance < 0 THEN CAST(-1 AS DECIMAL(15,2)) ELSE CAST(1 AS DECIMAL(15,2)) END;
ALTER TABLE demo.tpch.orders SET ROW FILTER demo.access.sees_customer ON (o_custkey);
ALTER TABLE demo.tpch.customer SET ROW FILTER demo.access.sees_nation ON (c_nationkey);
ALTER TABLE demo.tpch.customer ALTER COLUMN c_phone SET MASK demo.access.mask_phone;
ALTER TABLE demo.tpch.customer ALTER COLUMN c_address SET MASK demo.access.mask_address;
ALTER TABLE demo.tpch.customer ALTER COLUMN c_acctbal SET MASK demo.access.mask_balance
