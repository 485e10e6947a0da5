-- +goose Up

-- Functions that customers' programs call by name, and that run on the server. Policies
-- name them too, and may do it before there is one.
CREATE TABLE functions (
    id           TEXT    NOT NULL PRIMARY KEY,
    product      TEXT    NOT NULL REFERENCES products (id),
    name         TEXT    NOT NULL,
    note         TEXT    NOT NULL,
    current      BIGINT  NOT NULL,             -- the version that runs
    last         BIGINT  NOT NULL,             -- the number of the last upload: none comes twice
    enabled      BOOLEAN NOT NULL,
    time_ms      BIGINT  NOT NULL,
    memory_mib   BIGINT  NOT NULL,
    output_bytes BIGINT  NOT NULL,
    made_at      BIGINT  NOT NULL,
    UNIQUE (product, name)
);

CREATE TABLE function_versions (
    function TEXT   NOT NULL REFERENCES functions (id) ON DELETE CASCADE,
    version  BIGINT NOT NULL,                  -- counts from 1
    hash     BYTEA  NOT NULL,                  -- SHA-256 of the module
    module   BYTEA  NOT NULL,
    size     BIGINT NOT NULL,
    note     TEXT   NOT NULL,
    made_by  TEXT   NOT NULL,
    made_at  BIGINT NOT NULL,
    PRIMARY KEY (function, version)
);

-- The last calls that failed, with what the function wrote to its log: for the vendor.
CREATE TABLE function_failures (
    id       TEXT   NOT NULL PRIMARY KEY,
    function TEXT   NOT NULL REFERENCES functions (id) ON DELETE CASCADE,
    version  BIGINT NOT NULL,
    card     TEXT   NOT NULL,
    code     TEXT   NOT NULL,
    exit     BIGINT NOT NULL,
    took_us  BIGINT NOT NULL,
    cause    TEXT   NOT NULL,
    log      TEXT   NOT NULL,
    at       BIGINT NOT NULL
);
CREATE INDEX function_failures_by_time ON function_failures (function, at);
