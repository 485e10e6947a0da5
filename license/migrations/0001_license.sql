-- +goose Up

-- Times are microseconds since 1970 UTC, except where a column says hours.
-- A product's code stands in what clients send and sign, so it never changes.
CREATE TABLE products (
    id      TEXT   NOT NULL PRIMARY KEY,
    code    TEXT   NOT NULL UNIQUE,
    name    TEXT   NOT NULL,
    note    TEXT   NOT NULL,
    made_at BIGINT NOT NULL
);

CREATE TABLE releases (
    id      TEXT   NOT NULL PRIMARY KEY,
    product TEXT   NOT NULL REFERENCES products (id),
    version TEXT   NOT NULL,
    note    TEXT   NOT NULL,
    made_at BIGINT NOT NULL,
    UNIQUE (product, version)
);

-- What decrypts a release's core data. One without retired_at is given to those who
-- name none; the others go on for data that was encrypted under them.
CREATE TABLE handshake_keys (
    id         TEXT   NOT NULL PRIMARY KEY,
    release    TEXT   NOT NULL REFERENCES releases (id),
    sealed     BYTEA  NOT NULL,
    made_at    BIGINT NOT NULL,
    retired_at BIGINT
);
CREATE UNIQUE INDEX handshake_keys_current ON handshake_keys (release) WHERE retired_at IS NULL;

CREATE TABLE policies (
    id         TEXT   NOT NULL PRIMARY KEY,
    product    TEXT   NOT NULL REFERENCES products (id),
    name       TEXT   NOT NULL,
    name_key   TEXT   NOT NULL,                -- what makes two spellings one name
    body       TEXT   NOT NULL,                -- JSON: package policy
    revision   BIGINT NOT NULL,
    made_at    BIGINT NOT NULL,
    changed_at BIGINT NOT NULL,
    UNIQUE (product, name_key)
);

CREATE TABLE customers (
    id       TEXT   NOT NULL PRIMARY KEY,
    name     TEXT   NOT NULL,
    name_key TEXT   NOT NULL UNIQUE,
    email    TEXT   NOT NULL,                  -- empty: none
    note     TEXT   NOT NULL,
    made_at  BIGINT NOT NULL
);

CREATE TABLE batches (
    id          TEXT   NOT NULL PRIMARY KEY,
    product     TEXT   NOT NULL REFERENCES products (id),
    policy      TEXT   NOT NULL REFERENCES policies (id),
    customer    TEXT   REFERENCES customers (id),
    days        BIGINT,
    ends_at     BIGINT,
    note        TEXT   NOT NULL,
    wanted      BIGINT NOT NULL,
    made        BIGINT NOT NULL,               -- how many of them there are
    made_by     TEXT   NOT NULL,
    made_at     BIGINT NOT NULL,
    exported_at BIGINT
);
CREATE INDEX batches_by_time ON batches (made_at);

-- The plain card keys of a batch, sealed, until they are exported: then the rows go.
CREATE TABLE batch_keys (
    batch  TEXT   NOT NULL REFERENCES batches (id),
    first  BIGINT NOT NULL,                    -- number of the first key in the row
    sealed BYTEA  NOT NULL,
    PRIMARY KEY (batch, first)
);

-- A card's key is not stored, only its SHA-256. That a card has expired is told by
-- expires_at, not by its state.
CREATE TABLE cards (
    id           TEXT   NOT NULL PRIMARY KEY,
    hash         BYTEA  NOT NULL UNIQUE,
    prefix       TEXT   NOT NULL,              -- the key's first characters, for people
    product      TEXT   NOT NULL REFERENCES products (id),
    policy       TEXT   NOT NULL REFERENCES policies (id),
    batch        TEXT   REFERENCES batches (id),
    customer     TEXT   REFERENCES customers (id),
    note         TEXT   NOT NULL,
    state        TEXT   NOT NULL CHECK (state IN ('new', 'active', 'suspended', 'revoked')),
    days         BIGINT,                       -- from the first use; NULL: ends_at, or what the policy says
    ends_at      BIGINT,
    activated_at BIGINT,
    expires_at   BIGINT,                       -- since it was activated
    made_at      BIGINT NOT NULL,
    deleted_at   BIGINT,                       -- in the recycle bin
    revision     BIGINT NOT NULL
);
CREATE INDEX cards_by_time ON cards (made_at);
CREATE INDEX cards_by_batch ON cards (batch);
CREATE INDEX cards_by_customer ON cards (customer);
CREATE INDEX cards_by_end ON cards (expires_at);
CREATE INDEX cards_by_prefix ON cards (prefix);
CREATE INDEX cards_by_product ON cards (product, made_at);

