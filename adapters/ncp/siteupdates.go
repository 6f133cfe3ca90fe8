package ncp

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"unicode/utf8"

	"google.golang.org/protobuf/proto"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/mutation"
	"github.com/drmhub/drmhub/adapters/names"
	"github.com/drmhub/drmhub/adapters/upstream"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// siteForm is the body of POST /sites and of PUT /sites/{siteId}.
type siteForm struct {
	SiteName     string        `json:"siteName"`
	PolicyID     int64         `json:"policyId"`
	FairPlayCert *fairPlayCert `json:"fairPlayCert,omitempty"`
}

// UpdateSite is PUT /sites/{siteId}. That call takes siteName and policyId together, so the value
// that the mask does not name is sent as it was read.
func (a *Adapter) UpdateSite(ctx context.Context, req *pb.UpdateSiteRequest) (*pb.Site, error) {
	ids, err := names.Site.IDs(req.GetSite().GetName())
	if err != nil {
		return nil, apierror.Invalid("site.name", "%v", err)
	}
	if err := checkUpdate(req); err != nil {
		return nil, err
	}
	find := func(ctx context.Context) (*pb.Site, error) { return a.findSite(ctx, ids[1]) }
	before, err := mutation.SnapshotExisting(ctx, "before", find, req.GetSite())
	if err != nil {
		return nil, err
	}
	change := func(s *pb.Site) { applyUpdate(s, req) }
	wanted := proto.CloneOf(before)
	change(wanted)
	policy, ok := number(word(wanted.GetPolicyId()))
	switch name := wanted.GetDisplayName(); {
	case !ok:
		return nil, contradiction("site %q has no policyId, and NAVER Cloud requires one with every update: "+
			"name policy_id in the update_mask too", ids[1])
	case name == "", strings.ContainsRune(name, utf8.RuneError):
		return nil, contradiction("site %q has no siteName that can be read, and NAVER Cloud requires one with "+
			"every update: name display_name in the update_mask too", ids[1])
	}
	return mutation.DoUpdate(ctx, mutation.Update[*pb.Site]{
		Vendor: vendorName, Step: "update", Before: before, Change: change, Read: find,
		Send: func(ctx context.Context) error {
			put := a.request(http.MethodPut, "/sites"+upstream.Path(ids[1]))
			put.Body = upstream.JSON(siteForm{SiteName: wanted.GetDisplayName(), PolicyID: policy})
			return a.change(ctx, put, nil)
		},
	})
}

// checkUpdate refuses an update that the vendor cannot make.
func checkUpdate(req *pb.UpdateSiteRequest) error {
	if len(req.GetUpdateMask().GetPaths()) == 0 {
		return apierror.Invalid("update_mask", "is empty: name display_name, policy_id or both")
	}
	for _, field := range req.GetUpdateMask().GetPaths() {
		var err error
		switch field {
		case "display_name":
			err = checkSiteName("site.display_name", req.GetSite().GetDisplayName())
		case "policy_id":
			_, err = policyID("site.policy_id", req.GetSite().GetPolicyId())
		default:
			err = apierror.Invalid("update_mask", "%s cannot be changed: NAVER Cloud takes display_name and policy_id",
				field)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// applyUpdate changes the fields of a site that the mask names.
func applyUpdate(site *pb.Site, req *pb.UpdateSiteRequest) {
	for _, field := range req.GetUpdateMask().GetPaths() {
		if field == "display_name" {
			site.DisplayName = req.GetSite().GetDisplayName()
		} else {
			site.PolicyId = req.GetSite().GetPolicyId()
		}
	}
}

// checkSiteName checks the length of siteName, which the API pages give. The vendor decides which
// characters it accepts.
func checkSiteName(field, name string) error {
	if n := utf8.RuneCountInString(name); n < 3 || n > 20 {
		return apierror.Invalid(field, "must have 3 to 20 characters, as NAVER Cloud requires of siteName")
	}
	if strings.TrimSpace(name) != name { // A lost creation is found again by its name.
		return apierror.Invalid(field, "must not begin or end with a space, because NAVER Cloud may drop it")
	}
	return nil
}

// policyID returns the number in a policyId. It must be written as the vendor writes it.
func policyID(field, text string) (int64, error) {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 || text[0] == '+' || len(text) > 1 && text[0] == '0' {
		return 0, apierror.Invalid(field, `must be a number, such as "0" for the basic policy`)
	}
	return n, nil
}
