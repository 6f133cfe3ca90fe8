package sqldb

import (
	"context"
	"iter"
	"slices"
	"strings"
)

// Statements that read or write many rows take them in parts.
const (
	perSQLite = 64 // Each number of rows is a statement of its own there.
	// PostgreSQL takes arrays. Each statement is a way to the server and back.
	perPostgres = 10_000
)

// most is how many rows a statement takes of n. In SQLite it is a power of two, so that few texts
// of statements come up.
func (d *DB) most(n int) int {
	if d.isPostgres() {
		return min(n, perPostgres)
	}
	most := perSQLite
	for most > n {
		most /= 2
	}
	return most
}

// chunks returns the parts of a list that statements take.
func chunks[E any](d *DB, all []E) iter.Seq[[]E] {
	return func(yield func([]E) bool) {
		for len(all) > 0 {
			n := d.most(len(all))
			if !yield(all[:n]) {
				return
			}
			all = all[n:]
		}
	}
}

// source returns rows as a statement reads them, and the arguments. The rows are one after the
// other in values. types are those of the columns in PostgreSQL, which gets an array for each.
func source[E any](d *DB, values []E, types ...string) (text string, args []any) {
	if !d.isPostgres() {
		row := "(" + marks(len(types)) + "), "
		for _, v := range values {
			args = append(args, v)
		}
		return "VALUES " + strings.TrimSuffix(strings.Repeat(row, len(values)/len(types)), ", "), args
	}
	for i := range types {
		column := make([]E, 0, len(values)/len(types))
		for at := i; at < len(values); at += len(types) {
			column = append(column, values[at])
		}
		args = append(args, column)
	}
	return "SELECT * FROM unnest(?::" + strings.Join(types, "[], ?::") + "[])", args
}

// among returns the condition that a column is one of some values, and the arguments. kind is the
// type of the column in PostgreSQL.
func (d *DB) among(column, kind string, values []any) (condition string, args []any) {
	if d.isPostgres() {
		return column + " = ANY (?::" + kind + "[])", []any{values}
	}
	return column + " IN (" + marks(len(values)) + ")", values
}

// marks returns n parameters.
func marks(n int) string { return strings.TrimSuffix(strings.Repeat("?, ", n), ", ") }

// numbersOf returns the types of n columns of numbers.
func numbersOf(n int) []string { return slices.Repeat([]string{"BIGINT"}, n) }

// insert inserts rows of numbers, one after the other in values. tail follows the rows in the
// statement. each gets the columns that tail returns, or is nil.
func (tx *tx) insert(
	ctx context.Context, into string, columns int, values []int64, tail string, each func([]int64),
) error {
	tx.written += len(values) / columns
	insert := "INSERT INTO "
	if !tx.db.isPostgres() {
		insert = "INSERT OR ROLLBACK INTO " // SQLite keeps no journal for the statement alone.
	}
	for len(values) > 0 {
		n := columns * tx.db.most(len(values)/columns)
		rows, args := source(tx.db, values[:n], numbersOf(columns)...)
		values = values[n:]
		if err := tx.run(ctx, insert+into+" "+rows+" "+tail, args, each); err != nil {
			return err
		}
	}
	return nil
}

func (tx *tx) run(ctx context.Context, query string, args []any, each func([]int64)) error {
	if each == nil {
		_, err := tx.exec(ctx, query, args...)
		return err
	}
	return tx.ints(ctx, query, args, each)
}