-- One card serves one environment, and an environment holds one card: the index
-- keeps a second one out, whoever writes at the same moment.
CREATE TABLE environments (
    id            TEXT   NOT NULL PRIMARY KEY, -- 32 characters
    card          TEXT   NOT NULL REFERENCES cards (id),
    fingerprint   TEXT   NOT NULL,             -- JSON: digests by component
    ip            TEXT   NOT NULL,
    sign_key      BYTEA,                       -- Ed25519: proves possession
    seal_key      BYTEA,                       -- X25519: handshake keys are sealed to it
    bound_at      BIGINT NOT NULL,
    seen_at       BIGINT NOT NULL,
    last_call     TEXT   NOT NULL,
    last_function TEXT   NOT NULL,
    unbound_at    BIGINT,
    unbound_why   TEXT   NOT NULL
);
CREATE UNIQUE INDEX environments_bound ON environments (card) WHERE unbound_at IS NULL;
CREATE INDEX environments_by_card ON environments (card, bound_at);
CREATE INDEX environments_by_ip ON environments (ip);

-- What happened to a card: its time line. The detail is JSON; of a mismatch it is
-- everything that was sent.
CREATE TABLE events (
    id          TEXT   NOT NULL PRIMARY KEY,
    card        TEXT   NOT NULL REFERENCES cards (id),
    environment TEXT,
    kind        TEXT   NOT NULL,
    ip          TEXT   NOT NULL,
    at          BIGINT NOT NULL,
    detail      TEXT   NOT NULL
);
CREATE INDEX events_by_card ON events (card, at);
CREATE INDEX events_by_kind ON events (kind, at);

-- How often a card was used for what, by the hour: an accepted request is counted
-- where it would be a row else.
CREATE TABLE usage (
    card     TEXT   NOT NULL REFERENCES cards (id),
    hour     BIGINT NOT NULL,                  -- hours since 1970 UTC
    call     TEXT   NOT NULL,
    function TEXT   NOT NULL,
    count    BIGINT NOT NULL,
    PRIMARY KEY (card, hour, call, function)
);

-- The machines that have had a trial of a product, by a component.
CREATE TABLE trials (
    product TEXT   NOT NULL REFERENCES products (id),
    digest  TEXT   NOT NULL,
    card    TEXT   NOT NULL REFERENCES cards (id),
    PRIMARY KEY (product, digest)
);

-- What seals requests and signs answers. The private half is sealed.
CREATE TABLE transport_keys (
    id      TEXT   NOT NULL PRIMARY KEY,       -- 16 hexadecimal digits
    product TEXT   NOT NULL REFERENCES products (id),
    kind    TEXT   NOT NULL CHECK (kind IN ('root', 'answer', 'hpke', 'psk')),
    public  BYTEA  NOT NULL,                   -- empty for psk
    sealed  BYTEA  NOT NULL,
    from_at BIGINT NOT NULL,
    to_at   BIGINT,                            -- NULL: until it is replaced
    made_at BIGINT NOT NULL
);
CREATE INDEX transport_keys_by_product ON transport_keys (product, kind, from_at);

-- Sealed requests that were answered: none is answered twice.
CREATE TABLE replays (
    id       BYTEA  NOT NULL PRIMARY KEY,
    until_at BIGINT NOT NULL
);
CREATE INDEX replays_by_time ON replays (until_at);
