-- +goose Up

-- Operators list the mutations of a method and those of a caller, the newest first. Without these indexes, that would read all mutations.
CREATE INDEX mutations_by_method ON mutations (method, id);
CREATE INDEX mutations_by_subject ON mutations (subject, id);

-- +goose Down
DROP INDEX mutations_by_subject;
DROP INDEX mutations_by_method;
