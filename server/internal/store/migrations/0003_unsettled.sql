-- +goose Up

-- The metrics count the mutations that are SENT or UNKNOWN. Without this index, they would read all mutations.
CREATE INDEX mutations_unsettled ON mutations (state) WHERE state IN (2, 5);

-- +goose Down
DROP INDEX mutations_unsettled;
