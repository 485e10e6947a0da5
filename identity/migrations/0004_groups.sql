-- +goose Up

-- A name's key is its lower case: what it is found and sorted by.
ALTER TABLE accounts ADD COLUMN name_key TEXT NOT NULL DEFAULT '';
-- A code came back from the address.
ALTER TABLE accounts ADD COLUMN email_proved BOOLEAN NOT NULL DEFAULT TRUE;
-- Nothing opens before the account has a second factor.
ALTER TABLE accounts ADD COLUMN second_required BOOLEAN NOT NULL DEFAULT FALSE;
UPDATE accounts SET name_key = lower(name);
CREATE INDEX accounts_by_time ON accounts (created_at, id);
CREATE INDEX accounts_by_name ON accounts (name_key, id);

CREATE TABLE groups (
    id          TEXT   NOT NULL PRIMARY KEY,
    name        TEXT   NOT NULL,
    name_key    TEXT   NOT NULL UNIQUE,        -- its lower case
    description TEXT   NOT NULL,
    source      TEXT   NOT NULL CHECK (source IN ('local', 'directory')),
    made_at     BIGINT NOT NULL
);

CREATE TABLE members (
    group_id TEXT   NOT NULL REFERENCES groups (id) ON DELETE CASCADE,
    account  TEXT   NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    source   TEXT   NOT NULL CHECK (source IN ('local', 'directory')),
    made_at  BIGINT NOT NULL,
    PRIMARY KEY (group_id, account)
);
CREATE INDEX members_by_account ON members (account);

-- A role is held by an account or by a group.
CREATE TABLE role_holders (
    role     TEXT   NOT NULL,                  -- "ca.admin"
    account  TEXT REFERENCES accounts (id) ON DELETE CASCADE,
    group_id TEXT REFERENCES groups (id) ON DELETE CASCADE,
    made_at  BIGINT NOT NULL,
    CHECK ((account IS NULL) <> (group_id IS NULL))
);
CREATE UNIQUE INDEX role_holders_by_account ON role_holders (account, role) WHERE account IS NOT NULL;
CREATE UNIQUE INDEX role_holders_by_group ON role_holders (group_id, role) WHERE group_id IS NOT NULL;
CREATE INDEX role_holders_by_role ON role_holders (role);

-- +goose Down
DROP TABLE role_holders;
DROP TABLE members;
DROP TABLE groups;
DROP INDEX accounts_by_name;
DROP INDEX accounts_by_time;
ALTER TABLE accounts DROP COLUMN second_required;
ALTER TABLE accounts DROP COLUMN email_proved;
ALTER TABLE accounts DROP COLUMN name_key;
