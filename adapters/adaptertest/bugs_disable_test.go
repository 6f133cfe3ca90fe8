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

// change is what DisableSite is made of, by the parts that can go wrong.
type change struct {
	b   *bugged
	req *pb.DisableSiteRequest

	step   string
	before func(context.Context) (*pb.Site, error)
	send   func(context.Context) (*pb.StatusChange, error)
	check  func(context.Context) (*pb.StatusChange, bool, error)
	answer func(*pb.StatusChange)
}

// disabling makes a DisableSite in which a bug replaces parts.
func disabling(replace func(*change)) func(*bugged) {
	return func(b *bugged) {
		b.disable = func(ctx context.Context, req *pb.DisableSiteRequest) (*pb.StatusChange, error) {
			c := &change{b: b, req: req, step: "switch off", answer: func(*pb.StatusChange) {}}
			c.before = func(ctx context.Context) (*pb.Site, error) { return mutation.Snapshot(ctx, "before", c.read) }
			c.send = func(ctx context.Context) (*pb.StatusChange, error) {
				return c.write(ctx, apierror.OutcomeUnknown("cut"))
			}
			c.check = func(ctx context.Context) (*pb.StatusChange, bool, error) {
				site, err := c.read(ctx)
				return applied(site), !site.GetEnabled(), err
			}
			replace(c)
			return c.run(ctx)
		}
	}
}

func (c *change) run(ctx context.Context) (*pb.StatusChange, error) {
	if s := c.req.GetService(); s > pb.Site_DRM {
		return nil, apierror.Invalid("service", "must be DRM")
	}
	before, err := c.before(ctx)
	if err != nil {
		return nil, err
	}
	if !before.GetEnabled() {
		return applied(before), nil
	}
	res, err := mutation.Do(ctx, mutation.Write[*pb.StatusChange]{Step: c.step, Send: func(ctx context.Context, _ mutation.Attempt) (*pb.StatusChange, error) { return c.send(ctx) }, ReadBack: c.check, Preview: func() *pb.StatusChange {
		return applied(&pb.Site{Name: c.req.GetName(), State: pb.Site_SUSPENDED})
	}})
	if err == nil {
		c.answer(res)
	}
	return res, err
}

func (c *change) read(ctx context.Context) (*pb.Site, error) {
	return c.b.good.GetSite(ctx, &pb.GetSiteRequest{Name: c.req.GetName()})
}

// write makes the vendor's write. Where its answer does not come through, the error is unknown; a
// refusal is a refusal.
func (c *change) write(ctx context.Context, unknown error) (*pb.StatusChange, error) {
	err := turnOff(ctx, c.b, c.req.GetName())
	if apierror.IsOutcomeUnknown(err) {
		return nil, unknown
	}
	if err != nil {
		return nil, err
	}
	site, err := c.read(ctx)
	return applied(site), err
}

func turnOff(ctx context.Context, b *bugged, site string) error {
	return b.vendor.Sites.Change(ctx, site, func(s *pb.Site) error { memory.Turn(s, false); return nil })
}

func applied(site *pb.Site) *pb.StatusChange {
	return &pb.StatusChange{Site: site.GetName(), Service: pb.Site_DRM, Type: pb.StatusChange_SUSPEND, State: pb.StatusChange_APPLIED, AppliedSite: site}
}

// Parts that go wrong.

func answersWith(damage func(*pb.StatusChange)) func(*change) {
	return func(c *change) { c.answer = damage }
}

func failsDefinitely(c *change) {
	c.send = func(ctx context.Context) (*pb.StatusChange, error) {
		return c.write(ctx, apierror.New(codes.Unavailable, pb.ErrorReason_VENDOR_UNAVAILABLE, "cut"))
	}
}

func callsItInvalid(c *change) {
	c.send = func(ctx context.Context) (*pb.StatusChange, error) {
		return c.write(ctx, apierror.New(codes.Internal, pb.ErrorReason_VENDOR_RESPONSE_INVALID, "no JSON"))
	}
}

