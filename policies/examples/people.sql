-- Masks in the ways in which people write them: by regular expressions, with the functions made for masks, by looking into a table, and of
-- one field of a struct.
CREATE CATALOG IF NOT EXISTS demo;
CREATE SCHEMA IF NOT EXISTS demo.hr;
CREATE SCHEMA IF NOT EXISTS demo.policies;
CREATE TABLE demo.hr.people (
  name STRING, ssn STRING, email STRING, phone STRING, card STRING, salary DECIMAL(10,2), region STRING,
  address STRUCT<street: STRING, town: STRING>
);
INSERT INTO demo.hr.people
  SELECT name, ssn, email, phone, card, CAST(salary AS DECIMAL(10,2)), region, named_struct('street', street, 'town', town) FROM (VALUES
    ('Ada Lovelace', '123456789', 'ada@example.com', '+44 20 7946 0958', '4111111111111111', 98765.43, 'EU', '12 Square', 'London'),
    ('Grace Hopper', '987654321', 'grace@example.org', '+1 202 555 0143', '5500000000000004', 123456.78, 'US', '3 Avenue', 'Arlington')
  ) AS given(name, ssn, email, phone, card, salary, region, street, town);
CREATE TABLE demo.policies.pay_readers (user_name STRING, region STRING);
INSERT INTO demo.policies.pay_readers VALUES ('alice', 'EU');

-- The first letter of the first word: `A*** Lovelace`. Backslashes are written twice in a string.
CREATE OR REPLACE FUNCTION demo.policies.mask_name(name STRING) RETURNS STRING
  RETURN CASE WHEN is_account_group_member('admins') THEN name ELSE regexp_replace(name, '(^\\w)\\w+', '$1***') END;
-- All digits but the last four: `*****6789`.
CREATE OR REPLACE FUNCTION demo.policies.mask_ssn(ssn STRING) RETURNS STRING
  RETURN CASE WHEN is_account_group_member('admins') THEN ssn ELSE regexp_replace(ssn, '\\d(?=\\d{4})', '*') END;
CREATE OR REPLACE FUNCTION demo.policies.mask_email(email STRING) RETURNS STRING
  RETURN if(is_account_group_member('admins'), email, mask_email(email));
-- Every digit goes, the form stays.
CREATE OR REPLACE FUNCTION demo.policies.mask_digits(text STRING) RETURNS STRING
  RETURN if(is_account_group_member('admins'), text, mask(text, NULL, NULL, '#'));
-- Cards can be counted and joined, and not read.
CREATE OR REPLACE FUNCTION demo.policies.token_of_card(card STRING) RETURNS STRING
  RETURN tokenize(card, 'demo.card');
-- Who may read pay in a region stands in a table.
CREATE OR REPLACE FUNCTION demo.policies.mask_pay(pay DECIMAL(10,2), of_region STRING) RETURNS DECIMAL(10,2)
  RETURN CASE WHEN EXISTS (
    SELECT 1 FROM demo.policies.pay_readers AS r WHERE r.user_name = current_user() AND r.region = of_region
  ) THEN pay END;
CREATE OR REPLACE FUNCTION demo.policies.nothing(value STRING) RETURNS STRING RETURN NULL;

ALTER TABLE demo.hr.people ALTER COLUMN name SET MASK demo.policies.mask_name;
ALTER TABLE demo.hr.people ALTER COLUMN ssn SET MASK demo.policies.mask_ssn;
ALTER TABLE demo.hr.people ALTER COLUMN email SET MASK demo.policies.mask_email;
ALTER TABLE demo.hr.people ALTER COLUMN phone SET MASK demo.policies.mask_digits;
ALTER TABLE demo.hr.people ALTER COLUMN card SET MASK demo.policies.token_of_card;
ALTER TABLE demo.hr.people ALTER COLUMN salary SET MASK demo.policies.mask_pay USING COLUMNS (region);
ALTER TABLE demo.hr.people ALTER COLUMN address.street SET MASK demo.policies.nothing;
