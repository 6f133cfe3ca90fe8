package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	amino "github.com/drmhub/drmhub/adapters/amino/emulator"
	ncp "github.com/drmhub/drmhub/adapters/ncp/emulator"
	pallycon "github.com/drmhub/drmhub/adapters/pallycon/emulator"
	telecomx "github.com/drmhub/drmhub/adapters/telecomx/emulator"
	"github.com/drmhub/drmhub/adapters/twin"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/internal/faultplan"
)

// A testbed is the four vendors, each behind a gate that orders faults.
type testbed struct {
	pallycon *pallycon.Emulator
	ncp      *ncp.Emulator
	telecomx *telecomx.Emulator
	amino    *amino.Emulator
	gates    map[string]*gate // by vendor
	urls     map[string]string
	apple    keyPair
	stop     func()

	teams [2][]*caller

	mu              sync.Mutex
	refused, denied int // calls by wrong callers, and for records of others
	put             map[string]bool
	changes         []string // the names of the latest status changes that clients heard of
}

// newTestbed returns the vendors, which are not served yet.
func newTestbed(seed uint64) *testbed {
	b := &testbed{
		pallycon: pallycon.New(pallycon.Options{Seed: seed}),
		ncp:      ncp.New(ncp.Options{Seed: seed, Assumptions: ncp.Assumptions{CreationDelay: time.Millisecond}}),
		telecomx: telecomx.New(telecomx.Options{Seed: seed}),
		amino:    amino.New(amino.Options{Seed: seed, Assumptions: amino.Assumptions{ProductUpdates: true}}),
		gates:    map[string]*gate{}, urls: map[string]string{}, put: map[string]bool{},
		apple: newKeyPair(), teams: newCallers(),
	}
	b.fill()
	return b
}

// serve serves the vendors until stop. late is the maximum time that they stall.
func (b *testbed) serve(ctx context.Context, seed uint64, late time.Duration) error {
	ctx, b.stop = context.WithCancel(ctx)
	for _, v := range []struct {
		name  string
		twin  twinned
		write func(method, path, body string) string
	}{
		{"pallycon", b.pallycon, pallyconWrite},
		{"ncp", b.ncp, ncpWrite},
		{"telecomx", b.telecomx, telecomxWrite},
		{"amino", b.amino, aminoWrite},
	} {
		g := newGate(v.twin, v.write, seed, late)
		if v.name == "amino" {
			g.trouble = b.troubleIrdeto
		}
		var listen net.ListenConfig
		l, err := listen.Listen(ctx, "tcp", "127.0.0.1:0")
		if err != nil {
			b.stop()
			return err
		}
		b.gates[v.name], b.urls[v.name] = g, "http://"+l.Addr().String()
		go g.serve(ctx, l)
	}
	return nil
}

// fill puts the things there that several clients change.
func (b *testbed) fill() {
	for n := range pallyconSites {
		b.pallycon.PutSites(pallycon.Site{
			SiteID: fmt.Sprintf("S%03d", n), ServiceName: "Campaign",
			Products: []pallycon.Product{{ServiceCode: pallycon.ServiceDRM, StatusCode: pallycon.StateInService}},
		})
	}
	for n := range pallyconMembers {
		email := fmt.Sprintf("member%d@campaign.example", n)
		b.pallycon.PutMembers(pallycon.Member{MemberEmail: email, GroupSeq: pallycon.GroupClients})
	}
	for n := range ncpPolicies {
		b.ncp.PutPolicies(ncp.Policy{PolicyID: n, PolicyName: fmt.Sprintf("policy %d", n)})
	}
	for n := range ncpSites {
		b.ncp.PutSites(ncp.Site{SiteID: ncpSiteID(n), SiteName: fmt.Sprintf("site_%d", n), Enabled: n%2 == 0})
	}
	for n := range aminoProducts {
		b.amino.PutProducts(amino.Product{ID: productID(n), Name: fmt.Sprintf("Product %d", n)})
	}
}

// count counts one more call.
func (b *testbed) count(n *int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	*n++
}

// once calls do the first time that an op names this thing. do puts it there.
func (b *testbed) once(name string, do func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.put[name] {
		b.put[name] = true
		do()
	}
}

// hearChange remembers a status change that waits for approval.
func (b *testbed) hearChange(c *pb.StatusChange) {
	if c.GetName() == "" || c.GetState() != pb.StatusChange_PENDING {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.changes = append(b.changes, c.GetName())
	if len(b.changes) > 20 {
		b.changes = b.changes[1:]
	}
}

// heardChange returns the name of a status change that some client heard of, or a name without one.
func (b *testbed) heardChange(o *op) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.changes) == 0 {
		return "vendors/pallycon/sites/S000/statusChanges/" + pallycon.ServiceDRM + ".none"
	}
	return b.changes[o.random.IntN(len(b.changes))]
}