func succeedsAnyway(c *change) {
	send := c.send
	c.send = func(ctx context.Context) (*pb.StatusChange, error) {
		if res, err := send(ctx); err == nil {
			return res, nil
		}
		site, err := c.read(ctx)
		return applied(site), err
	}
}

func triesAgain(c *change) {
	send := c.send
	c.send = func(ctx context.Context) (*pb.StatusChange, error) {
		if res, err := send(ctx); err == nil {
			return res, nil
		}
		return send(ctx)
	}
}

func sendsNothing(c *change) {
	c.send = func(ctx context.Context) (*pb.StatusChange, error) {
		return applied(&pb.Site{Name: c.req.GetName()}), nil
	}
}

func sendsTwice(c *change) {
	send := c.send
	c.send = func(ctx context.Context) (*pb.StatusChange, error) {
		if _, err := send(ctx); err != nil {
			return nil, err
		}
		return send(ctx)
	}
}

// and so takes its own unsettled write for what stood before
func looksFirst(c *change) { c.before = c.read }

func neverLooks(c *change) {
	c.before = func(ctx context.Context) (*pb.Site, error) {
		site, err := mutation.Snapshot(ctx, "before", c.read)
		if err == nil {
			site.Enabled = true
		}
		return site, err
	}
}

func readsBackNothing(c *change) { c.check = nil }

func neverTook(c *change) {
	c.check = func(context.Context) (*pb.StatusChange, bool, error) { return nil, false, nil }
}

func alwaysTook(c *change) {
	c.check = func(context.Context) (*pb.StatusChange, bool, error) {
		return applied(&pb.Site{Name: c.req.GetName()}), true, nil
	}
}

func sendsWhenBlind(c *change) {
	check := c.check
	c.check = func(ctx context.Context) (*pb.StatusChange, bool, error) {
		res, took, err := check(ctx)
		return res, took && err == nil, nil
	}
}

func unknownRefusals(c *change) {
	send := c.send
	c.send = func(ctx context.Context) (*pb.StatusChange, error) {
		res, err := send(ctx)
		if err != nil {
			err = apierror.OutcomeUnknown("%v", err)
		}
		return res, err
	}
}

// Whole methods that go wrong.

// outside writes in a mutation of its own.
func outside(b *bugged) {
	b.disable = func(ctx context.Context, req *pb.DisableSiteRequest) (*pb.StatusChange, error) {
		c := &change{b: b, req: req}
		var answer *pb.StatusChange
		return answer, bypassesLog(ctx, func(ctx context.Context) (err error) {
			answer, err = c.write(ctx, apierror.OutcomeUnknown("cut"))
			return err
		})
	}
}

// unnamed gives every run a step of its own.
func unnamed() func(*bugged) {
	var runs atomic.Int32
	return disabling(func(c *change) {
		neverLooks(c)
		c.step = fmt.Sprintf("switch off %d", runs.Add(1))
	})
}

// all switches every site off.
func all(b *bugged) {
	b.disable = func(ctx context.Context, req *pb.DisableSiteRequest) (*pb.StatusChange, error) {
		sites, err := b.vendor.Sites.List(ctx)
		if err != nil {
			return nil, err
		}
		for _, s := range sites {
			if err := bypassesLog(ctx, func(ctx context.Context) error { return turnOff(ctx, b, s.GetName()) }); err != nil {
				return nil, err
			}
		}
		return b.good.DisableSite(ctx, req)
	}
}

// drmForAll takes every service for DRM.
func drmForAll(b *bugged) {
	b.disable = func(ctx context.Context, req *pb.DisableSiteRequest) (*pb.StatusChange, error) {
		req = proto.CloneOf(req)
		req.Service = pb.Site_DRM
		return b.good.DisableSite(ctx, req)
	}
}

// succeeding takes any failure for what was wanted.
func succeeding(b *bugged) {
	b.disable = func(ctx context.Context, req *pb.DisableSiteRequest) (*pb.StatusChange, error) {
		res, err := b.good.DisableSite(ctx, req)
		if err != nil {
			return applied(&pb.Site{Name: req.GetName()}), nil
		}
		return res, nil
	}
}

