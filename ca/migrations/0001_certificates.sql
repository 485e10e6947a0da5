-- +goose Up

-- The authority's own keys. A sealed key opens with the key of seal.key, the
-- root's with a passphrase (sealed_by = 'passphrase').
CREATE TABLE keys (
    name        TEXT   NOT NULL PRIMARY KEY CHECK (name IN ('root', 'issuing', 'status', 'audit')),
    certificate BYTEA,
    sealed      BYTEA  NOT NULL,
    sealed_by   TEXT   NOT NULL,
    made_at     BIGINT NOT NULL
);

-- Times are microseconds since 1970 UTC. A row is never deleted.
CREATE TABLE certificates (
    id          TEXT    NOT NULL PRIMARY KEY,
    serial      TEXT    NOT NULL UNIQUE,
    profile     TEXT    NOT NULL,
    common_name TEXT    NOT NULL,
    sans        TEXT    NOT NULL,          -- JSON array of "dns:shop.example.com"
    search      TEXT    NOT NULL,          -- lower case; what ?q= looks into
    key_type    TEXT    NOT NULL,
    key_id      TEXT    NOT NULL,          -- SHA-256 of the public key, hex
    key_made    BOOLEAN NOT NULL,          -- the authority made the private key
    requester   TEXT    NOT NULL,
    issued_at   BIGINT  NOT NULL,
    not_before  BIGINT  NOT NULL,
    not_after   BIGINT  NOT NULL,
    renew_at    BIGINT  NOT NULL,          -- from here on it counts as expiring
    renews      TEXT,                      -- id of the predecessor
    renewed_by  TEXT,                      -- id of the successor
    revoked_at  BIGINT,
    reason      BIGINT,                    -- RFC 5280, section 5.3.1
    der         BYTEA   NOT NULL,
    sealed_key  BYTEA,
    warned      BIGINT,                    -- microseconds before the end at which the last warning was due
    CHECK (not_after > not_before),
    CHECK ((revoked_at IS NULL) = (reason IS NULL))
);

-- The list in its usual order, and the search, read this index alone.
CREATE INDEX certificates_by_issue ON certificates (issued_at, id, search);
CREATE INDEX certificates_by_end ON certificates (not_after, id);
CREATE INDEX certificates_by_name ON certificates (common_name, id);
CREATE INDEX certificates_by_profile ON certificates (profile, issued_at, id);
CREATE INDEX certificates_revoked ON certificates (revoked_at, id) WHERE revoked_at IS NOT NULL;

-- What was revoked, in order and without gaps: the revocation lists and the
-- peers' feed are made of it. Rows are only ever added.
CREATE TABLE revocations (
    seq        BIGINT NOT NULL PRIMARY KEY,
    serial     TEXT   NOT NULL UNIQUE,
    issuer     TEXT   NOT NULL CHECK (issuer IN ('issuing', 'root')),
    profile    TEXT   NOT NULL,
    reason     BIGINT NOT NULL,
    revoked_at BIGINT NOT NULL,
    not_after  BIGINT NOT NULL
);
CREATE INDEX revocations_by_end ON revocations (not_after);

-- A token's text is not stored, only its hash.
CREATE TABLE join_tokens (
    id           TEXT   NOT NULL PRIMARY KEY,
    hash         BYTEA  NOT NULL,
    service      TEXT   NOT NULL,
    made_by      TEXT   NOT NULL,
    made_at      BIGINT NOT NULL,
    expires_at   BIGINT NOT NULL,
    used_at      BIGINT,
    used_for     TEXT,                     -- serial of the certificate it gave
    withdrawn_at BIGINT,
    withdrawn_by TEXT
);
CREATE INDEX join_tokens_by_time ON join_tokens (made_at, id);

-- +goose Down
DROP TABLE join_tokens;
DROP TABLE revocations;
DROP TABLE certificates;
DROP TABLE keys;
