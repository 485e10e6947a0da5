-- +goose Up

-- Times are microseconds since 1970 UTC. An e-mail's key is what makes two
-- spellings one address: the lower case of its NFKC form.
CREATE TABLE accounts (
    id              TEXT    NOT NULL PRIMARY KEY,
    email           TEXT    NOT NULL,          -- as typed
    email_key       TEXT    NOT NULL UNIQUE,
    name            TEXT    NOT NULL,
    language        TEXT    NOT NULL,
    theme           TEXT    NOT NULL,
    password        TEXT    NOT NULL,          -- PHC string
    password_set_at BIGINT  NOT NULL,
    must_change     BOOLEAN NOT NULL,
    state           TEXT    NOT NULL CHECK (state IN ('active', 'disabled')),
    created_at      BIGINT  NOT NULL,
    disabled_at     BIGINT
);

-- A row is one challenge: a code goes by letter to an address, and is worth
-- something only together with the row's id, which the browser that asked has.
-- A row without a hash has no code (yet, or ever).
CREATE TABLE codes (
    id         TEXT   NOT NULL PRIMARY KEY,
    purpose    TEXT   NOT NULL CHECK (purpose IN ('register', 'reset', 'email')),
    account    TEXT,                           -- NULL: there was none with the address
    email      TEXT   NOT NULL,
    email_key  TEXT   NOT NULL,
    language   TEXT   NOT NULL,                -- of the letter
    data       BYTEA,                          -- sealed
    hash       BYTEA,                          -- HMAC of the code
    tries      BIGINT NOT NULL,
    made_at    BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    sent_at    BIGINT,                         -- when the last letter was asked for
    wanted     BIGINT NOT NULL,                -- letters asked for
    letters    BIGINT NOT NULL,                -- letters dealt with
    used_at    BIGINT
);
CREATE INDEX codes_by_email ON codes (email_key, made_at);
CREATE INDEX codes_by_account ON codes (account);
CREATE INDEX codes_by_time ON codes (made_at);

-- Failures since the last success, by what is guessed and by who guesses. The
-- keys are hashes.
CREATE TABLE attempts (
    key           TEXT   NOT NULL PRIMARY KEY,
    failures      BIGINT NOT NULL,
    blocked_until BIGINT NOT NULL,
    updated_at    BIGINT NOT NULL
);
CREATE INDEX attempts_by_time ON attempts (updated_at);

-- A session's token is not stored, only its hash.
CREATE TABLE sessions (
    id               TEXT   NOT NULL PRIMARY KEY,
    account          TEXT   NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    hash             BYTEA  NOT NULL UNIQUE,
    level            BIGINT NOT NULL,
    methods          TEXT   NOT NULL,
    made_at          BIGINT NOT NULL,
    seen_at          BIGINT NOT NULL,
    authenticated_at BIGINT NOT NULL,
    idle_until       BIGINT NOT NULL,
    ends_at          BIGINT NOT NULL,
    user_agent       TEXT   NOT NULL,
    from_ip          TEXT   NOT NULL,
    ended_at         BIGINT
);
CREATE INDEX sessions_by_account ON sessions (account, made_at);
CREATE INDEX sessions_by_end ON sessions (ends_at);

CREATE TABLE totp (
    account      TEXT   NOT NULL PRIMARY KEY REFERENCES accounts (id) ON DELETE CASCADE,
    secret       BYTEA  NOT NULL,              -- sealed
    confirmed_at BIGINT,
    last_step    BIGINT NOT NULL               -- the newest time step that was used
);

CREATE TABLE recovery_codes (
    account TEXT   NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    hash    BYTEA  NOT NULL,
    used_at BIGINT,
    PRIMARY KEY (account, hash)
);

CREATE TABLE passkeys (
    id            TEXT   NOT NULL PRIMARY KEY,
    account       TEXT   NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    credential_id BYTEA  NOT NULL UNIQUE,
    credential    TEXT   NOT NULL,             -- JSON
    name          TEXT   NOT NULL,
    made_at       BIGINT NOT NULL,
    used_at       BIGINT
);
CREATE INDEX passkeys_by_account ON passkeys (account, made_at);

-- +goose Down
DROP TABLE passkeys;
DROP TABLE recovery_codes;
DROP TABLE totp;
DROP TABLE sessions;
DROP TABLE attempts;
DROP TABLE codes;
DROP TABLE accounts;
