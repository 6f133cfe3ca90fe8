package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"regexp"
	"strings"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/drmhub/drmhub/adapters/twin"
	"github.com/drmhub/drmhub/bench/internal/issuer"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// recordName is the name of a record within a text.
var recordName = regexp.MustCompile(`mutations/[0-9A-Za-z-]+`)

// A spy looks at other callers' records, and tries to change them, while the ops are under way.
type spy struct {
	*client
	testbed *testbed
	random  *rand.Rand
	recent  []*pb.Mutation // of all callers
	broad   string         // an admin's page token
	denied  string         // the text of all refusals
	leaks   []discrepancy
}

// spy looks until ctx ends, and returns what no caller may see or do.
func (c *campaign) spy(ctx context.Context, seed uint64) []discrepancy {
	s := &spy{client: c.clients[0], testbed: c.testbed, random: twin.Rand(seed, "spy")}
	for ctx.Err() == nil {
		who := s.testbed.everyone()[s.random.IntN(len(s.testbed.everyone()))]
		s.once(ctx, who)
		select {
		case <-time.After(time.Duration(s.random.IntN(20)) * time.Millisecond):
		case <-ctx.Done():
		}
	}
	return s.leaks
}

func (s *spy) once(ctx context.Context, who *caller) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	switch which := s.random.IntN(8); {
	case which == 0 || len(s.recent) == 0:
		s.refresh(ctx)
	case which == 1:
		s.listMutations(ctx, who)
	case which == 2:
		s.listEvents(ctx, who)
	default:
		s.touch(ctx, who, s.recent[s.random.IntN(len(s.recent))])
	}
}

func (s *spy) leak(who *caller, format string, args ...any) {
	s.leaks = append(s.leaks, discrepancy{leaked, "(records)", who.subject + " " + fmt.Sprintf(format, args...)})
}

// anyFace returns a face of any replica.
func (s *spy) anyFace() face { return s.face(s.random.IntN(2 * len(s.conns))) }

// refresh reads the last records as an admin.
func (s *spy) refresh(ctx context.Context) {
	res := &pb.ListMutationsResponse{}
	req := &pb.ListMutationsRequest{PageSize: 60}
	token := s.testbed.teams[0][0].token()
	if _, err := s.anyFace().call(ctx, token, pb.MutationService_ListMutations_FullMethodName, req, res); err == nil {
		s.recent, s.broad = res.GetMutations(), res.GetNextPageToken()
	}
}

// may checks that a call is refused exactly if the caller lacks what it needs. It reports whether
// the call has a result.
func (s *spy) may(who *caller, allowed bool, what string, err error) bool {
	if allowed {
		if code := status.Code(err); code == codes.PermissionDenied || code == codes.Unauthenticated {
			s.leak(who, "may %s, and got %v", what, err)
		}
		return err == nil
	}
	refused, sure := wasRefused(err, codes.PermissionDenied)
	if !sure {
		return false
	}
	s.testbed.count(&s.testbed.denied)
	text := status.Convert(err).Message()
	switch {
	case !refused:
		s.leak(who, "may not %s, and got %v", what, err)
	case s.denied != "" && text != s.denied:
		s.leak(who, "is refused with another text than others: %q, %q", text, s.denied)
	}
	s.denied = text
	return false
}

// listMutations reads a page, at times with the page token of a caller who sees more.
func (s *spy) listMutations(ctx context.Context, who *caller) {
	res := &pb.ListMutationsResponse{}
	req := &pb.ListMutationsRequest{PageSize: 60}
	switch s.random.IntN(3) {
	case 0:
		req.PageToken = s.broad
	case 1:
		m := s.recent[s.random.IntN(len(s.recent))]
		req.Filter = &pb.MutationFilter{Subject: m.GetSubject(), RequestId: m.GetRequestId()}
	}
	_, err := s.anyFace().call(ctx, who.token(), pb.MutationService_ListMutations_FullMethodName, req, res)
	if !s.may(who, who.has("mutations:read"), "list mutations", err) {
		return
	}
	for _, m := range res.GetMutations() {
		if !who.seesRecord(m.GetResource(), m.GetSubject()) {
			s.leak(who, "is shown %v", brief(m))
		}
	}
}

