-- +goose Up

-- When the call of a write had ended at the latest, with an answer or without. What was sent before this column was there had ended within a minute.
ALTER TABLE steps ADD COLUMN over_time BIGINT;
UPDATE steps SET over_time = send_time + 60000000;

-- +goose Down
ALTER TABLE steps DROP COLUMN over_time;
