package services

import (
	"context"
	"maps"
	"math"
	"net/http"
	"slices"
	"time"

	"google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/names"
	"github.com/drmhub/drmhub/adapters/upstream"
	"github.com/drmhub/drmhub/adapters/upstream/shape"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/auth"
	"github.com/drmhub/drmhub/server/internal/vendors"
)

// GetVendorStatus returns what this replica knows about the account. It makes no call to the
// vendor.
func (s *vendorService) GetVendorStatus(
	ctx context.Context, req *pb.GetVendorStatusRequest,
) (*pb.VendorStatus, error) {
	v, err := s.vendors.Lookup(req.GetName())
	if err != nil {
		return nil, err
	}
	res := &pb.VendorStatus{Name: names.VendorStatus.Name(v.ID)}
	if v.Account == nil {
		return res, nil
	}
	shown := statusOf{v, seesAll(auth.FromContext(ctx), v.ID)}
	shown.state(res, v.Account.Status())
	for _, seen := range v.Account.Drift() {
		res.Drift = append(res.Drift, drift(seen))
	}
	res.Canary = shown.canary(v.Account.Canary())
	return res, nil
}

// seesAll reports whether a caller may see all that a vendor account holds.
func seesAll(caller auth.Caller, vendor string) bool {
	return caller.SeesAccount(vendor) && !caller.ConfinedToCustomers()
}

// A statusOf makes the parts of the status of a vendor for one caller.
type statusOf struct {
	vendor vendors.Vendor
	all    bool // the caller may see all that the account holds
}

// state adds the breakers, the lanes and how the last calls ended.
func (s statusOf) state(res *pb.VendorStatus, now upstream.Status) {
	breakers := map[string]**pb.VendorStatus_Breaker{
		"reads": &res.ReadBreaker, "mutations": &res.ChangeBreaker,
	}
	for _, b := range now.Breakers {
		*breakers[b.Name] = &pb.VendorStatus_Breaker{State: breakerStates[b.State], ChangeTime: instant(b.Since)}
	}
	lanes := map[string]**pb.VendorStatus_Lane{
		"reads": &res.Reads, "writes": &res.Writes, "background": &res.Background,
	}
	for _, l := range now.Lanes {
		*lanes[l.Name] = lane(l)
	}
	if now.PauseLeft > 0 {
		reason := pb.ErrorReason_VENDOR_UNAVAILABLE
		if now.PauseHTTPStatus == http.StatusTooManyRequests {
			reason = pb.ErrorReason_VENDOR_RATE_LIMITED
		}
		res.Pause = &pb.VendorStatus_Pause{EndTime: instant(time.Now().Add(now.PauseLeft)), Reason: reason.String()}
	}
	if e := now.LastError; e != nil {
		res.LastFailure = &pb.VendorStatus_Failure{
			Time: instant(e.Time), Error: s.failure(apierror.New(e.Code, e.Reason, "%s", e.Message)),
		}
	}
	res.LastSuccessTime, res.CredentialRejectTime = instant(now.LastSuccess), instant(now.CredentialsRejected)
}

var breakerStates = map[string]pb.VendorStatus_Breaker_State{
	"closed":    pb.VendorStatus_Breaker_CLOSED,
	"open":      pb.VendorStatus_Breaker_OPEN,
	"half-open": pb.VendorStatus_Breaker_HALF_OPEN,
}

// lane returns a lane with the reasons for which it refused requests.
func lane(l upstream.LaneStatus) *pb.VendorStatus_Lane {
	shown := &pb.VendorStatus_Lane{Limit: int32(l.Places), Used: int32(l.Used), Waiting: int32(l.Waiting)}
	for _, reason := range slices.Sorted(maps.Keys(l.Refused)) {
		if n := l.Refused[reason]; n > 0 {
			shown.Refused = append(shown.Refused, &pb.VendorStatus_Lane_Refusals{
				Reason: string(reason), Count: int32(min(n, math.MaxInt32)),
			})
		}
	}
	return shown
}

// failure returns an error of an earlier call. Its text may name a site or a customer, which
// another caller may not see.
func (s statusOf) failure(e *apierror.Error) *status.Status {
	if !s.all {
		e = apierror.New(e.Code, e.Reason, "a call to the vendor failed. "+
			"Callers who may see the whole vendor account see more")
	}
	return e.With(apierror.Vendor, s.vendor.ID).GRPCStatus().Proto()
}

func (s statusOf) canary(c upstream.Canary) *pb.VendorStatus_Canary {
	if c.Interval == 0 {
		return nil
	}
	shown := &pb.VendorStatus_Canary{Interval: durationpb.New(c.Interval), NextTime: instant(c.Next)}
	if c.Began.IsZero() {
		return shown
	}
	shown.LastTime = instant(c.Began)
	switch {
	case c.Skipped:
		shown.Result = pb.VendorStatus_Canary_SKIPPED
		return shown
	case c.Err != nil:
		shown.Result, shown.Error = pb.VendorStatus_Canary_FAILED, s.failure(apierror.Convert(c.Err))
	default:
		shown.Result = pb.VendorStatus_Canary_OK
	}
	shown.Latency = durationpb.New(c.Latency)
	return shown
}

var driftKinds = map[shape.Kind]pb.VendorStatus_Drift_Kind{
	shape.NewField:     pb.VendorStatus_Drift_NEW_FIELD,
	shape.MissingField: pb.VendorStatus_Drift_MISSING_FIELD,
	shape.UnknownCode:  pb.VendorStatus_Drift_UNKNOWN_CODE,
	shape.UnknownWord:  pb.VendorStatus_Drift_UNKNOWN_WORD,
}

func drift(s shape.Seen) *pb.VendorStatus_Drift {
	return &pb.VendorStatus_Drift{
		Kind: driftKinds[s.Kind], Call: s.Call, Path: s.Path, Word: s.Word,
		FirstSeenTime: instant(s.First), LastSeenTime: instant(s.Last), Count: int32(min(s.Count, math.MaxInt32)),
	}
}

// instant returns a time, or nil for none.
func instant(t time.Time) *timestamppb.Timestamp {
	if t.IsZero() {
		return nil
	}
	return timestamppb.New(t)
}
