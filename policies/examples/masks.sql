-- A mask is a function that stands for its column, wherever the column is read.
CREATE OR REPLACE FUNCTION demo.policies.mask_phone(phone STRING) RETURNS STRING
  COMMENT 'the country code only'
  RETURN CASE WHEN is_account_group_member('admins') THEN phone ELSE concat(substr(phone, 1, 2), '-***-***-****') END;

CREATE OR REPLACE FUNCTION demo.policies.mask_address(address STRING) RETURNS STRING
  COMMENT 'nothing of it'
  RETURN CASE WHEN is_account_group_member('admins') THEN address ELSE '(hidden)' END;

CREATE OR REPLACE FUNCTION demo.policies.mask_balance(balance DECIMAL(15,2)) RETURNS DECIMAL(15,2)
  COMMENT 'down to the thousand'
  RETURN CASE WHEN is_account_group_member('admins') THEN balance
    ELSE CAST(floor(balance / 1000) * 1000 AS DECIMAL(15,2)) END;

ALTER TABLE demo.tpch.customer ALTER COLUMN c_phone SET MASK demo.policies.mask_phone;
ALTER TABLE demo.tpch.customer ALTER COLUMN c_address SET MASK demo.policies.mask_address;
ALTER TABLE demo.tpch.customer ALTER COLUMN c_acctbal SET MASK demo.policies.mask_balance;
