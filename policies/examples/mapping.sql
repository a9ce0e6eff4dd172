-- Which regions an analyst works for. The row filters look here, so a change is in force with the next query.
CREATE SCHEMA IF NOT EXISTS demo.policies COMMENT 'row filters, masks and what they look up';
CREATE TABLE IF NOT EXISTS demo.policies.analyst_regions COMMENT 'the regions that an analyst sees' AS
  SELECT user_name, region
  FROM (VALUES ('alice', 'EUROPE'), ('alice', 'MIDDLE EAST'), ('bob', 'ASIA')) AS given(user_name, region);
