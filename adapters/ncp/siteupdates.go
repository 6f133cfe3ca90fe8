package ncp

import (
	"context"
	"net/http"
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

// UpdateSite is PUT /sites/{siteId}. It takes siteName and policyId at once, so what the mask does
// not name is sent as it was read.
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
	wanted := updated(before, req)
	policy, ok := number(word(wanted.GetPolicyId()))
	if !ok {
		return nil, invalid("site %q has no policyId, which the vendor wants with every update: name policy_id in the update_mask too", ids[1])
	}
	asWanted := func(s *pb.Site) bool {
		return s.GetDisplayName() == wanted.GetDisplayName() && s.GetPolicyId() == wanted.GetPolicyId()
	}
	if asWanted(before) {
		return before, nil
	}
	return mutation.Do(ctx, mutation.Write[*pb.Site]{
		Step: "update",
		Send: func(ctx context.Context, _ mutation.Attempt) (*pb.Site, error) {
			put := a.request(http.MethodPut, "/sites"+upstream.Path(ids[1]))
			put.Body = upstream.JSON(siteForm{SiteName: wanted.GetDisplayName(), PolicyID: policy})
			if err := a.change(ctx, put, nil); err != nil {
				return nil, err
			}
			site, err := find(ctx)
			switch {
			case err != nil:
				return nil, errNotReadBack(err)
			case !asWanted(site):
				return nil, apierror.OutcomeUnknown("NAVER Cloud answers success to the update, and the site, read back, is not as it was to be; call again with the same request_id to settle it")
			}
			return site, nil
		},
		ReadBack: func(ctx context.Context) (*pb.Site, bool, error) {
			site, err := find(ctx)
			return site, err == nil && asWanted(site), err
		},
		Preview: func() *pb.Site { return wanted },
	})
}

// checkUpdate tells what of an update the vendor cannot take.
func checkUpdate(req *pb.UpdateSiteRequest) error {
	if len(req.GetUpdateMask().GetPaths()) == 0 {
		return apierror.Invalid("update_mask", "names nothing to change: display_name, policy_id or both")
	}
	for _, field := range req.GetUpdateMask().GetPaths() {
		var err error
		switch field {
		case "display_name":
			err = checkSiteName("site.display_name", req.GetSite().GetDisplayName())
		case "policy_id":
			_, err = policyID("site.policy_id", req.GetSite().GetPolicyId())
		default:
			err = apierror.Invalid("update_mask", "%s cannot be changed: NAVER Cloud takes display_name and policy_id", field)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// updated is a site with what a mask names changed.
func updated(before *pb.Site, req *pb.UpdateSiteRequest) *pb.Site {
	site := proto.CloneOf(before)
	for _, field := range req.GetUpdateMask().GetPaths() {
		if field == "display_name" {
			site.DisplayName = req.GetSite().GetDisplayName()
		} else {
			site.PolicyId = req.GetSite().GetPolicyId()
		}
	}
	return site
}

// checkSiteName knows what the API pages say of siteName: 3 to 20 characters. Which ones, the
// vendor decides.
func checkSiteName(field, name string) error {
	if n := utf8.RuneCountInString(name); n < 3 || n > 20 {
		return apierror.Invalid(field, "must have 3 to 20 characters, as NAVER Cloud's siteName")
	}
	if strings.TrimSpace(name) != name { // by which a site is found again
		return apierror.Invalid(field, "must neither begin nor end with a blank: NAVER Cloud may drop it")
	}
	return nil
}

// policyID reads a policyId, which is a number from 0 up, written as the vendor writes it.
func policyID(field, text string) (int64, error) {
	n, ok := number(word(text))
	if !ok || n < 0 || text[0] == '+' || len(text) > 1 && text[0] == '0' {
		return 0, apierror.Invalid(field, `must be a number, such as "0" for the basic policy`)
	}
	return n, nil
}
