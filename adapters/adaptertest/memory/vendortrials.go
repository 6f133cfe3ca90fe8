package memory

import (
	"context"

	"google.golang.org/protobuf/proto"

	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// Trial is the latest request to extend a site's trial, or nil.
func (v *Vendor) Trial(ctx context.Context, siteID string) (*pb.StatusChange, error) {
	return readingOf(ctx, v, siteID, func() *pb.StatusChange { return proto.CloneOf(v.trials[siteID]) })
}

// AskForTrial asks for an extension of a site's trial, in place of what was asked before.
func (v *Vendor) AskForTrial(ctx context.Context, siteID, message string) (asked *pb.StatusChange, err error) {
	return asked, v.write(ctx, func() error {
		if v.site(siteID) == nil {
			return &Failure{Code: noSuchSite}
		}
		v.trials[siteID] = &pb.StatusChange{Name: v.id(), Service: pb.Site_DRM, Type: pb.StatusChange_EXTEND_TRIAL, State: pb.StatusChange_PENDING, Message: message}
		asked = proto.CloneOf(v.trials[siteID])
		return nil
	})
}

// CancelTrial takes the request for an extension back.
func (v *Vendor) CancelTrial(ctx context.Context, siteID string) (canceled *pb.StatusChange, err error) {
	return canceled, v.write(ctx, func() error {
		latest := v.trials[siteID]
		switch {
		case latest == nil:
			return &Failure{Code: noSuchThing}
		case latest.GetState() == pb.StatusChange_APPROVED:
			return &Failure{Code: tooLate}
		}
		latest.State = pb.StatusChange_CANCELLED
		canceled = proto.CloneOf(latest)
		return nil
	})
}

// Approve approves the request for an extension, as somebody at the vendor would.
func (v *Vendor) Approve(siteID string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.trials[siteID].State = pb.StatusChange_APPROVED
}
