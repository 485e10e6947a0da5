-- +goose Up

-- Processes that follow the revocations, and until when each may still rely on
-- the last head that was sent to it. Times are microseconds since 1970 UTC.
CREATE TABLE feed_subscribers (
    instance    TEXT   NOT NULL PRIMARY KEY, -- the process's own secret mark
    service     TEXT   NOT NULL,             -- the name that it came under last
    acked       BIGINT NOT NULL,
    lease_until BIGINT NOT NULL
);

-- +goose Down
DROP TABLE feed_subscribers;
