package app_test

import (
	"context"
	"path"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/drmhub/drmhub/adapters/amino"
	aminotwin "github.com/drmhub/drmhub/adapters/amino/emulator"
	"github.com/drmhub/drmhub/adapters/apierror"
	ncptwin "github.com/drmhub/drmhub/adapters/ncp/emulator"
	"github.com/drmhub/drmhub/adapters/twin"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// do makes a call that must succeed over gRPC, and returns the response as JSON.
func (h *testServer) do(t *testing.T, c call) string {
	t.Helper()
	answer, _, err := h.either(t, c, false)
	if err != nil {
		t.Fatalf("%s: %v", c.method, err)
	}
	return compact(t, answer)
}

// unknown makes a call that must end with OUTCOME_UNKNOWN, and returns the name of its record.
func (h *testServer) unknown(t *testing.T, c call, overREST bool) (record string) {
	t.Helper()
	_, record, err := h.either(t, c, overREST)
	if err == nil || err.Reason != pb.ErrorReason_OUTCOME_UNKNOWN {
		t.Fatalf("%s: %v, want OUTCOME_UNKNOWN", c.method, err)
	}
	if named := err.Metadata[apierror.MutationName]; record == "" || named != record {
		t.Errorf("the error names %q, the header %q", named, record)
	}
	return record
}

func orderSite(name string) call {
	return parse(`CreateSiteOrder {"parent":"vendors/ncp","siteOrder":{"displayName":"` + name + `"}}`)
}

func renameSite(site, name string) call {
	return parse(`UpdateSite {"site":{"name":"` + site + `","displayName":"` + name + `"},"updateMask":"displayName"}`)
}

func createProduct(name string) call {
	return parse(`CreateProduct {"parent":"vendors/amino","product":{"displayName":"` + name + `","buyable":true}}`)
}

func renameProduct(product, name string) call {
	return parse(`UpdateProduct {"product":{"name":"` + product + `","displayName":"` + name +
		`"},"updateMask":"displayName"}`)
}

// orderedSite finishes the site of this name that was ordered, and returns its resource name.
func (h *testServer) orderedSite(t *testing.T, name string) string {
	t.Helper()
	var list pb.ListSitesResponse
	fromJSON(t, h.do(t, listSites("vendors/ncp")), &list)
	for _, s := range list.GetSites() {
		if s.GetDisplayName() == name {
			if err := h.ncp.Finish(s.GetSiteId()); err != nil {
				t.Fatal(err)
			}
			return s.GetName()
		}
	}
	t.Fatalf("no site %s", name)
	return ""
}

// createdProduct returns the resource name of the product of this name.
func (h *testServer) createdProduct(t *testing.T, name string) string {
	t.Helper()
	for _, p := range h.amino.Products() {
		if p.Name == name {
			return aminoVendor + "/products/" + p.ID
		}
	}
	t.Fatalf("no product %s", name)
	return ""
}

// mustWait makes a call that must not take effect within a moment. It is ABORTED, or its deadline
// passes first.
func (h *testServer) mustWait(t *testing.T, c call) {
	t.Helper()
	before := h.effects()
	short, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	err := h.conn.Invoke(short, c.method, c.req, c.response())
	if n := h.effects() - before; err == nil || n != 0 {
		t.Errorf("%s while a creation of this name is in doubt: %v, and %d effects", c.method, err, n)
	}
}

// TestACreationInDoubtIsNotMistaken cuts the write of a creation before its effect. A creation is
// read back by what it looks like. What changes in the meantime must not be mistaken for it: the
// creation stays UNKNOWN.
func TestACreationInDoubtIsNotMistaken(t *testing.T) {
	for name, c := range map[string]struct {
		create    call
		meanwhile func(t *testing.T, h *testServer)
	}{
		"for a site that the vendor renames": {orderSite("Kids_TV"), func(_ *testing.T, h *testServer) {
			h.ncp.PutSites(ncptwin.Site{
				SiteID: path.Base(mySite), SiteName: "Kids_TV", Status: ncptwin.StatusReady, Enabled: true,
			})
		}},
		"for a product that the vendor updates": {createProduct("Films"), func(_ *testing.T, h *testServer) {
			h.amino.PutProducts(aminotwin.Product{ID: "movies", Name: "Films", Buyable: true})
		}},
		"for another site that is renamed": {orderSite("Kids_TV"), func(t *testing.T, h *testServer) {
			h.do(t, orderSite("Teens_TV"))
			h.mustWait(t, renameSite(h.orderedSite(t, "Teens_TV"), "Kids_TV"))
		}},
		"for another product that is renamed": {createProduct("Films"), func(t *testing.T, h *testServer) {
			h.do(t, createProduct("Series"))
			h.mustWait(t, renameProduct(h.createdProduct(t, "Series"), "Films"))
		}},
	} {
		t.Run(name, func(t *testing.T) {
			h := start(t, withNCP(time.Now()), withAmino(time.Now()))
			for _, v := range h.twins {
				v.Faults().Add(twin.Fault{Kind: twin.FaultCut, Method: "POST", Times: 1})
			}
			record := h.unknown(t, c.create, false)
			c.meanwhile(t, h)
			if answer := h.do(t, settle(record)); !strings.Contains(answer, `"state":"UNKNOWN"`) {
				t.Errorf("nothing was created, and the record is %s", answer)
			}
		})
	}
}

// hasty makes a write that cannot be seen at once count as not made.
func hasty(_ *testing.T, h *testServer) { h.cfg.Store.Quiet = time.Millisecond }

// TestACreationInDoubtIsSettledBeforeAChange loses the response to a creation. A creation is read
// back by what it created, so a change of that must settle the creation first. Otherwise the same
// request_id would create it twice.
func TestACreationInDoubtIsSettledBeforeAChange(t *testing.T) {
	license := parse(`CreateProductLicense {"parent":"vendors/amino",
		"productLicense":{"user":"zoe","product":"` + movies + `","orderId":"o-77"}}`)
	issued := func(h *testServer) string { return owned + "/" + h.amino.Licenses()[len(h.amino.Licenses())-1].ID }
	for name, c := range map[string]struct {
		create  call
		change  func(t *testing.T, h *testServer) call
		effects string
	}{
		"delete a license": {license, func(_ *testing.T, h *testServer) call {
			return parse(`DeleteProductLicense {"name":"` + issued(h) + `"}`)
		}, "licenseCreated licenseDeleted"},
		"delete a license in a batch": {license, func(_ *testing.T, h *testServer) call {
			return parse(`BatchDeleteProductLicenses {"parent":"vendors/amino","names":["` + issued(h) + `"]}`)
		}, "licenseCreated licenseDeleted"},
		"replace a license": {license, func(_ *testing.T, h *testServer) call {
			return parse(`ReplaceProductLicense {"name":"` + issued(h) + `",
				"productLicense":{"user":"zoe","product":"` + sports + `"}}`)
		}, "licenseCreated licenseDeleted licenseCreated"},
		"update a product": {createProduct("News"), func(t *testing.T, h *testServer) call {
			return renameProduct(h.createdProduct(t, "News"), "World news")
		}, "productCreated productUpdated"},
		"rename a site": {orderSite("Kids_TV"), func(t *testing.T, h *testServer) call {
			return renameSite(h.orderedSite(t, "Kids_TV"), "Renamed")
		}, "siteCreated siteFinished siteUpdated"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // it waits between the attempts
			h := start(t, withNCP(time.Now()), withAmino(time.Now()), hasty)
			h.loseAnswers("POST", "/")
			create := c.create.with("request_id", uuid.NewString())
			record := h.unknown(t, create, false)
			if answer := h.do(t, c.change(t, h)); strings.Contains(answer, `"error":{`) {
				t.Errorf("the change: %s", answer)
			}
			state := h.do(t, parse(`GetMutation {"name":"`+record+`"}`))
			if !strings.Contains(state, `"state":"SUCCEEDED"`) {
				t.Errorf("changed before the creation was settled: %s", state)
			}
			h.do(t, create)
			if got := strings.Join(h.effectKinds(), " "); got != c.effects {
				t.Errorf("effects %s, want %s", got, c.effects)
			}
		})
	}
}

// TestADoubtThatNobodyCanSettle loses what AminoTV can never tell: the journal has to learn that no
// further attempt helps.
func TestADoubtThatNobodyCanSettle(t *testing.T) {
	h := start(t, withAmino(time.Now()), func(_ *testing.T, h *testServer) {
		h.cfg.Vendors[len(h.cfg.Vendors)-1].Settings.(*amino.Config).LicenseStandsWithoutIrdeto = true
	})
	h.loseAnswers("POST", "/")
	record := h.unknown(t, parse(`CreateProductLicense {"parent":"vendors/amino",
		"productLicense":{"user":"ann","product":"`+movies+`","orderId":"o-9"}}`), false)
	answer := h.do(t, settle(record))
	if !strings.Contains(answer, `"state":"UNKNOWN"`) || !strings.Contains(answer, `"nextSettleTime":null`) {
		t.Errorf("%s; want it UNKNOWN, and never to be settled again", answer)
	}
}
