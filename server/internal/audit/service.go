package audit

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/paging"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/auth"
	"github.com/drmhub/drmhub/server/internal/store"
)

// Service is the AuditService of a store.
type Service struct {
	pb.UnsafeAuditServiceServer
	db *store.DB
	// verifying holds the one verification that runs. It reads all events, and others need the
	// store's connections.
	verifying chan struct{}
}

var _ pb.AuditServiceServer = (*Service)(nil)

// NewService returns the AuditService of a store.
func NewService(db *store.DB) *Service { return &Service{db: db, verifying: make(chan struct{}, 1)} }

// A cursor is the last event of a page.
type cursor struct {
	Time     int64  `json:"t"` // microseconds since 1970
	Chain    string `json:"c"`
	Position int64  `json:"p"`
}

// ListAuditEvents returns the events of all chains, newest first.
func (s *Service) ListAuditEvents(
	ctx context.Context, req *pb.ListAuditEventsRequest,
) (*pb.ListAuditEventsResponse, error) {
	var after cursor
	resumed, err := paging.Resume(req, &after)
	if err != nil {
		return nil, err
	}
	query, err := chosenBy(auth.FromContext(ctx).Records(), req.GetFilter())
	if err != nil {
		return nil, err
	}
	if resumed {
		query.where("(time, chain, position) < ($%d, $%d, $%d)", after.Time, storable(after.Chain), after.Position)
	}
	size := paging.Size(req.GetPageSize())
	events, err := query.newest(ctx, s.db, size+1)
	if err != nil || ctx.Err() != nil {
		return nil, unreadable(ctx, err)
	}
	res := &pb.ListAuditEventsResponse{}
	if len(events) > size {
		events = events[:size]
		last := events[size-1]
		res.NextPageToken, err = paging.Token(req, cursor{last.Time.UnixMicro(), last.Chain, last.Position})
		if err != nil {
			return nil, err
		}
	}
	for _, e := range events {
		res.AuditEvents = append(res.AuditEvents, e.proto())
	}
	return res, nil
}

// unreadable returns the error of a call that could not read the store.
func unreadable(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return apierror.FromContext(ctx)
	}
	unavailable := apierror.New(codes.Unavailable, pb.ErrorReason_INTERNAL_FAILURE,
		"The audit database is unavailable. Retry later.")
	return errors.Join(unavailable, err)
}

// A query holds the conditions of a query for events.
type query struct {
	conditions []string
	values     []any
}

// where adds a condition. Each %d in it becomes the number of a value.
func (q *query) where(condition string, values ...any) {
	var numbers []any
	for _, v := range values {
		q.values = append(q.values, v)
		numbers = append(numbers, len(q.values))
	}
	q.conditions = append(q.conditions, fmt.Sprintf(condition, numbers...))
}

func chosenBy(view auth.RecordView, f *pb.AuditEventFilter) (*query, error) {
	q := &query{}
	q.conditions = append(q.conditions, view.Condition(func(value any) string {
		q.values = append(q.values, value)
		return fmt.Sprintf("$%d", len(q.values))
	}))
	for _, exact := range []struct{ column, value string }{
		{"subject", f.GetSubject()}, {"resource", f.GetResource()}, {"method", f.GetMethod()},
	} {
		if exact.value != "" {
			q.where(exact.column+" = $%d", storable(exact.value))
		}
	}
	for _, bound := range []struct {
		field, condition string
		at               *timestamppb.Timestamp
	}{
		{"filter.start_time", "time >= $%d", f.GetStartTime()},
		{"filter.end_time", "time < $%d", f.GetEndTime()},
	} {
		if bound.at == nil {
			continue
		}
		if err := bound.at.CheckValid(); err != nil {
			return nil, apierror.Invalid(bound.field, "must be a time between the years 1 and 9999")
		}
		// Events have whole microseconds, so a bound between two microseconds means the later one.
		q.where(bound.condition, bound.at.AsTime().Add(time.Microsecond-time.Nanosecond).UnixMicro())
	}
	return q, nil
}

// columns are the columns of an event, in the order of scan.
const columns = "chain, position, time, subject, method, resource, " +
	"request_digest, outcome, vendor_code, previous_hash, hash"

// newest returns the newest events.
func (q *query) newest(ctx context.Context, db *store.DB, limit int) (events []Event, err error) {
	text := "SELECT " + columns + " FROM audit_events"
	if len(q.conditions) > 0 {
		text += " WHERE " + strings.Join(q.conditions, " AND ")
	}
	text += fmt.Sprintf(" ORDER BY time DESC, chain DESC, position DESC LIMIT %d", limit)
	rows, err := db.Reads().QueryContext(ctx, text, q.values...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		e, err := scan(rows)
		if err != nil {
			return nil, err
		}
		events = append(events, e)
	}
	return events, rows.Err()
}

func scan(rows *sql.Rows) (e Event, err error) {
	var micros int64
	err = rows.Scan(&e.Chain, &e.Position, &micros, &e.Subject, &e.Method, &e.Resource,
		&e.RequestDigest, &e.Outcome, &e.VendorCode, &e.PreviousHash, &e.Hash)
	e.Time = time.UnixMicro(micros).UTC()
	return e, err
}

func (e Event) proto() *pb.AuditEvent {
	return &pb.AuditEvent{
		Name: e.Name(), Time: timestamppb.New(e.Time), Subject: e.Subject, Method: e.Method, Resource: e.Resource,
		RequestDigest: e.RequestDigest, Outcome: e.Outcome, VendorCode: e.VendorCode,
		PreviousHash: e.PreviousHash, Hash: e.Hash,
	}
}
