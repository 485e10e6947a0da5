-- +goose Up

-- Keys that sign tokens. A key is announced before it signs, and stays
-- published until the last token that it signed is over.
CREATE TABLE signing_keys (
    id          TEXT   NOT NULL PRIMARY KEY,   -- "kid" of RFC 7517
    algorithm   TEXT   NOT NULL CHECK (algorithm IN ('ES256', 'EdDSA', 'RS256')),
    private     BYTEA  NOT NULL,               -- PKCS #8, sealed
    public      TEXT   NOT NULL,               -- JWK
    made_at     BIGINT NOT NULL,
    active_from BIGINT NOT NULL,               -- signs from here on
    active_to   BIGINT,                        -- NULL: until another follows
    gone_at     BIGINT                         -- leaves the published set
);
CREATE INDEX signing_keys_by_algorithm ON signing_keys (algorithm, active_from);

-- Applications: OAuth 2.0 clients.
CREATE TABLE clients (
    id         TEXT   NOT NULL PRIMARY KEY,
    name       TEXT   NOT NULL,
    search     TEXT   NOT NULL,                -- id and name in lower case
    state      TEXT   NOT NULL CHECK (state IN ('active', 'disabled')),
    metadata   TEXT   NOT NULL,                -- JSON, named as in RFC 7591
    made_at    BIGINT NOT NULL,
    changed_at BIGINT NOT NULL
);
CREATE INDEX clients_by_name ON clients (name, id);

-- A secret is a random number of 256 bit, so its SHA-256 keeps it.
CREATE TABLE client_secrets (
    id         TEXT   NOT NULL PRIMARY KEY,
    client     TEXT   NOT NULL REFERENCES clients (id) ON DELETE CASCADE,
    hash       BYTEA  NOT NULL,
    made_at    BIGINT NOT NULL,
    expires_at BIGINT                          -- NULL: until it is replaced
);
CREATE INDEX client_secrets_by_client ON client_secrets (client, made_at);

-- Authorization requests that were pushed (RFC 9126) or wait for their person.
CREATE TABLE authorization_requests (
    id         TEXT   NOT NULL PRIMARY KEY,
    client     TEXT   NOT NULL REFERENCES clients (id) ON DELETE CASCADE,
    pushed     BOOLEAN NOT NULL,
    data       TEXT   NOT NULL,                -- JSON
    made_at    BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    used_at    BIGINT
);
CREATE INDEX authorization_requests_by_end ON authorization_requests (expires_at);

-- What a person allowed an application, for the next time it asks.
CREATE TABLE consents (
    account    TEXT   NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    client     TEXT   NOT NULL REFERENCES clients (id) ON DELETE CASCADE,
    scopes     TEXT   NOT NULL,
    made_at    BIGINT NOT NULL,
    changed_at BIGINT NOT NULL,
    PRIMARY KEY (account, client)
);
CREATE INDEX consents_by_client ON consents (client);

-- A grant is what one sign-in allowed one application; all tokens that follow
-- from it are its family. Tokens of client credentials have none.
CREATE TABLE grants (
    id         TEXT    NOT NULL PRIMARY KEY,
    account    TEXT    NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    client     TEXT    NOT NULL REFERENCES clients (id) ON DELETE CASCADE,
    session    TEXT,                           -- NULL: begun without a browser
    offline    BOOLEAN NOT NULL,               -- lives on when the session ends
    scopes     TEXT    NOT NULL,
    data       TEXT    NOT NULL,               -- JSON: nonce, acr, amr, audiences ...
    made_at    BIGINT  NOT NULL,
    ends_at    BIGINT  NOT NULL,
    revoked_at BIGINT
);
CREATE INDEX grants_by_account ON grants (account, client);
CREATE INDEX grants_by_session ON grants (session) WHERE session IS NOT NULL;
CREATE INDEX grants_by_client ON grants (client);
CREATE INDEX grants_by_end ON grants (ends_at);

-- Codes are kept as hashes, the used ones as long as their grant, so that a
-- second use is noticed.
CREATE TABLE authorization_codes (
    hash         BYTEA  NOT NULL PRIMARY KEY,
    grant_id     TEXT   NOT NULL REFERENCES grants (id) ON DELETE CASCADE,
    redirect_uri TEXT   NOT NULL,
    given_uri    BOOLEAN NOT NULL,             -- redirect_uri was in the request
    challenge    TEXT   NOT NULL,              -- of PKCE, S256; empty: none
    expires_at   BIGINT NOT NULL,
    used_at      BIGINT
);
CREATE INDEX authorization_codes_by_grant ON authorization_codes (grant_id);

-- All refresh tokens of a grant are one row: they share their first half, so that
-- one that was replaced is known although nothing is kept of it.
CREATE TABLE refresh_tokens (
    family     BYTEA  NOT NULL PRIMARY KEY,    -- SHA-256 of that half
    grant_id   TEXT   NOT NULL REFERENCES grants (id) ON DELETE CASCADE,
    token      BYTEA  NOT NULL,                -- SHA-256 of the one that is good
    sealed     BYTEA  NOT NULL,                -- that one, for the grace window
    replaced   BYTEA  NOT NULL,                -- hashes and times of those before it in the window
    expires_at BIGINT NOT NULL
);
CREATE INDEX refresh_tokens_by_grant ON refresh_tokens (grant_id);
CREATE INDEX refresh_tokens_by_end ON refresh_tokens (expires_at);

-- Device authorization requests (RFC 8628).
CREATE TABLE device_codes (
    hash       BYTEA  NOT NULL PRIMARY KEY,
    user_hash  BYTEA  NOT NULL UNIQUE,         -- of the code that a person types
    client     TEXT   NOT NULL REFERENCES clients (id) ON DELETE CASCADE,
    account    TEXT REFERENCES accounts (id) ON DELETE CASCADE,  -- who decided
    data       TEXT   NOT NULL,                -- JSON: scopes, audiences, how it was shown who decided
    state      TEXT   NOT NULL CHECK (state IN ('pending', 'approved', 'denied', 'used')),
    spacing    BIGINT NOT NULL,                -- between polls
    polled_at  BIGINT NOT NULL,
    made_at    BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX device_codes_by_client ON device_codes (client, expires_at);
CREATE INDEX device_codes_by_account ON device_codes (account) WHERE account IS NOT NULL;
CREATE INDEX device_codes_by_end ON device_codes (expires_at);

-- What may be presented once: ids of DPoP proofs and of client assertions.
CREATE TABLE replays (
    hash       BYTEA  NOT NULL PRIMARY KEY,
    expires_at BIGINT NOT NULL
);
CREATE INDEX replays_by_end ON replays (expires_at);

-- What was revoked before its time, in this order: what the services follow.
CREATE TABLE revocations (
    seq        BIGINT NOT NULL PRIMARY KEY,
    kind       TEXT   NOT NULL CHECK (kind IN ('token', 'grant', 'session', 'account', 'client')),
    subject    TEXT   NOT NULL,
    made_at    BIGINT NOT NULL,                -- revokes what was issued until here
    expires_at BIGINT NOT NULL                 -- when the last such token is over
);
CREATE INDEX revocations_by_subject ON revocations (kind, subject);
CREATE INDEX revocations_by_end ON revocations (expires_at);

-- +goose Down
DROP TABLE revocations;
DROP TABLE replays;
DROP TABLE device_codes;
DROP TABLE refresh_tokens;
DROP TABLE authorization_codes;
DROP TABLE grants;
DROP TABLE consents;
DROP TABLE authorization_requests;
DROP TABLE client_secrets;
DROP TABLE clients;
DROP TABLE signing_keys;
