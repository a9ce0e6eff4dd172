-- What the quickstart asks as an admin and as two analysts.
SELECT r.r_name AS region,
       count(*) AS orders,
       sum(o.o_totalprice) AS revenue,
       max(c.c_acctbal) AS top_balance,
       min(c.c_phone) AS first_phone,
       min(c.c_address) AS first_address
FROM demo.tpch.orders AS o
JOIN demo.tpch.customer AS c ON c.c_custkey = o.o_custkey
JOIN demo.tpch.nation AS n ON n.n_nationkey = c.c_nationkey
JOIN demo.tpch.region AS r ON r.r_regionkey = n.n_regionkey
GROUP BY r.r_name
ORDER BY region
