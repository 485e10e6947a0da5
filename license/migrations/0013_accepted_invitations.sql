-- +goose Up

-- The account that accepted it; NULL: none did. It is kept until the link is over, so that
-- the account that opens the link again is led to what is its own.
ALTER TABLE invitations ADD COLUMN accepted_by TEXT;
