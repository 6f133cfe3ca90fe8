package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/drmhub/drmhub/adapters/apierror"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/contract"
)

// TestTheRequestOfACommandLine says which request each command line means.
func TestTheRequestOfACommandLine(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "secret")
	if err := os.WriteFile(file, []byte("pa,ss word\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		line, in, want string // want is the request as JSON
	}{
		{"sites list", "", `{"parent":"vendors/-"}`},
		{"licenses list", "", `{"parent":"vendors/-/sites/-"}`},
		{"licenses list vendors/v/sites/s --status failure --drm-type=WIDEVINE --user-id u", "",
			`{"parent":"vendors/v/sites/s","filter":{"status":"FAILURE","drmType":"WIDEVINE","userId":"u"}}`},
		{"licenses list --start-time 2026-01-31T18:00:00+09:00", "",
			`{"parent":"vendors/-/sites/-","filter":{"startTime":"2026-01-31T09:00:00Z"}}`},
		{"sites update vendors/v/sites/s --display-name New", "",
			`{"site":{"name":"vendors/v/sites/s","displayName":"New"},"updateMask":"displayName"}`},
		{"sites update vendors/v/sites/s --display-name=", "",
			`{"site":{"name":"vendors/v/sites/s"},"updateMask":"displayName"}`},
		{"sites update vendors/v/sites/s --json - --policy-id 7", `{"displayName":"A","state":"READY","policyId":"1"}`,
			`{"site":{"name":"vendors/v/sites/s","displayName":"A","state":"READY","policyId":"7"},
				"updateMask":"displayName,policyId"}`},
		{"sites update vendors/v/sites/s --policy-id 7 --update-mask policyId,display_name", "",
			`{"site":{"name":"vendors/v/sites/s","policyId":"7"},"updateMask":"policyId,displayName"}`},
		{"integration update vendors/v/sites/s/integration --token-duration 15m", "",
			`{"integration":{"name":"vendors/v/sites/s/integration","tokenDuration":"900s"},
				"updateMask":"tokenDuration"}`},
		{"drm-accounts create vendors/v --username tester --password @" + file, "",
			`{"parent":"vendors/v","drmAccount":{"username":"tester","password":"pa,ss word"}}`},
		{"product-licenses create --parent vendors/v --renewal-recurring=false --user u", "",
			`{"parent":"vendors/v","productLicense":{"user":"u","renewal":{"recurring":false}}}`},
		{"product-licenses batch-delete vendors/v --names a,b --names c", "",
			`{"parent":"vendors/v","names":["a,b","c"]}`},
		{`product-licenses batch-create vendors/v --requests {"productLicense":{"user":"u"}}`, "",
			`{"parent":"vendors/v","requests":[{"productLicense":{"user":"u"}}]}`},
		{"sites disable vendors/v/sites/s --json -", `{"message":"m","validateOnly":true}`,
			`{"name":"vendors/v/sites/s","message":"m","validateOnly":true}`},
		{"devices delete vendors/v/drmAccounts/a/devices/d --force", "",
			`{"name":"vendors/v/drmAccounts/a/devices/d","force":true}`},
	} {
		found, args, err := tree().Find(strings.Split(c.line, " "))
		if err != nil {
			t.Fatal(err)
		}
		r := &command{rpc: contract.Lookup(found.Annotations[annotation])}
		cmd := &cobra.Command{}
		cmd.SetIn(strings.NewReader(c.in))
		r.addFlags(cmd)
		var got proto.Message
		if err = cmd.ParseFlags(args); err == nil {
			got, err = r.request(cmd, cmd.Flags().Args())
		}
		want := r.rpc.NewRequest()
		if bad := protojson.Unmarshal([]byte(c.want), want); bad != nil {
			t.Fatal(bad)
		}
		if err != nil || !proto.Equal(got, want) {
			t.Errorf("%s: %v\nmeans %v\nwant  %v", c.line, err, got, want)
		}
	}
}

func TestParseTime(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for text, want := range map[string]string{
		"90m": "2026-03-01T10:30:00Z", "24h": "2026-02-28T12:00:00Z", "7d": "2026-02-22T12:00:00Z",
		"2026-01-31T18:00:00Z": "2026-01-31T18:00:00Z", "0s": "2026-03-01T12:00:00Z",
		"": "", "soon": "", "-5m": "", "2026-01-31": "", "9999999999d": "",
	} {
		at, err := parseTime(text, now)
		if got := at.UTC().Format(time.RFC3339); (err != nil) != (want == "") || err == nil && got != want {
			t.Errorf("%q: %s, %v, want %q", text, got, err, want)
		}
	}
}

