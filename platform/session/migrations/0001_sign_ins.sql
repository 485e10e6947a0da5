-- +goose Up

-- Who is signed in on the service's host, in which browser. A row's token is not
-- stored, only its hash. Times are microseconds since 1970 UTC.
CREATE TABLE sign_ins (
    id         TEXT   NOT NULL PRIMARY KEY,
    hash       BYTEA  NOT NULL UNIQUE,
    account    TEXT   NOT NULL,
    name       TEXT   NOT NULL,
    roles      TEXT   NOT NULL,                -- separated by blanks
    session    TEXT   NOT NULL,                -- at identity
    grant_id   TEXT   NOT NULL,                -- there too: what this sign-in hangs on
    acr        TEXT   NOT NULL,
    auth_time  BIGINT NOT NULL,
    made_at    BIGINT NOT NULL,
    checked_at BIGINT NOT NULL,                -- when identity last said who it is
    idle_until BIGINT NOT NULL,
    ends_at    BIGINT NOT NULL
);
CREATE INDEX sign_ins_by_idle ON sign_ins (idle_until);
