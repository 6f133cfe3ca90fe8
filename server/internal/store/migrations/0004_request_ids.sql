-- +goose Up

-- Operators look for a request_id without knowing who called. Without this index, that would read all mutations.
CREATE INDEX mutations_with_request_id ON mutations (request_id, id) WHERE request_id IS NOT NULL;

-- +goose Down
DROP INDEX mutations_with_request_id;
