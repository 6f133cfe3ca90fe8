package adaptertest_test

import (
	"context"
	"fmt"
	"sync/atomic"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	"github.com/drmhub/drmhub/adapters/adaptertest/memory"
	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/mutation"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// A disabling is a DisableSite, by the parts that can go wrong.
type disabling struct {
	*call
	req    *pb.DisableSiteRequest
	step   string
	before func(context.Context) (*pb.Site, error)
	send   func(context.Context) (*pb.StatusChange, error)
	check  func(context.Context) (*pb.StatusChange, bool, error)
}

// disables is a bug of a DisableSite in which parts are replaced.
func disables(replace func(*disabling)) bug {
	return instead(func(c *call, req *pb.DisableSiteRequest) (proto.Message, error) {
		d := &disabling{call: c, req: req, step: "switch off"}
		d.before = func(ctx context.Context) (*pb.Site, error) { return mutation.Snapshot(ctx, "before", d.read) }
		d.send = d.write
		d.check = func(ctx context.Context) (*pb.StatusChange, bool, error) {
			site, err := d.read(ctx)
			return applied(site), !site.GetEnabled(), err
		}
		replace(d)
		return d.run(c.ctx)
	})
}

func (d *disabling) run(ctx context.Context) (*pb.StatusChange, error) {
	if d.req.GetService() > pb.Site_DRM {
		return nil, apierror.Invalid("service", "must be DRM")
	}
	before, err := d.before(ctx)
	if err != nil {
		return nil, err
	}
	if !before.GetEnabled() {
		return applied(before), nil
	}
	return mutation.Do(ctx, mutation.Write[*pb.StatusChange]{
		Step:     d.step,
		Send:     func(ctx context.Context, _ mutation.Attempt) (*pb.StatusChange, error) { return d.send(ctx) },
		ReadBack: d.check,
		Preview:  func() *pb.StatusChange { return applied(&pb.Site{Name: d.req.GetName()}) },
	})
}

func (d *disabling) read(ctx context.Context) (*pb.Site, error) {
	return d.GetSite(ctx, &pb.GetSiteRequest{Name: d.req.GetName()})
}

func (d *disabling) write(ctx context.Context) (*pb.StatusChange, error) {
	if err := turnOff(ctx, d.vendor, d.req.GetName()); err != nil {
		return nil, err
	}
	return readsBack(ctx, d)
}

func turnOff(ctx context.Context, v *vendor, site string) error {
	return v.Sites.Change(ctx, site, func(s *pb.Site) error { memory.Turn(s, false); return nil })
}

func applied(site *pb.Site) *pb.StatusChange {
	return &pb.StatusChange{
		Site: site.GetName(), Service: pb.Site_DRM, Type: pb.StatusChange_SUSPEND,
		State: pb.StatusChange_APPLIED, AppliedSite: site,
	}
}

// onError is a bug that does something else if the write fails.
func onError(then func(ctx context.Context, d *disabling) (*pb.StatusChange, error)) bug {
	return disables(func(d *disabling) {
		d.send = func(ctx context.Context) (*pb.StatusChange, error) {
			res, err := d.write(ctx)
			if err == nil || mutation.IsDryRun(err) {
				return res, err
			}
			return then(ctx, d)
		}
	})
}

// readsBack takes what the vendor shows for the outcome.
func readsBack(ctx context.Context, d *disabling) (*pb.StatusChange, error) {
	site, err := d.read(ctx)
	return applied(site), err
}

// neverLooks takes the site for one that is on.
func neverLooks(d *disabling) {
	d.before = func(ctx context.Context) (*pb.Site, error) {
		site, err := mutation.Snapshot(ctx, "before", d.read)
		if err == nil {
			site.Enabled = true
		}
		return site, err
	}
}

// namesNoStep gives every run a step of its own.
func namesNoStep(b *bugged) {
	var runs atomic.Int32
	disables(func(d *disabling) {
		neverLooks(d)
		d.step = fmt.Sprintf("switch off %d", runs.Add(1))
	})(b)
}

// outside writes in a mutation of its own.
func outside(c *call, req *pb.DisableSiteRequest) (proto.Message, error) {
	d := &disabling{call: c, req: req, step: "switch off"}
	return mutation.Do(withoutLog(c.ctx), mutation.Write[*pb.StatusChange]{
		Send: func(ctx context.Context, _ mutation.Attempt) (*pb.StatusChange, error) { return d.write(ctx) },
	})
}

// changes is a bug that changes the response of DisableSite.
func changes(damage func(*pb.StatusChange)) bug {
	return on("DisableSite", showing(func(_, res proto.Message) { damage(res.(*pb.StatusChange)) }))
}

var disableBugs = bugs{
	"DisableSite takes effect once, and returns the outcome": {
		"sends nothing": disables(func(d *disabling) {
			d.send = func(context.Context) (*pb.StatusChange, error) {
				return applied(&pb.Site{Name: d.req.GetName()}), nil
			}
		}),
		"sends twice": disables(func(d *disabling) {
			d.send = func(ctx context.Context) (*pb.StatusChange, error) {
				if _, err := d.write(ctx); err != nil {
					return nil, err
				}
				return d.write(ctx)
			}
		}),
		"does not say which site":            changes(func(c *pb.StatusChange) { c.Site = "" }),
		"does not say which service":         changes(func(c *pb.StatusChange) { c.Service = 0 }),
		"does not read back what it applied": changes(func(c *pb.StatusChange) { c.AppliedSite = nil }),
		"has a change pending without a name": changes(func(c *pb.StatusChange) {
			c.State = pb.StatusChange_PENDING
		}),
	},
	"DisableSite leaves other sites as they are": {
		"switches all off": before(func(ctx context.Context, v *vendor, _ *pb.DisableSiteRequest) error {
			return changeAll(ctx, v.Sites, func(s *pb.Site) { memory.Turn(s, false) })
		}),
	},
	"DisableSite that has succeeded returns its record, which holds no secrets": {
		"writes outside of the caller's mutation": instead(outside),
		"has another step in every run":           namesNoStep,
	},
	"DisableSite asked for again sends nothing":       {"does not look first": disables(neverLooks)},
	"DisableSite of a site that is off sends nothing": {"does not look first": disables(neverLooks)},
	"DisableSite outside of a mutation sends nothing": {"writes outside of the caller's mutation": instead(outside)},
	"DisableSite of another service is refused, or is of that service": {
		"takes every service for DRM": asks(func(req *pb.DisableSiteRequest) { req.Service = pb.Site_DRM }),
	},
	"DisableSite whose response is lost has an unknown outcome, and settles with one effect": {
		"tries again by itself": onError(func(ctx context.Context, d *disabling) (*pb.StatusChange, error) {
			return d.write(ctx)
		}),
		// It looks without a snapshot, and so finds the site as it left it.
		"takes its own write for what was before": disables(func(d *disabling) { d.before = d.read }),
		"reads nothing back":                      disables(func(d *disabling) { d.check = nil }),
		"sends without a look": disables(func(d *disabling) {
			d.check = func(context.Context) (*pb.StatusChange, bool, error) { return nil, false, nil }
		}),
	},
	"DisableSite whose response cannot be read has an unknown outcome, and settles with one effect": {
		"calls the answer invalid": onError(func(context.Context, *disabling) (*pb.StatusChange, error) {
			return nil, apierror.New(codes.Internal, pb.ErrorReason_VENDOR_RESPONSE_INVALID, "no JSON")
		}),
	},
	"DisableSite that is cut before its effect has an unknown outcome, and settles with one effect": {
		"takes it for done": disables(func(d *disabling) {
			d.check = func(context.Context) (*pb.StatusChange, bool, error) {
				return applied(&pb.Site{Name: d.req.GetName()}), true, nil
			}
		}),
		"says that nothing happened": on("DisableSite", certain),
	},
	"DisableSite whose outcome cannot be read back stays unknown": {
		"sends when it cannot look": disables(func(d *disabling) {
			check := d.check
			d.check = func(ctx context.Context) (*pb.StatusChange, bool, error) {
				res, took, err := check(ctx)
				return res, took && err == nil, nil
			}
		}),
	},
	"DisableSite that took effect is settled without a caller and without secrets": {
		"says that nothing happened": onError(func(context.Context, *disabling) (*pb.StatusChange, error) {
			return nil, apierror.New(codes.Unavailable, pb.ErrorReason_VENDOR_UNAVAILABLE, "cut")
		}),
	},
	"DisableSite that had no effect is not sent without a caller": {
		"writes outside of the caller's mutation": instead(outside),
	},
	"DisableSite in a dry run sends nothing, and shows what it would send": {
		"writes outside of the caller's mutation": instead(outside),
	},
	"DisableSite that the vendor refuses has a definite outcome": {
		"takes it for a success, and reads it back": onError(readsBack),
	},
}
