-- Analysts may read every table of demo.tpch. Nothing is granted on demo.policies: the row filters and masks run with
-- the rights of their owner, so that who is bound by a policy need not see it.
GRANT USE CATALOG ON CATALOG demo TO analysts;
GRANT USE SCHEMA, SELECT ON SCHEMA demo.tpch TO analysts;
