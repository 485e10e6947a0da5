-- +goose Up
CREATE TABLE audit_entries (
	seq         BIGINT PRIMARY KEY CHECK (seq >= 0),
	at          BIGINT NOT NULL,
	actor       TEXT NOT NULL,
	action      TEXT NOT NULL,
	subject     TEXT NOT NULL,
	from_ip     TEXT NOT NULL,
	-- TEXT, not JSONB: the very bytes are hashed.
	detail      TEXT NOT NULL,
	leaf_hash   BYTEA NOT NULL,
	-- The hashes of the subtrees that this row completes, lowest level first.
	tree_hashes BYTEA NOT NULL,
	seal        BYTEA NOT NULL
);
CREATE INDEX audit_entries_subject ON audit_entries (subject, seq);
CREATE INDEX audit_entries_action ON audit_entries (action, seq);
CREATE INDEX audit_entries_actor ON audit_entries (actor, seq);

CREATE TABLE audit_head (
	id   BIGINT PRIMARY KEY CHECK (id = 1),
	size BIGINT NOT NULL CHECK (size >= 0),
	-- The hashes of the complete subtrees, largest first: all that the next
	-- row's hashes are made from.
	edge BYTEA NOT NULL,
	note TEXT NOT NULL
);

-- +goose Down
DROP TABLE audit_head;
DROP TABLE audit_entries;
