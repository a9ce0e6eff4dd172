-- A row filter is a function that gives TRUE for the rows that its caller may see.
CREATE OR REPLACE FUNCTION demo.policies.sees_nation(nation_key BIGINT) RETURNS BOOLEAN
  COMMENT 'the nations of the regions that the caller works for; admins see all'
  RETURN is_account_group_member('admins') OR nation_key IN (
    SELECT n.n_nationkey
    FROM demo.tpch.nation AS n
    JOIN demo.tpch.region AS r ON r.r_regionkey = n.n_regionkey
    JOIN demo.policies.analyst_regions AS a ON a.region = r.r_name
    WHERE a.user_name = current_user());

CREATE OR REPLACE FUNCTION demo.policies.sees_customer(customer_key BIGINT) RETURNS BOOLEAN
  COMMENT 'the customers of the regions that the caller works for; admins see all'
  RETURN is_account_group_member('admins') OR customer_key IN (
    SELECT c.c_custkey
    FROM demo.tpch.customer AS c
    JOIN demo.tpch.nation AS n ON n.n_nationkey = c.c_nationkey
    JOIN demo.tpch.region AS r ON r.r_regionkey = n.n_regionkey
    JOIN demo.policies.analyst_regions AS a ON a.region = r.r_name
    WHERE a.user_name = current_user());

ALTER TABLE demo.tpch.customer SET ROW FILTER demo.policies.sees_nation ON (c_nationkey);
ALTER TABLE demo.tpch.orders SET ROW FILTER demo.policies.sees_customer ON (o_custkey);
