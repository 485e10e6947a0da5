-- +goose Up

-- The start page sums what all cards were used for in the last days.
CREATE INDEX usage_by_hour ON usage (hour);