// staff works at the vendors until ctx ends. It approves PallyCon's waiting changes, ends sessions
// of TelecomX, and restarts servers.
func (b *testbed) staff(ctx context.Context, seed uint64, restarts time.Duration) {
	random := twin.Rand(seed, "staff")
	names := []string{"pallycon", "ncp", "telecomx", "amino"}
	begun := time.Now()
	for ctx.Err() == nil {
		select {
		case <-time.After(time.Duration(random.IntN(100)) * time.Millisecond):
		case <-ctx.Done():
			return
		}
		_, _ = b.pallycon.Approve(fmt.Sprintf("S%03d", random.IntN(pallyconSites)), pallycon.ServiceDRM)
		if random.IntN(100) == 0 {
			b.telecomx.RevokeTokens()
		}
		if time.Since(begun) > restarts {
			begun = time.Now()
			b.gates[names[random.IntN(len(names))]].restart()
		}
	}
}

// The faults of Irdeto, which AminoTV calls.
const (
	irdetoRefuses       faultplan.Fault = "Irdeto refuses"
	irdetoIsDown        faultplan.Fault = "Irdeto is down"
	irdetoStalls        faultplan.Fault = "Irdeto stalls"
	irdetoStallsAndDoes faultplan.Fault = "Irdeto stalls, and does it"
)

// troubleIrdeto orders a fault of Irdeto for the next call of AminoTV.
func (b *testbed) troubleIrdeto(fault faultplan.Fault) {
	order := amino.IrdetoOrder{Behavior: amino.IrdetoStalls, Times: 1}
	switch fault {
	case irdetoRefuses:
		order.Behavior = amino.IrdetoRefuses
	case irdetoIsDown:
		order.Behavior = amino.IrdetoDown
	case irdetoStallsAndDoes:
		order.TakesEffect = true
	}
	b.amino.OrderIrdeto(order)
}

// calm ends all faults.
func (b *testbed) calm() {
	for _, g := range b.gates {
		g.calm()
	}
	b.amino.OrderIrdeto(amino.IrdetoOrder{})
}

func effectKey(vendor, kind, key string) string { return vendor + "|" + kind + "|" + key }

// takeEffects removes the effects of requests from the ledger of a vendor, and returns them, oldest
// first. No request may be in flight.
func (b *testbed) takeEffects(vendor string) []twin.Effect {
	ledger := b.gates[vendor].twin.Ledger()
	var taken []twin.Effect
	for _, e := range ledger.Effects() {
		if e.Request == 0 {
			continue // the staff's
		}
		if vendor == "pallycon" && strings.HasPrefix(e.Kind, "statusChange") {
			e.Details["service"] = e.Key[:strings.LastIndex(e.Key, "/")]
		}
		taken = append(taken, e)
	}
	ledger.Clear()
	return taken
}

// state returns the values at the vendors that ops can set.
func (b *testbed) state() map[string]string {
	now := map[string]string{}
	for n := range pallyconSites {
		site := fmt.Sprintf("S%03d", n)
		i := b.pallycon.Integration(site)
		now["pallycon "+site+" token_duration"] = strconv.Itoa(int(i.TokenDuration / time.Second))
		now["pallycon "+site+" license_callback_url"] = i.LicenseCallbackURL
		now["pallycon "+site+" package_callback_url"] = i.PackageCallbackURL
	}
	for _, m := range b.pallycon.Members() {
		name := "pallycon member " + strconv.Itoa(m.MemberSeq)
		now[name+" group_seq"], now[name+" status_code"] = strconv.Itoa(m.GroupSeq), m.StatusCode
	}
	for _, s := range b.ncp.Sites() {
		now["ncp "+s.SiteID+" enabled"] = strconv.FormatBool(s.Enabled)
		now["ncp "+s.SiteID+" siteName"], now["ncp "+s.SiteID+" policyId"] = s.SiteName, strconv.Itoa(s.PolicyID)
	}
	for _, p := range b.amino.Products() {
		now["amino "+p.ID+" name"] = p.Name
	}
	return now
}

// irdeto returns the differences between Irdeto's entitlements and AminoTV's licenses.
func (b *testbed) irdeto() []string {
	held := map[string]int{}
	for _, e := range b.amino.Entitlements() {
		held[e.LicenseID]++
	}
	var wrong []string
	for _, l := range b.amino.Licenses() {
		if n := held[l.ID]; n != 1 {
			wrong = append(wrong, fmt.Sprintf("license %s of user %s has %d entitlements at Irdeto", l.ID, l.UserID, n))
		}
		delete(held, l.ID)
	}
	for id := range held {
		wrong = append(wrong, fmt.Sprintf("Irdeto holds an entitlement of license %s, which AminoTV does not hold", id))
	}
	return wrong
}

// twinned is an emulator, which is an http.Handler with a twin's faults and ledger.
type twinned interface {
	http.Handler
	Faults() *twin.Faults
	Ledger() *twin.Ledger
}
