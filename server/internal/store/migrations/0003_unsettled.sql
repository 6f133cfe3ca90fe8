-- +goose Up

-- The metrics count the mutations that are not settled, and operators list them. The numbers are INTENDED, SENT and UNKNOWN. Without this index, both would read all mutations.
CREATE INDEX mutations_open ON mutations (id) WHERE state IN (1, 2, 5);

-- Operators list what failed, too.
CREATE INDEX mutations_failed ON mutations (id) WHERE state = 4;

-- What was settled long ago is deleted in small steps, the oldest first.
CREATE INDEX mutations_by_settle_time ON mutations (settle_time) WHERE settle_time IS NOT NULL;

-- +goose Down
DROP INDEX mutations_by_settle_time;
DROP INDEX mutations_failed;
DROP INDEX mutations_open;
