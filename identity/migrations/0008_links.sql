-- +goose Up

-- The link of a letter by which somebody chooses the first password, once. It is
-- good while the account has the address that the letter went to.
CREATE TABLE links (
    account   TEXT   NOT NULL PRIMARY KEY REFERENCES accounts (id) ON DELETE CASCADE,
    email_key TEXT   NOT NULL,
    hash      BYTEA  NOT NULL UNIQUE,          -- SHA-256
    ends_at   BIGINT NOT NULL
);
CREATE INDEX links_by_end ON links (ends_at);
INSERT INTO links (account, email_key, hash, ends_at)
    SELECT a.id, a.email_key, p.link, p.link_until FROM directory_people p JOIN accounts a ON a.id = p.account WHERE p.link IS NOT NULL;

-- Those of the directory were kept beside its people.
CREATE TABLE people (
    key     TEXT    NOT NULL PRIMARY KEY,      -- objectGUID in hexadecimal digits, or entryUUID
    account TEXT UNIQUE REFERENCES accounts (id) ON DELETE SET NULL,  -- NULL: deleted here
    dn      TEXT    NOT NULL,
    email   TEXT    NOT NULL,                  -- what the directory said last, and was taken over
    name    TEXT    NOT NULL,
    off     BOOLEAN NOT NULL                   -- disabled because of the directory
);
INSERT INTO people (key, account, dn, email, name, off) SELECT key, account, dn, email, name, off FROM directory_people;
DROP TABLE directory_people;
ALTER TABLE people RENAME TO directory_people;

-- +goose Down
ALTER TABLE directory_people ADD COLUMN link BYTEA;
ALTER TABLE directory_people ADD COLUMN link_until BIGINT;
DROP TABLE links;
