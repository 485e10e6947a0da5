-- +goose Up
CREATE TABLE jobs (
    id          TEXT PRIMARY KEY,
    kind        TEXT NOT NULL,
    unique_key  TEXT,
    payload     TEXT NOT NULL,
    state       TEXT NOT NULL CHECK (state IN ('waiting', 'running', 'done', 'dead')),
    -- waiting: not before; running: when the lease ends; done, dead: when it ended
    due_at      BIGINT NOT NULL,
    attempt     BIGINT NOT NULL CHECK (attempt >= 0),
    owner       TEXT NOT NULL,
    -- enqueued once more while it ran
    again       BOOLEAN NOT NULL,
    error       TEXT NOT NULL,
    enqueued_at BIGINT NOT NULL,
    CHECK ((state = 'running') = (owner <> ''))
);
CREATE UNIQUE INDEX jobs_unfinished ON jobs (kind, unique_key) WHERE state IN ('waiting', 'running');
CREATE INDEX jobs_due ON jobs (kind, due_at) WHERE state IN ('waiting', 'running');
CREATE INDEX jobs_ended ON jobs (state, due_at) WHERE state IN ('done', 'dead');