// listEvents reads a page of the audit trail.
func (s *spy) listEvents(ctx context.Context, who *caller) {
	res := &pb.ListAuditEventsResponse{}
	req := &pb.ListAuditEventsRequest{PageSize: 60}
	_, err := s.anyFace().call(ctx, who.token(), pb.AuditService_ListAuditEvents_FullMethodName, req, res)
	if !s.may(who, who.has("audit:read"), "list audit events", err) {
		return
	}
	for _, e := range res.GetAuditEvents() {
		if !who.seesRecord(e.GetResource(), e.GetSubject()) {
			s.leak(who, "is shown %v", brief(e))
		}
	}
}

// touch gets a record, settles it or sends it again. Who may settle it only asks to read it back.
func (s *spy) touch(ctx context.Context, who *caller, m *pb.Mutation) {
	res := &pb.Mutation{}
	if s.random.IntN(4) == 0 {
		req := &pb.GetMutationRequest{Name: m.GetName()}
		_, err := s.anyFace().call(ctx, who.token(), pb.MutationService_GetMutation_FullMethodName, req, res)
		sees := who.has("mutations:read") && who.seesRecord(m.GetResource(), m.GetSubject())
		if s.may(who, sees, "get "+brief(m), err) && res.GetSubject() != m.GetSubject() {
			s.leak(who, "got another subject of %s: %s", brief(m), res.GetSubject())
		}
		return
	}
	method, req := s.change(m)
	token, want := who.token(), codes.PermissionDenied
	switch {
	case s.random.IntN(6) == 0:
		token = idp().Token("EdDSA", who.subject, -time.Minute, issuer.Claims{"roles": "admin"})
		want = codes.Unauthenticated
	case who.maySettle(m):
		if _, asks := req.(*pb.SettleMutationRequest); asks {
			req = &pb.SettleMutationRequest{Name: m.GetName()} // which gives nothing up
			_, err := s.anyFace().call(ctx, token, method, req, res)
			s.may(who, true, "settle "+brief(m), err)
		}
		return
	}
	_, err := s.anyFace().call(ctx, token, method, req, res)
	what := fmt.Sprintf("%s {%v} of %s", lastSegment(method), req, brief(m))
	if want == codes.PermissionDenied {
		s.may(who, false, what, err)
	} else if refused, sure := wasRefused(err, want); sure && !refused {
		s.leak(who, "may not %s without a valid token, and got %v", what, err)
	}
}

// change returns a call that would change a record.
func (s *spy) change(m *pb.Mutation) (method string, req proto.Message) {
	switch s.random.IntN(4) {
	case 0:
		return pb.MutationService_SettleMutation_FullMethodName, &pb.SettleMutationRequest{Name: m.GetName()}
	case 1:
		req := &pb.SettleMutationRequest{Name: m.GetName(), GiveUp: true}
		return pb.MutationService_SettleMutation_FullMethodName, req
	case 2:
		req := &pb.ResendMutationRequest{Name: m.GetName(), ValidateOnly: true}
		return pb.MutationService_ResendMutation_FullMethodName, req
	}
	return pb.MutationService_ResendMutation_FullMethodName, &pb.ResendMutationRequest{Name: m.GetName()}
}

// judgeTold finds names of records that an op's caller was told and may not see, and the subjects
// of others.
func (j *judge) judgeTold(o *op) {
	for _, text := range o.errors {
		for _, name := range recordName.FindAllString(text, -1) {
			if m := j.names[name]; m != nil && !o.caller.seesRecord(m.GetResource(), m.GetSubject()) {
				j.say(leaked, o, "its caller was told of %s: %s", brief(m), text)
			}
		}
		for _, other := range j.testbed.everyone() {
			if other != o.caller && strings.Contains(text, other.subject) {
				j.say(leaked, o, "its caller was told of %s: %s", other.subject, text)
			}
		}
	}
}
