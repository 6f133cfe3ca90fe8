package pallycon

import (
	"context"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/drmhub/drmhub/adapters/apierror"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// A changeRequest asks for a change of one service of a site. It finds its own change again as the
// latest one of the service:
//
//   - If PallyCon showed a change before, the own change is another one of the same type.
//   - If PallyCon said that there was none, the own change is any one of the same type.
//   - Otherwise an older change may only have been hidden. So the own change is one of the same
//     type that was not made before the call.
type changeRequest struct {
	adapter             *Adapter
	siteID, serviceCode string
	kind                pb.StatusChange_Type
	message             string
	// before is what PallyCon showed before. Without a name, it is a noChange.
	before  *pb.StatusChange
	refused bool // PallyCon refused the request in this run
}

// noChange returns the record of a service that shows no change. If there may be one, its
// create_time is when the call began, by the later of both clocks. Its vendor_state is how PallyCon
// refused to show a change.
func (l *latestChange) noChange(now time.Time) *pb.StatusChange {
	if !l.unsure {
		return &pb.StatusChange{}
	}
	if l.sent.After(now) {
		now = l.sent
	}
	return &pb.StatusChange{CreateTime: timestamppb.New(now.Truncate(time.Second)), VendorState: l.refusal}
}

// farAhead is how far reg_dt may be ahead of this machine's clock. If it is further ahead, one of
// both clocks is wrong, or reg_dt is not in UTC. It then says nothing about when the change was
// made.
const farAhead = 2 * time.Hour

// arrived returns the change that the request made, if PallyCon shows it. It returns an error if
// what PallyCon shows does not prove whether the request arrived.
func (r *changeRequest) arrived(ctx context.Context) ([]*pb.StatusChange, error) {
	shown, err := r.adapter.latest(ctx, r.siteID, r.serviceCode)
	if err != nil {
		return nil, err
	}
	latest := shown.change(r.adapter, r.siteID, r.serviceCode)
	hadNone := r.before.GetName() == ""
	switch {
	case shown.row == nil && hadNone && (r.refused || r.before.GetVendorState()+shown.refusal == ""):
		return nil, nil
	case shown.row == nil:
		return nil, unproven("PallyCon shows no change of the service at the moment%s", because(shown.refusal))
	case hadNone && latest.GetType() == r.kind:
		return r.ifNotOlder(latest)
	case hadNone && r.before.GetVendorState() != "" && !r.refused:
		return nil, unproven("before the call, PallyCon refused to show a change%s, and now shows one of another type",
			because(r.before.GetVendorState()))
	case latest.GetType() != r.kind:
		return nil, nil
	}
	return []*pb.StatusChange{latest}, nil
}

// ifNotOlder returns a change of the same type, unless it may have been made before the call.
func (r *changeRequest) ifNotOlder(latest *pb.StatusChange) ([]*pb.StatusChange, error) {
	began, made := r.before.GetCreateTime(), latest.GetCreateTime()
	switch {
	case began == nil: // there was no change
	case made != nil && made.AsTime().Before(began.AsTime()) && r.refused:
		return nil, nil
	case made == nil, made.AsTime().Before(began.AsTime()), made.AsTime().After(time.Now().Add(farAhead)):
		return nil, unproven("PallyCon shows %s, and its reg_dt does not prove that this call made it",
			latest.GetName())
	}
	return []*pb.StatusChange{latest}, nil
}

func because(refusal string) string {
	if refusal == "" {
		return ""
	}
	return " (" + refusal + ")"
}

func unproven(format string, args ...any) error {
	return apierror.OutcomeUnknown(format+": check PallyCon's console", args...)
}
