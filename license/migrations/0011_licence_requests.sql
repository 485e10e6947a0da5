-- +goose Up

-- Which request a licence was issued for: its nonce. NULL: issued before this was kept.
ALTER TABLE licences ADD COLUMN request TEXT;
CREATE INDEX licences_by_request ON licences (product, request) WHERE request IS NOT NULL;
