package adaptertest

import (
	"context"
	"strings"
	"testing"

	"github.com/drmhub/drmhub/adapters"
	"github.com/drmhub/drmhub/adapters/secret"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// plainAdapter is an adapter without a capability.
type plainAdapter struct{}

func (plainAdapter) Describe() adapters.Description { return adapters.Description{} }

func (plainAdapter) Check(context.Context) (string, error) { return "", nil }

// lister has one capability, and a method that looks like another.
type lister struct{ plainAdapter }

func (lister) ListMembers(context.Context, *pb.ListMembersRequest) (*pb.ListMembersResponse, error) {
	return nil, nil
}

func (lister) CreateMember(context.Context, *pb.Member) (*pb.Member, error) { return nil, nil }

func TestACapabilityWithoutAPromiseIsAComplaint(t *testing.T) {
	promise := Promise{Needs: needs("ListMembers")}
	misspelled := "CreateMember"
	for name, c := range map[string]struct {
		promises   []Promise
		unpromised map[string]string
		want       []string
	}{
		"without a promise":    {nil, nil, []string{"ListMembers", misspelled}},
		"with a promise":       {[]Promise{promise}, nil, []string{misspelled}},
		"with a reason":        {nil, map[string]string{"ListMembers": "no members to seed"}, []string{misspelled}},
		"with an empty reason": {nil, map[string]string{"ListMembers": ""}, []string{"ListMembers", misspelled}},
	} {
		got := uncovered(lister{}, c.promises, c.unpromised)
		if len(got) != len(c.want) {
			t.Errorf("%s: %q, want complaints of %q", name, got, c.want)
			continue
		}
		for _, rpc := range c.want {
			text := strings.Join(got, "\n")
			if !strings.Contains(text, "lister."+rpc) && !strings.Contains(text, "has "+rpc) {
				t.Errorf("%s: %q does not complain of %s", name, got, rpc)
			}
		}
	}
}

func TestAPromiseIsMadeOnlyWithAllItsCapabilities(t *testing.T) {
	for _, p := range Promises() {
		for _, rpc := range p.Needs {
			if signatures()[rpc] == nil {
				t.Errorf("%q needs %s, which is no call of an adapter", p.Name, rpc)
			}
		}
	}
	p := Promise{Needs: needs("ListMembers", "ListSites")}
	if rpc := p.lacks(lister{}); rpc != "ListSites" {
		t.Errorf("lacks %q, want ListSites", rpc)
	}
	kept, notRun := applicable(lister{}, []Promise{p, p, {Needs: needs("ListMembers")}})
	if want := "not run: 2 promises about calls that the adapter lacks: ListSites"; len(kept) != 1 || notRun != want {
		t.Errorf("applicable keeps %d promises and says %q, want 1 and %q", len(kept), notRun, want)
	}
}

func TestAHarnessIsComplete(t *testing.T) {
	type disabler struct {
		plainAdapter
		adapters.SiteDisabler
	}
	var lacksSecrets = Harness{Adapter: disabler{}, Vendor: "acme/kr", FailReads: func(Fault) {}}
	for _, h := range []Harness{{}, {Adapter: lister{}}, lacksSecrets} {
		if h.check() == nil {
			t.Errorf("%+v passes for complete", h)
		}
	}
	common := Harness{Vendor: "acme/kr", Secrets: []secret.Text{secret.New("hunter2")}, FailReads: func(Fault) {}}
	common.Adapter = disabler{}
	err := common.check()
	for _, want := range []string{"Sites", "Writes"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not name %s", err, want)
		}
	}
	for _, unwanted := range []string{"Licenses", "Products", "DrmAccounts", "SiteUpdates", "FailInTurn"} {
		if err != nil && strings.Contains(err.Error(), unwanted) {
			t.Errorf("%v asks for what no capability needs", err)
		}
	}
	common.Vendor = "acme"
	if err := common.check(); err == nil || !strings.Contains(err.Error(), "slash") {
		t.Errorf("%v does not ask for a slash in the vendor id", err)
	}
	common.Vendor = "acme/kr"
	type seller struct {
		plainAdapter
		adapters.SiteUpdater
		adapters.DrmAccountCreator
		adapters.ProductLicenseReplacer
	}
	common.Adapter = seller{}
	err = common.check()
	for _, want := range []string{"Sites", "SiteUpdates", "DrmAccounts", "Products", "ProductLicenses", "FailInTurn"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not name %s", err, want)
		}
	}
}
