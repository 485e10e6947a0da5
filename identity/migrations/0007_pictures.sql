-- +goose Up

-- The picture of an account, a small JPEG; its name changes with it.
CREATE TABLE pictures (
    account TEXT  NOT NULL PRIMARY KEY REFERENCES accounts (id) ON DELETE CASCADE,
    name    TEXT  NOT NULL UNIQUE,
    image   BYTEA NOT NULL
);

-- +goose Down
DROP TABLE pictures;
