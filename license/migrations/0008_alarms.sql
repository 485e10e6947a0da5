-- +goose Up

-- What somebody should look at: about a card, or about an address that guesses. What
-- goes on within a day is counted in one row.
CREATE TABLE alarms (
    id              TEXT   NOT NULL PRIMARY KEY,
    kind            TEXT   NOT NULL CHECK (kind IN ('fingerprints', 'mismatches', 'strangers', 'guesses')),
    card            TEXT   REFERENCES cards (id), -- NULL: it is about the address
    ip              TEXT   NOT NULL,              -- empty: it is about the card
    count           BIGINT NOT NULL,
    at              BIGINT NOT NULL,
    last_at         BIGINT NOT NULL,
    acknowledged_at BIGINT,                       -- NULL: nobody has looked yet
    acknowledged_by TEXT   NOT NULL
);
CREATE INDEX alarms_by_time ON alarms (at);
CREATE INDEX alarms_by_card ON alarms (card, at);
CREATE INDEX alarms_open ON alarms (at) WHERE acknowledged_at IS NULL;
