package main

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"google.golang.org/protobuf/proto"

	"github.com/drmhub/drmhub/adapters/twin"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// pages returns all rows of a list.
func pages[Req, Res proto.Message, Row any](
	ctx context.Context, f face, token, method string, req Req, res Res, rows func(Res) []Row,
	next func(Req, Res) bool,
) (all []Row, err error) {
	for {
		proto.Reset(res)
		if _, err := f.call(ctx, token, method, req, res); err != nil {
			return nil, fmt.Errorf("%s: %w", lastSegment(method), err)
		}
		all = append(all, rows(res)...)
		if !next(req, res) {
			return all, nil
		}
	}
}

// listMutations returns the records that a caller sees.
func listMutations(ctx context.Context, f face, who *caller, filter *pb.MutationFilter) ([]*pb.Mutation, error) {
	return pages(ctx, f, who.token(), pb.MutationService_ListMutations_FullMethodName,
		&pb.ListMutationsRequest{PageSize: pageSize, Filter: filter}, &pb.ListMutationsResponse{},
		(*pb.ListMutationsResponse).GetMutations,
		func(req *pb.ListMutationsRequest, res *pb.ListMutationsResponse) bool {
			req.PageToken = res.GetNextPageToken()
			return req.GetPageToken() != ""
		})
}

// listEvents returns the audit events that a caller sees.
func listEvents(ctx context.Context, f face, who *caller) ([]*pb.AuditEvent, error) {
	return pages(ctx, f, who.token(), pb.AuditService_ListAuditEvents_FullMethodName,
		&pb.ListAuditEventsRequest{PageSize: pageSize}, &pb.ListAuditEventsResponse{},
		(*pb.ListAuditEventsResponse).GetAuditEvents,
		func(req *pb.ListAuditEventsRequest, res *pb.ListAuditEventsResponse) bool {
			req.PageToken = res.GetNextPageToken()
			return req.GetPageToken() != ""
		})
}

// compareViews checks that each caller sees exactly its records, when nothing else happens. One
// team looks over gRPC, and the other one over REST. Each caller then tries to change records of
// others.
func (c *campaign) compareViews(ctx context.Context, all []*pb.Mutation, round int) (found []discrepancy, err error) {
	admin, client := c.testbed.teams[0][0], c.clients[0]
	events, err := listEvents(ctx, client.face(0), admin)
	if err != nil {
		return nil, err
	}
	s := &spy{client: client, testbed: c.testbed, random: twin.Rand(c.Seed, "views"), recent: all}
	for team, callers := range c.testbed.teams {
		f := client.face((team + round) % 2 * len(client.conns))
		for _, who := range callers {
			if err := s.compareView(ctx, f, who, all, events); err != nil {
				return nil, err
			}
			for range 20 {
				s.touch(ctx, who, all[s.random.IntN(len(all))])
			}
		}
	}
	after, err := listMutations(ctx, client.face(0), admin, nil)
	if err != nil {
		return nil, err
	}
	before := map[string]*pb.Mutation{}
	for _, m := range all {
		before[m.GetName()] = m
	}
	for _, m := range after {
		if was := before[m.GetName()]; !proto.Equal(m, was) {
			s.leak(admin, "sees a record that somebody has changed: %s, which was %v, and is %v",
				m.GetName(), was, m)
		}
	}
	return s.leaks, nil
}

// compareView compares what one caller sees with what all records have for it.
func (s *spy) compareView(
	ctx context.Context, f face, who *caller, all []*pb.Mutation, events []*pb.AuditEvent,
) error {
	if who.has("mutations:read") {
		want, got := map[string]bool{}, map[string]bool{}
		for _, m := range all {
			if who.seesRecord(m.GetResource(), m.GetSubject()) {
				want[m.GetName()] = true
			}
		}
		shown, err := listMutations(ctx, f, who, nil)
		if err != nil {
			return err
		}
		for _, m := range shown {
			got[m.GetName()] = true
		}
		s.differ(who, want, got)
	}
	if who.has("audit:read") {
		want, got := map[string]bool{}, map[string]bool{}
		for _, e := range events {
			if who.seesRecord(e.GetResource(), e.GetSubject()) {
				want[e.GetName()] = true
			}
		}
		shown, err := listEvents(ctx, f, who)
		if err != nil {
			return err
		}
		for _, e := range shown {
			if got[e.GetName()] = true; !who.seesRecord(e.GetResource(), e.GetSubject()) {
				s.leak(who, "is shown %v", brief(e))
			}
		}
		maps.DeleteFunc(got, func(name string, _ bool) bool { return !want[name] }) // newer events
		s.differ(who, want, got)
	}
	return nil
}

// differ reports the difference between what a caller must see and what it sees.
func (s *spy) differ(who *caller, want, got map[string]bool) {
	if maps.Equal(want, got) {
		return
	}
	maps.DeleteFunc(got, func(name string, _ bool) bool { ok := want[name]; delete(want, name); return ok })
	first := func(names map[string]bool) []string {
		sorted := slices.Sorted(maps.Keys(names))
		return sorted[:min(5, len(sorted))]
	}
	s.leak(who, "sees %d records too many, such as %q, and lacks %d, such as %q", len(got), first(got),
		len(want), first(want))
}

// strangers returns the records that belong to no op of any round.
func (c *campaign) strangers(j *judge) (found []discrepancy) {
	for _, o := range j.ops {
		c.known[o.key()] = true
	}
	for key, m := range j.records {
		if !c.known[key] {
			found = append(found, discrepancy{misreported, methodOf(m), "no op has this record: " + brief(m)})
		}
	}
	c.result.refused, c.result.denied = c.testbed.refused, c.testbed.denied
	return found
}
