-- +goose Up

-- The newest certificate revocation list of each name. number is the last one
-- given out, so that numbers only grow, whatever becomes of a list (RFC 5280,
-- section 5.2.3); published is that of the list that stands here.
CREATE TABLE crls (
    name        TEXT   NOT NULL PRIMARY KEY,
    number      BIGINT NOT NULL,
    published   BIGINT NOT NULL,
    upto_seq    BIGINT NOT NULL,           -- the last revocation it takes account of
    entries     BIGINT NOT NULL,
    this_update BIGINT NOT NULL,
    next_update BIGINT NOT NULL,
    der         BYTEA  NOT NULL,
    CHECK (published <= number)
);

-- +goose Down
DROP TABLE crls;
