-- +goose Up

-- The kind "kit": the shared key in kits, which is good until it is ended by hand. A
-- check cannot be changed in SQLite, so the table is made anew.
CREATE TABLE transport_keys_with_kits (
    id      TEXT   NOT NULL PRIMARY KEY,       -- 16 hexadecimal digits
    product TEXT   NOT NULL REFERENCES products (id),
    kind    TEXT   NOT NULL CHECK (kind IN ('root', 'answer', 'hpke', 'psk', 'kit')),
    public  BYTEA  NOT NULL,                   -- empty for psk and kit
    sealed  BYTEA  NOT NULL,
    from_at BIGINT NOT NULL,
    to_at   BIGINT,                            -- NULL: until it is ended by hand
    made_at BIGINT NOT NULL
);
INSERT INTO transport_keys_with_kits (id, product, kind, public, sealed, from_at, to_at, made_at)
    SELECT id, product, kind, public, sealed, from_at, to_at, made_at FROM transport_keys;
DROP TABLE transport_keys;
ALTER TABLE transport_keys_with_kits RENAME TO transport_keys;
CREATE INDEX transport_keys_by_product ON transport_keys (product, kind, from_at);
