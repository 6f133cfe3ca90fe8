package telecomx

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/mutation"
	"github.com/drmhub/drmhub/adapters/names"
	"github.com/drmhub/drmhub/adapters/upstream"
	"github.com/drmhub/drmhub/adapters/upstream/jsonx"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// A removal is the response to the removal of a device. Expires is when TelecomX frees the slot of
// the device, if it does so later.
type removal struct {
	Success *bool      `json:"success"`
	Expires jsonx.Time `json:"expires"`
}

// DeleteDrmAccountDevice calls "DELETE /iptv/device/ID". That call takes no account, so drmhub
// first looks the device up in its account.
//
// A lost request is read back from the account, which then lacks the device. Its release time is
// unknown then.
func (a *Adapter) DeleteDrmAccountDevice(
	ctx context.Context, req *pb.DeleteDrmAccountDeviceRequest,
) (*pb.DrmAccountDevice, error) {
	ids, err := names.DrmAccountDevice.IDs(req.GetName())
	if err != nil {
		return nil, apierror.Invalid("name", "%v", err)
	}
	username, id := ids[1], ids[2]
	device, err := mutation.Snapshot(ctx, "before", func(ctx context.Context) (*pb.DrmAccountDevice, error) {
		held, err := a.findDevice(ctx, username, id)
		if err == nil && held == nil {
			err = apierror.NotFound("the TelecomX account %q has no device %q", username, id)
		}
		return held, err
	})
	if err != nil {
		return nil, err
	}
	gone := func(ctx context.Context) (bool, error) {
		held, err := a.findDevice(ctx, username, id)
		return err == nil && held == nil, err
	}
	return mutation.Do(ctx, mutation.Write[*pb.DrmAccountDevice]{
		Step: "delete",
		Send: func(ctx context.Context, attempt mutation.Attempt) (*pb.DrmAccountDevice, error) {
			w := &writing{words: removalRefused, resent: attempt.Resend, took: gone}
			removed, err := a.removeDevice(ctx, device, w, req.GetForce())
			if errors.Is(err, errTook) || w.resent && removedBefore(err) {
				return device, nil
			}
			return removed, err
		},
		ReadBack: func(ctx context.Context) (*pb.DrmAccountDevice, bool, error) {
			took, err := gone(ctx)
			return device, took, err
		},
		Preview: func() *pb.DrmAccountDevice { return device },
	})
}

// findDevice returns a device of an account, or nil. It fails if there is no such account.
func (a *Adapter) findDevice(ctx context.Context, username, id string) (*pb.DrmAccountDevice, error) {
	row, err := a.findAccount(ctx, username)
	switch {
	case err != nil:
		return nil, err
	case row == nil || row.Value.Username != username:
		return nil, noAccount(username)
	}
	held := row.Value.Devices
	switch {
	case held.misfit != nil:
		return nil, row.res.Complete(unreadable(row.Row, held.misfit))
	case int(held.count) != len(held.rows):
		return nil, row.res.Complete(contradiction("an account has a number of devices instead of the devices"))
	}
	var nameless *jsonx.Misfit
	for _, d := range held.rows {
		switch d.Value.id() {
		case id:
			return a.device(username, d.Value), nil
		case "": // it may be the wanted device
			nameless = deviceMisfit(d)
		}
	}
	if nameless != nil {
		return nil, row.res.Complete(unreadable(row.Row, nameless))
	}
	return nil, nil
}

func (a *Adapter) removeDevice(
	ctx context.Context, device *pb.DrmAccountDevice, w *writing, force bool,
) (*pb.DrmAccountDevice, error) {
	req := upstream.Request{Method: http.MethodDelete, Path: "/iptv/device" + upstream.Path(device.GetDeviceId())}
	if force {
		req.Query = url.Values{"force": {"true"}}
	}
	response := &answer[removal]{}
	res, err := a.write(ctx, req, w, response)
	expires := response.Value.Expires
	switch {
	case err != nil:
		return nil, err
	case response.refused:
		return nil, response.refusal(res, w.words)
	case response.Value.Success == nil:
		return nil, res.Complete(apierror.OutcomeUnknown("Outcome unknown: TelecomX does not say whether it " +
			"removed the device. Retry with the same request_id."))
	}
	removed := proto.CloneOf(device)
	if at, err := expires.In(time.UTC); err == nil && at.IsZero() {
		return removed, nil
	}
	if removed.ReleaseTime = instant(expires.Text); removed.GetReleaseTime() == nil {
		return nil, res.Complete(apierror.OutcomeUnknown("TelecomX removed the device but returned an unreadable " +
			"release time. Retry with the same request_id."))
	}
	return removed, nil
}

// removedBefore reports whether a refusal says that an earlier attempt may have removed the device.
func removedBefore(err error) bool {
	return err != nil && (says(err, saysDeleted) || says(err, saysID) && apierror.Convert(err).Code == codes.NotFound)
}
