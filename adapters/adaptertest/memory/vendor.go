package memory

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/drmhub/drmhub/adapters/adaptertest"
	"github.com/drmhub/drmhub/adapters/mutation"
	"github.com/drmhub/drmhub/adapters/secret"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// Vendor is the vendor's side: what it holds, and how it fails. It speaks the contract's own
// messages, so that the adapter has nothing to translate.
type Vendor struct {
	key secret.Text

	mu    sync.Mutex
	sites []*pb.Site
	// by site id, in the order of arrival; rows do not change
	licenses   map[string][]*pb.License
	packagings map[string][]*pb.Packaging // by site id, in the order of arrival
	// by site id: the latest request to extend the trial; its name is its id
	trials   map[string]*pb.StatusChange
	settings map[string]*pb.Integration // by site id
	orders   []*pb.SiteOrder            // newest first; their names are their ids
	members  []*pb.Member               // oldest first; their names are their ids
	accounts []*pb.DrmAccount           // in the order in which they came
	// in the order in which they came; their names are their ids
	products []*pb.Product
	// in the order in which they came; their names, and their products, are ids
	sold        []*pb.ProductLicense
	issued      int // ids
	writes      int
	readFault   adaptertest.Fault
	writeFaults []adaptertest.WriteFault
}

// NewVendor makes a vendor that holds nothing, and takes this key.
func NewVendor(key secret.Text) *Vendor {
	return &Vendor{
		key: key, licenses: map[string][]*pb.License{}, trials: map[string]*pb.StatusChange{}, settings: map[string]*pb.Integration{},
	}
}

// PutSites lets the vendor hold these sites too.
func (v *Vendor) PutSites(sites ...*pb.Site) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.sites = append(v.sites, clones(sites)...)
}

// PutLicenses lets rows of a site arrive.
func (v *Vendor) PutLicenses(siteID string, rows ...*pb.License) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.licenses[siteID] = append(v.licenses[siteID], clones(rows)...)
}

// Writes is how many writes have taken effect.
func (v *Vendor) Writes() int {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.writes
}

// FailReads makes every read fail in this way from now on.
func (v *Vendor) FailReads(fault adaptertest.Fault) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.readFault = fault
}

// FailWrites makes the next n writes fail in this way.
func (v *Vendor) FailWrites(fault adaptertest.WriteFault, n int) {
	v.FailWritesInTurn(slices.Repeat([]adaptertest.WriteFault{fault}, n)...)
}

// FailWritesInTurn makes the next writes fail in these ways, one after the other.
func (v *Vendor) FailWritesInTurn(faults ...adaptertest.WriteFault) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.writeFaults = slices.Clone(faults)
}

// Sites are all sites.
func (v *Vendor) Sites(ctx context.Context) ([]*pb.Site, error) {
	return readingAll(ctx, v, &v.sites)
}

// Licenses are all rows of a site, in the order in which they arrived. They are the vendor's own:
// nobody changes them.
func (v *Vendor) Licenses(ctx context.Context, siteID string) ([]*pb.License, error) {
	return readingOf(ctx, v, siteID, func() []*pb.License { return slices.Clone(v.licenses[siteID]) })
}

// SwitchOff takes a site out of service, and is a write each time.
func (v *Vendor) SwitchOff(ctx context.Context, siteID string) error {
	return v.turn(ctx, siteID, false)
}

// SwitchOn takes a site into service, and is a write each time.
func (v *Vendor) SwitchOn(ctx context.Context, siteID string) error { return v.turn(ctx, siteID, true) }

func (v *Vendor) turn(ctx context.Context, siteID string, on bool) error {
	return v.write(ctx, func() error {
		s := v.site(siteID)
		if s == nil {
			return &Failure{Code: noSuchSite}
		}
		s.Enabled, s.State = on, pb.Site_SUSPENDED
		if on {
			s.State = pb.Site_RUNNING
		}
		return nil
	})
}

// write is what every write meets first. The effect, which runs alone, says so where it cannot be.
func (v *Vendor) write(ctx context.Context, effect func() error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if trial := mutation.DryRunFrom(ctx); trial != nil {
		return trial.Plan("a write in memory")
	}
	if err := mutation.RecordSend(ctx, time.Second); err != nil {
		return err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	var fault *Failure
	if len(v.writeFaults) > 0 {
		fault = writeFailures[v.writeFaults[0]]
		v.writeFaults = v.writeFaults[1:]
	}
	if fault == nil || fault.effect {
		if err := effect(); err != nil {
			return err
		}
		v.writes++
	}
	if fault != nil {
		return fault
	}
	return nil
}

// id is the next id.
func (v *Vendor) id() string {
	v.issued++
	return strconv.Itoa(v.issued)
}

func (v *Vendor) site(id string) *pb.Site {
	for _, s := range v.sites {
		if s.GetSiteId() == id {
			return s
		}
	}
	return nil
}

// read is what every read meets first.
func (v *Vendor) read(ctx context.Context) error {
	v.mu.Lock()
	fault := v.readFault
	v.mu.Unlock()
	switch fault {
	case adaptertest.Healthy:
		return ctx.Err()
	case adaptertest.Stalled:
		<-ctx.Done()
		return ctx.Err()
	}
	f := readFailures[fault]
	// some vendors echo what they were sent
	f.Text = fmt.Sprintf("no,\x1b[31m not with %s", v.key.Reveal())
	return &f
}

// Failure is how the vendor says no.
type Failure struct {
	// Code is the vendor's own.
	Code string
	// Text is the vendor's own; it may hold anything.
	Text string
	// RetryAfter is when to try again, where the vendor says it.
	RetryAfter time.Duration

	effect bool // a write took effect all the same
}

// Error is the code: the text is not fit to be shown as it is.
func (f *Failure) Error() string { return "the vendor answers " + f.Code }

// The codes of this vendor.
const (
	down          = "DOWN"
	busy          = "BUSY"
	badKey        = "BAD_KEY"
	notYours      = "NOT_YOURS"
	noSuchSite    = "NO_SUCH_SITE"
	noSuchThing   = "NO_SUCH_THING"
	tooLate       = "TOO_LATE"
	taken         = "TAKEN"
	stillBound    = "STILL_BOUND"
	unreadable    = "" // an answer without a code that can be read
	connectionCut = "CUT"
)

var readFailures = map[adaptertest.Fault]Failure{
	adaptertest.Down:                {Code: down},
	adaptertest.Throttled:           {Code: busy, RetryAfter: adaptertest.RetryAfter},
	adaptertest.ThrottledSilently:   {Code: busy},
	adaptertest.CredentialsRejected: {Code: badKey},
	adaptertest.PermissionDenied:    {Code: notYours},
	adaptertest.Rejected:            {Code: "E4711"},
	adaptertest.Garbage:             {Code: unreadable},
}

var writeFailures = map[adaptertest.WriteFault]*Failure{
	adaptertest.AnswerLost:      {Code: connectionCut, effect: true},
	adaptertest.AnswerGarbled:   {Code: unreadable, effect: true},
	adaptertest.CutBeforeEffect: {Code: connectionCut},
	adaptertest.Refused:         {Code: "E4711"},
}