// TestFresh says which rows of a look are new.
func TestFresh(t *testing.T) {
	base := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	row := func(second int, user string) *pb.License {
		return &pb.License{UserId: user, CreateTime: timestamppb.New(base.Add(time.Duration(second) * time.Second))}
	}
	req := &pb.ListLicensesRequest{Filter: &pb.LicenseFilter{StartTime: timestamppb.New(base)}}
	follow := &tail{overlap: 10 * time.Second}
	for i, look := range []struct {
		rows     []*pb.License // the newest first
		complete bool
		want     string // the users of the new rows, oldest first
		begin    int    // where the next look begins, in seconds
	}{
		{[]*pb.License{row(5, "b"), row(1, "a")}, true, "a b", 0},
		{[]*pb.License{row(5, "b"), row(5, "b"), row(1, "a")}, true, "b", 0}, // an equal row
		{[]*pb.License{row(30, "d"), row(5, "b"), row(5, "b"), row(3, "late"), row(1, "a")}, true, "late d", 20},
		{nil, false, "", 20}, // a vendor could not be reached
		{[]*pb.License{row(30, "d")}, true, "", 20},
		{[]*pb.License{row(31, "e"), row(30, "d")}, true, "e", 21},
		{[]*pb.License{row(9000, "wrong"), row(32, "f"), row(31, "e"), row(30, "d")}, true, "f wrong", 22},
		{[]*pb.License{row(9000, "wrong"), row(33, "g"), row(32, "f"), row(31, "e"), row(30, "d")}, true, "g", 23},
	} {
		var users []string
		for _, l := range follow.fresh(look.rows, look.complete, req, base.Add(time.Minute)) {
			users = append(users, l.GetUserId())
		}
		begin := int(req.GetFilter().GetStartTime().AsTime().Sub(base).Seconds())
		if got := strings.Join(users, " "); got != look.want || begin != look.begin {
			t.Errorf("look %d: %q, and the next begins at %d, want %q and %d", i, got, begin, look.want, look.begin)
		}
	}
}

func TestSettled(t *testing.T) {
	soon := timestamppb.Now()
	for _, c := range []struct {
		m    *pb.Mutation
		over bool
		code int
	}{
		{&pb.Mutation{State: pb.Mutation_SUCCEEDED}, true, 0},
		{&pb.Mutation{State: pb.Mutation_FAILED}, true, ExitFailed},
		{&pb.Mutation{State: pb.Mutation_UNKNOWN}, true, ExitOutcomeUnknown},
		{&pb.Mutation{State: pb.Mutation_UNKNOWN, NextSettleTime: soon}, false, 0},
		{&pb.Mutation{State: pb.Mutation_SENT}, false, 0},
		{&pb.Mutation{State: pb.Mutation_INTENDED}, false, 0},
	} {
		err, over := settled(c.m)
		code := 0
		if err != nil {
			code = ExitCode(err)
		}
		if over != c.over || code != c.code {
			t.Errorf("%v: %t, %v", c.m, over, err)
		}
	}
}

// TestPause says which calls are repeated, and when.
func TestPause(t *testing.T) {
	refused := func(code codes.Code, reason pb.ErrorReason, wait time.Duration) error {
		e := apierror.New(code, reason, "no")
		e.RetryAfter = wait
		return e.GRPCStatus().Err()
	}
	limited := func(wait time.Duration) error {
		return refused(codes.ResourceExhausted, pb.ErrorReason_VENDOR_RATE_LIMITED, wait)
	}
	list := contract.Lookup(pb.SiteService_ListSites_FullMethodName)
	disable := contract.Lookup(pb.SiteService_DisableSite_FullMethodName)
	resend := contract.Lookup(pb.MutationService_ResendMutation_FullMethodName)
	down := refused(codes.Unavailable, pb.ErrorReason_VENDOR_UNAVAILABLE, 0)
	broken, late := status.Error(codes.Unavailable, "EOF"), status.Error(codes.DeadlineExceeded, "")
	for i, c := range []struct {
		rpc  *contract.RPC
		err  error
		try  int
		want time.Duration // 0: the call is not repeated
	}{
		{list, down, 0, firstWait}, {list, down, 2, 4 * firstWait}, {disable, down, 0, firstWait}, {resend, down, 0, 0},
		{list, broken, 0, firstWait}, {disable, broken, 0, firstWait}, {resend, broken, 0, 0},
		{list, late, 0, 0}, {disable, late, 0, firstWait}, {resend, late, 0, 0},
		{disable, limited(3 * time.Second), 0, 3 * time.Second}, {disable, limited(time.Minute), 0, 0},
		{disable, refused(codes.Aborted, pb.ErrorReason_MUTATION_IN_PROGRESS, time.Second), 0, time.Second},
		{disable, refused(codes.Unknown, pb.ErrorReason_OUTCOME_UNKNOWN, 0), 0, 0},
		{disable, refused(codes.Aborted, pb.ErrorReason_REPLACE_ROLLED_BACK, 0), 0, 0},
		{disable, refused(codes.Internal, pb.ErrorReason_INTERNAL_FAILURE, 0), 0, 0},
		{list, refused(codes.NotFound, pb.ErrorReason_RESOURCE_NOT_FOUND, 0), 0, 0},
		{disable, status.Error(codes.Unauthenticated, ""), 0, 0},
	} {
		wait, again := pause(c.rpc, c.rpc.NewRequest(), c.err, c.try)
		if again != (c.want > 0) || again && wait != c.want {
			t.Errorf("%d: %s after %v: %t, %s, want %s", i, c.rpc.Name, c.err, again, wait, c.want)
		}
	}
}
