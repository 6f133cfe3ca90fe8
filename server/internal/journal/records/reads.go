package records

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/auth"
	"github.com/drmhub/drmhub/server/internal/store"
)

const byRequestID = " FROM mutations WHERE subject = $2 AND request_id = $3"

// Get returns a mutation, or ErrNotFound.
func (r *Records) Get(ctx context.Context, id string) (*Mutation, error) {
	m, err := scan(r.db.Reads().QueryRowContext(ctx, "SELECT "+r.columns()+" FROM mutations WHERE id = $2", now(), id))
	if errors.Is(err, sql.ErrNoRows) {
		return nil, ErrNotFound
	}
	return m, unreadable(err)
}

// Find returns the mutation of a caller's request_id; nil if there is no such mutation.
func (r *Records) Find(ctx context.Context, subject, requestID string) (*Mutation, error) {
	m, err := scan(r.db.Reads().QueryRowContext(ctx, "SELECT "+r.columns()+byRequestID, now(), subject, requestID))
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	return m, unreadable(err)
}

// Knows reports whether a caller's request_id is known. It reads on the write connection, because a
// read replica may lag behind.
func (r *Records) Knows(ctx context.Context, subject, requestID string) (known bool, err error) {
	const query = "SELECT EXISTS (SELECT 1 FROM mutations WHERE subject = $1 AND request_id = $2)"
	err = r.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		return tx.QueryRowContext(ctx, query, subject, requestID).Scan(&known)
	})
	return known, Unwritable(err)
}

// Unowned reports whether no living replica runs a mutation. What it reads may be late, so only
// Claim proves it.
func (r *Records) Unowned(ctx context.Context, id string) (unowned bool, err error) {
	query := "SELECT EXISTS (SELECT 1 FROM mutations WHERE id = $2 AND " + r.unowned() + ")"
	err = r.db.Reads().QueryRowContext(ctx, query, now(), id).Scan(&unowned)
	return unowned, unreadable(err)
}

// List returns the mutations in a view that match a filter, newest first. It begins behind the id
// after, or at the newest one.
func (r *Records) List(
	ctx context.Context, view auth.RecordView, f *pb.MutationFilter, after string, limit int,
) ([]*Mutation, error) {
	for _, text := range []string{f.GetMethod(), f.GetResource(), f.GetSubject(), f.GetRequestId()} {
		if strings.Contains(text, "\x00") { // PostgreSQL stores no such text, and refuses to compare it.
			return nil, nil
		}
	}
	query, values := r.listQuery(view, f, after, limit)
	rows, err := r.db.Reads().QueryContext(ctx, query, values...)
	if err != nil {
		return nil, unreadable(err)
	}
	all, err := scanAll(rows, scan)
	return all, unreadable(err)
}

// listQuery returns the query of List, and its values.
func (r *Records) listQuery(
	view auth.RecordView, f *pb.MutationFilter, after string, limit int,
) (query string, values []any) {
	values = []any{now()}
	bind := func(value any) string {
		values = append(values, value)
		return fmt.Sprintf("$%d", len(values))
	}
	conditions := []string{view.Condition(bind)}
	where := func(condition string, value any) { conditions = append(conditions, condition+bind(value)) }
	if after != "" {
		where("id < ", after)
	}
	if f.GetState() != pb.Mutation_STATE_UNSPECIFIED {
		conditions = append(conditions, r.isNow(f.GetState()))
	}
	if f.GetMethod() != "" {
		where("method = ", strings.TrimPrefix(f.GetMethod(), "/"))
	}
	if f.GetResource() != "" {
		where("resource = ", f.GetResource())
	}
	if f.GetSubject() != "" {
		where("subject = ", f.GetSubject())
	}
	if f.GetRequestId() != "" {
		where("request_id = ", strings.ToLower(f.GetRequestId()))
	}
	values = append(values, limit)
	return fmt.Sprintf("SELECT %s FROM mutations WHERE %s ORDER BY id DESC LIMIT $%d",
		r.columns(), strings.Join(conditions, " AND "), len(values)), values
}

// Steps returns the steps of a mutation, in the order in which they began.
func (r *Records) Steps(ctx context.Context, id string) ([]*Step, error) {
	all, err := steps(ctx, r.db.Reads(), id)
	return all, unreadable(err)
}

// Due is a mutation that is to be settled.
type Due struct{ ID, resource string }

// Vendor returns the resource name of the vendor of the mutation.
func (d Due) Vendor() string { return vendorOf(d.resource) }

func vendorOf(resource string) string {
	segments := strings.SplitN(resource, "/", 3)
	return strings.Join(segments[:min(2, len(segments))], "/")
}

// Due returns the mutations that are to be settled and that nobody runs, the longest overdue first.
// It leaves out those of the vendors with these names.
func (r *Records) Due(ctx context.Context, without []string, limit int) ([]Due, error) {
	query, values := r.dueQuery(without, limit)
	rows, err := r.db.Reads().QueryContext(ctx, query, values...)
	if err != nil {
		return nil, err
	}
	return scanAll(rows, func(row scanner) (d Due, err error) {
		err = row.Scan(&d.ID, &d.resource)
		return d, err
	})
}

// dueQuery asks for what Due returns. Without "IS NOT NULL", SQLite would not use the index of the
// mutations that are to be settled, and would read all mutations again and again.
func (r *Records) dueQuery(without []string, limit int) (query string, values []any) {
	query = "SELECT id, resource FROM mutations WHERE settle_at IS NOT NULL AND " + r.due + " AND " + r.unowned()
	values = []any{now()}
	for _, vendor := range without {
		values = append(values, vendor+"/")
		query += fmt.Sprintf(" AND substr(resource || '/', 1, %d) <> $%d",
			utf8.RuneCountInString(vendor+"/"), len(values))
	}
	values = append(values, limit)
	return query + fmt.Sprintf(" ORDER BY settle_at LIMIT $%d", len(values)), values
}
