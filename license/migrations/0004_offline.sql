-- +goose Up

-- What signs the offline licences of a product. One signs; the next one waits for
-- programs to know it; old ones verify until they are retired, and those that were
-- stolen are revoked. The private half is sealed, and gone once it signs no more.
CREATE TABLE signing_keys (
    id       TEXT   NOT NULL PRIMARY KEY,      -- 16 hexadecimal digits, of the public half
    product  TEXT   NOT NULL REFERENCES products (id),
    state    TEXT   NOT NULL CHECK (state IN ('next', 'signing', 'old', 'retired', 'revoked')),
    public   BYTEA  NOT NULL,
    sealed   BYTEA,
    made_at  BIGINT NOT NULL,
    since_at BIGINT NOT NULL                   -- when it came into its state
);
CREATE UNIQUE INDEX signing_keys_one ON signing_keys (product, state) WHERE state IN ('next', 'signing');

-- Offline licences as they were issued. The text has no secret that opens without the
-- customer's install key or code.
CREATE TABLE licences (
    id           TEXT   NOT NULL PRIMARY KEY,
    product      TEXT   NOT NULL REFERENCES products (id),
    signing_key  TEXT   NOT NULL REFERENCES signing_keys (id),
    customer     TEXT   REFERENCES customers (id),
    company      TEXT   NOT NULL,
    contact      TEXT   NOT NULL,
    licensee_key TEXT   NOT NULL,              -- company and contact, as they are looked for
    confidential TEXT   NOT NULL,              -- id of the handshake key within; "value"; empty: nothing
    text         TEXT   NOT NULL,
    note         TEXT   NOT NULL,
    issued_at    BIGINT NOT NULL,
    expires_at   BIGINT NOT NULL,
    issued_by    TEXT   NOT NULL
);
CREATE INDEX licences_by_time ON licences (issued_at);
CREATE INDEX licences_by_product ON licences (product, issued_at);
CREATE INDEX licences_by_customer ON licences (customer);
CREATE INDEX licences_by_end ON licences (expires_at);
