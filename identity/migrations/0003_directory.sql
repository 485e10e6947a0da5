-- +goose Up

-- How the directory is reached and what is imported: one row, once it was set up.
CREATE TABLE directory (
    id         BIGINT  NOT NULL PRIMARY KEY CHECK (id = 1),
    settings   TEXT    NOT NULL,               -- JSON
    password   BYTEA   NOT NULL,               -- of the account that reads, sealed
    version    BIGINT  NOT NULL,               -- of the settings
    tried      BIGINT  NOT NULL,               -- the version that a dry run went well with
    enabled    BOOLEAN NOT NULL,
    due_at     BIGINT  NOT NULL,               -- when the next run is
    asked      TEXT    NOT NULL CHECK (asked IN ('', 'run', 'beyond')),
    asked_by   TEXT    NOT NULL,               -- JSON: the administrator who asked
    changed_at BIGINT  NOT NULL
);

-- Who was imported. The key never changes, whatever becomes of the name.
CREATE TABLE directory_people (
    key        TEXT    NOT NULL PRIMARY KEY,   -- objectGUID in hexadecimal digits, or entryUUID
    account    TEXT UNIQUE REFERENCES accounts (id) ON DELETE SET NULL,  -- NULL: deleted here
    dn         TEXT    NOT NULL,
    email      TEXT    NOT NULL,               -- what the directory said last, and was taken over
    name       TEXT    NOT NULL,
    off        BOOLEAN NOT NULL,               -- disabled because of the directory
    link       BYTEA UNIQUE,                   -- SHA-256 of the link with which to set a first password
    link_until BIGINT
);

CREATE TABLE directory_runs (
    id         TEXT    NOT NULL PRIMARY KEY,
    started_at BIGINT  NOT NULL,
    dry        BOOLEAN NOT NULL,               -- it changed nothing
    outcome    TEXT    NOT NULL CHECK (outcome IN ('running', 'done', 'stopped', 'failed')),
    report     TEXT    NOT NULL                -- JSON
);
CREATE INDEX directory_runs_by_time ON directory_runs (started_at);

-- +goose Down
DROP TABLE directory_runs;
DROP TABLE directory_people;
DROP TABLE directory;
