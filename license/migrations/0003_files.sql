-- +goose Up

-- The contents of files, which package blob keeps. wanted_at is when an upload last said
-- that it needs the content; nothing that was wanted within a day is removed.
CREATE TABLE blobs (
    sha256      TEXT   NOT NULL PRIMARY KEY,   -- 64 hexadecimal digits
    size        BIGINT NOT NULL,               -- in bytes
    wanted_at   BIGINT NOT NULL,
    removing_at BIGINT                         -- its content is being removed; NULL: it stays
);

-- The files of releases. What was removed stays as a row, for the downloads that name it,
-- and keeps its content for a day, so that a backup that has the row has the content.
CREATE TABLE release_files (
    id         TEXT   NOT NULL PRIMARY KEY,
    release    TEXT   NOT NULL REFERENCES releases (id),
    name       TEXT   NOT NULL,
    sha256     TEXT   NOT NULL,
    size       BIGINT NOT NULL,
    media_type TEXT   NOT NULL,
    note       TEXT   NOT NULL,
    made_at    BIGINT NOT NULL,
    removed_at BIGINT
);
CREATE UNIQUE INDEX release_files_by_name ON release_files (release, name) WHERE removed_at IS NULL;
CREATE INDEX release_files_by_content ON release_files (sha256);
