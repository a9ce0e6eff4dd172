-- Who works with the sample data. `admins` see it as it is stored, `analysts` what the policies let through.
CREATE GROUP IF NOT EXISTS admins;
CREATE GROUP IF NOT EXISTS analysts;
CREATE USER IF NOT EXISTS alice;
CREATE USER IF NOT EXISTS bob;
ALTER GROUP analysts ADD USER alice, bob;
