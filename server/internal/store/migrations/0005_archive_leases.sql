-- +goose Up

-- Which replica makes the passes that keep the archive of a site up to date. The replica changes renewals again and again. Another one takes the lease over when renewals stays the same for a while.
CREATE TABLE archive_leases (
    site     TEXT   NOT NULL PRIMARY KEY,
    owner    TEXT   NOT NULL,
    renewals BIGINT NOT NULL
);

-- +goose Down
DROP TABLE archive_leases;
