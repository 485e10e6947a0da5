-- +goose Up
-- few jobs fail, and administrators look for these among all
CREATE INDEX jobs_failed ON jobs (kind, enqueued_at) WHERE error <> '';
