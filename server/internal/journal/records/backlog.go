package records

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/drmhub/drmhub/adapters/names"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// A Backlog is what the store holds of mutations that are not settled. It is the same for all
// replicas.
type Backlog struct {
	// Unsettled are the mutations that are SENT or UNKNOWN, in groups.
	Unsettled []Group
	// Due is how many mutations are due to be settled, and Overdue how late the first of them is.
	Due     int64
	Overdue time.Duration
	// Replicas is how many replicas are alive.
	Replicas int64
}

// A Group is the mutations of one vendor that are not settled for the same reason.
type Group struct {
	// Vendor is the id of the vendor, or "" if it is not one of those asked for.
	Vendor string
	// State is SENT or UNKNOWN. GivenUp means that drmhub does not settle them by itself.
	State   pb.Mutation_State
	GivenUp bool
	Count   int64
	// Age is the time since the oldest of them was sent.
	Age time.Duration
}

// Backlog returns what is not settled, by the vendors with these ids.
func (r *Records) Backlog(ctx context.Context, vendors []string) (*Backlog, error) {
	at := time.Now()
	query, values := r.backlogQuery(at, vendors)
	rows, err := r.db.Reads().QueryContext(ctx, query, values...)
	if err != nil {
		return nil, err
	}
	b := &Backlog{}
	b.Unsettled, err = scanAll(rows, func(row scanner) (g Group, err error) {
		var vendor int
		var givenUp, began int64
		err = row.Scan(&vendor, &g.State, &givenUp, &g.Count, &began)
		if vendor >= 0 {
			g.Vendor = vendors[vendor]
		}
		g.GivenUp, g.Age = givenUp == 1, max(0, at.Sub(time.UnixMicro(began)))
		return g, err
	})
	if err != nil {
		return nil, err
	}
	return b, r.readDue(ctx, at, b)
}

// backlogQuery returns the query for the groups. Its column vendor is an index of vendors, or -1.
func (r *Records) backlogQuery(at time.Time, vendors []string) (query string, values []any) {
	var vendor strings.Builder
	values = append(values, at.UnixMicro())
	for i, id := range vendors {
		prefix := names.Vendor.Name(id) + "/"
		values = append(values, prefix)
		fmt.Fprintf(&vendor, "WHEN substr(resource || '/', 1, %d) = $%d THEN %d ",
			utf8.RuneCountInString(prefix), len(values), i)
	}
	query = fmt.Sprintf(`SELECT vendor, state_now, given_up, COUNT(*), MIN(began) FROM (
			SELECT CASE WHEN 1 = 0 THEN 0 %s ELSE -1 END AS vendor, %s AS state_now,
				CASE WHEN settle_at IS NULL THEN 1 ELSE 0 END AS given_up, COALESCE(send_time, create_time) AS began
			FROM mutations WHERE %s AND state <> %d
		) AS open GROUP BY vendor, state_now, given_up`, vendor.String(), r.stateNow(), open, intended)
	return query, values
}

// readDue reads what is due to be settled, and who is alive to settle it.
func (r *Records) readDue(ctx context.Context, at time.Time, b *Backlog) error {
	var first sql.NullInt64
	query := fmt.Sprintf(`SELECT COUNT(*), MIN(settle_at), (SELECT COUNT(*) FROM replicas WHERE alive_until > $1)
		FROM mutations WHERE settle_at IS NOT NULL AND %s AND %s`, r.due, r.unowned())
	err := r.db.Reads().QueryRowContext(ctx, query, at.UnixMicro()).Scan(&b.Due, &first, &b.Replicas)
	if first.Valid {
		b.Overdue = max(0, at.Sub(time.UnixMicro(first.Int64)))
	}
	return err
}
