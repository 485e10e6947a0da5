-- +goose Up

-- Public keys that were revoked as compromised: none of them is certified again.
CREATE INDEX certificates_compromised ON certificates (key_id) WHERE reason = 1;

-- +goose Down
DROP INDEX certificates_compromised;