func forNobody(b *bugged) {
	b.disable = func(ctx context.Context, req *pb.DisableSiteRequest) (*pb.StatusChange, error) {
		return b.good.DisableSite(context.WithoutCancel(ctx), req)
	}
}

var disableBugs = []bug{
	{"DisableSite takes effect once, and says what became of it", "sends nothing", disabling(sendsNothing)},
	{"DisableSite takes effect once, and says what became of it", "sends twice", disabling(sendsTwice)},
	{"DisableSite takes effect once, and says what became of it", "does not say which site", disabling(answersWith(func(c *pb.StatusChange) { c.Site = "" }))},
	{"DisableSite takes effect once, and says what became of it", "does not say which service", disabling(answersWith(func(c *pb.StatusChange) { c.Service = 0 }))},
	{"DisableSite takes effect once, and says what became of it", "does not read back what it applied", disabling(answersWith(func(c *pb.StatusChange) { c.AppliedSite = nil }))},
	{"DisableSite takes effect once, and says what became of it", "has a change pending without a name", disabling(answersWith(func(c *pb.StatusChange) { c.State = pb.StatusChange_PENDING }))},
	{"DisableSite leaves other sites as they are", "switches all off", all},
	{"DisableSite that has succeeded is answered from its record, which keeps no secrets", "writes outside of the caller's mutation", outside},
	{"DisableSite that has succeeded is answered from its record, which keeps no secrets", "has another step in every run", unnamed()},
	{"DisableSite asked for again sends nothing", "does not look what stands", disabling(neverLooks)},
	{"DisableSite of a site that is off sends nothing", "does not look what stands", disabling(neverLooks)},
	{"DisableSite of another service is refused, or is of that service", "takes every service for DRM", drmForAll},
	{"DisableSite of an unknown site is NOT_FOUND", "takes any failure for a success", succeeding},
	{"DisableSite for a caller who has gone sends nothing", "does not notice", forNobody},
	{"DisableSite outside of a mutation sends nothing", "writes outside of the caller's mutation", outside},
	{"DisableSite whose answer is lost has an unknown outcome, and settles with one effect", "says that nothing happened", disabling(failsDefinitely)},
	{"DisableSite whose answer is lost has an unknown outcome, and settles with one effect", "tries again by itself", disabling(triesAgain)},
	{"DisableSite whose answer is lost has an unknown outcome, and settles with one effect", "takes its own write for what stood before", disabling(looksFirst)},
	{"DisableSite whose answer is lost has an unknown outcome, and settles with one effect", "reads nothing back", disabling(readsBackNothing)},
	{"DisableSite whose answer is lost has an unknown outcome, and settles with one effect", "sends without a look", disabling(neverTook)},
	{"DisableSite whose answer cannot be read has an unknown outcome, and settles with one effect", "calls the answer invalid", disabling(callsItInvalid)},
	{"DisableSite that is cut before its effect has an unknown outcome, and settles with one effect", "takes it for done", disabling(alwaysTook)},
	{"DisableSite that is cut before its effect has an unknown outcome, and settles with one effect", "says that nothing happened", disabling(failsDefinitely)},
	{"DisableSite whose outcome cannot be read back stays unknown", "sends when it cannot look", disabling(sendsWhenBlind)},
	{"DisableSite that took effect is settled by nobody, who has no secrets", "says that nothing happened", disabling(failsDefinitely)},
	{"DisableSite that had no effect is not sent when nobody asks again", "writes outside of the caller's mutation", outside},
	{"DisableSite that is tried sends nothing, and tells what it would send", "writes outside of the caller's mutation", outside},
	{"DisableSite that the vendor refuses has a definite outcome", "does not know what a refusal is", disabling(unknownRefusals)},
	{"DisableSite that the vendor refuses has a definite outcome", "takes it for a success", disabling(succeedsAnyway)},
}
