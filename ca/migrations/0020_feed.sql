-- +goose Up

-- Processes that follow the revocations, and until when each may still rely on
-- the last head that was sent to it. Times are microseconds since 1970 UTC.
CREATE TABLE feed_subscribers (
    service     TEXT   NOT NULL,
    instance    TEXT   NOT NULL,
    acked       BIGINT NOT NULL,
    lease_until BIGINT NOT NULL,
    PRIMARY KEY (service, instance)
);

-- +goose Down
DROP TABLE feed_subscribers;
