-- +goose Up

-- Counts what changed of an environment but when it was seen: whoever keeps one in memory
-- learns by it, in the statement that notes a request, that it is another by now.
ALTER TABLE environments ADD COLUMN revision BIGINT NOT NULL DEFAULT 1;
