-- +goose Up

-- Which account at the vendor a mutation was made at. The configuration can give the id of a vendor to another account, and that one cannot say what became of the mutation. NULL: not known.
ALTER TABLE mutations ADD COLUMN account TEXT;

-- +goose Down
ALTER TABLE mutations DROP COLUMN account;
