-- +goose Up

-- The accounts, of the service identity, that see what a customer has. An account's name is
-- that of the day on which it accepted, for administrators to know it by.
CREATE TABLE customer_accounts (
    customer  TEXT   NOT NULL REFERENCES customers (id),
    account   TEXT   NOT NULL,
    name      TEXT   NOT NULL,
    linked_at BIGINT NOT NULL,
    PRIMARY KEY (customer, account)
);
CREATE INDEX customer_accounts_by_account ON customer_accounts (account);

-- Links by which an account becomes one of a customer's, once. Only their SHA-256 is kept.
CREATE TABLE invitations (
    id       TEXT   NOT NULL PRIMARY KEY,
    customer TEXT   NOT NULL REFERENCES customers (id),
    hash     BYTEA  NOT NULL UNIQUE,
    email    TEXT   NOT NULL,                  -- where the letter went; empty: nowhere
    made_at  BIGINT NOT NULL,
    until_at BIGINT NOT NULL
);
CREATE INDEX invitations_by_customer ON invitations (customer, made_at);

-- What stands before the policy's modules: a JSON list. NULL: the policy's hold.
ALTER TABLE cards ADD COLUMN modules TEXT;

-- Whether the customer took the card off the machine by himself: that is what counts
-- against his quota.
ALTER TABLE environments ADD COLUMN unbound_self BOOLEAN NOT NULL DEFAULT FALSE;
