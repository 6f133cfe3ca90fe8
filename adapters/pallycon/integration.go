package pallycon

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/mutation"
	"github.com/drmhub/drmhub/adapters/names"
	"github.com/drmhub/drmhub/adapters/upstream"
	"github.com/drmhub/drmhub/adapters/upstream/jsonx"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// integrationRow is data in "Get DRM Integration Info".
type integrationRow struct {
	SiteID             string `json:"site_id"`
	SiteKey            string `json:"site_key"`
	AccessKey          string `json:"access_key"`
	KMSToken           string `json:"kms_token"`
	LicenseCallbackURL string `json:"license_callback_url"`
	PackageCallbackURL string `json:"package_callback_url"`
	TokenDuration      *int64 `json:"token_duration"` // seconds
	IV                 string `json:"iv"`
}

func integrationCall(siteID string) call {
	return call{"/drm/setting" + upstream.Path(siteID), "UA003004100"}
}

// GetIntegration is "Get DRM Integration Info". Only the view FULL has the values of credentials.
func (a *Adapter) GetIntegration(ctx context.Context, req *pb.GetIntegrationRequest) (*pb.Integration, error) {
	ids, err := names.Integration.IDs(req.GetName())
	if err != nil {
		return nil, apierror.Invalid("name", "%v", err)
	}
	return a.integration(ctx, ids[1], req.GetView())
}

// UpdateIntegration is "Update DRM Integration Info" with the fields of the mask, read back. Its
// response has no values of credentials.
func (a *Adapter) UpdateIntegration(
	ctx context.Context, req *pb.UpdateIntegrationRequest,
) (*pb.Integration, error) {
	wanted, mask := req.GetIntegration(), req.GetUpdateMask().GetPaths()
	ids, err := names.Integration.IDs(wanted.GetName())
	if err != nil {
		return nil, apierror.Invalid("integration.name", "%v", err)
	}
	params, err := integrationParams(wanted, mask)
	if err != nil {
		return nil, err
	}
	read := func(ctx context.Context) (*pb.Integration, error) {
		return a.integration(ctx, ids[1], pb.Integration_BASIC)
	}
	before, err := mutation.Snapshot(ctx, "before", read)
	if err != nil {
		return nil, err
	}
	return mutation.DoUpdate(ctx, mutation.Update[*pb.Integration]{
		Vendor: vendorName, Step: "update", Before: before, Read: read,
		Change: func(integration *pb.Integration) {
			for _, field := range mask {
				setSetting(field, integration, wanted)
			}
		},
		Send: func(ctx context.Context) error {
			_, err := change[jsontext.Value](ctx, a, http.MethodPut, integrationCall(ids[1]), params)
			return err
		},
	})
}

// integrationParams returns the parameters that set the fields of the mask. An empty URL is sent,
// because it removes the URL.
func integrationParams(wanted *pb.Integration, mask []string) (url.Values, error) {
	params := url.Values{}
	for _, field := range mask {
		switch field {
		case "license_callback_url":
			params.Set(field, wanted.GetLicenseCallbackUrl())
		case "package_callback_url":
			params.Set(field, wanted.GetPackageCallbackUrl())
		case "token_duration":
			d := wanted.GetTokenDuration()
			if d == nil || d.GetNanos() != 0 || d.GetSeconds() < 0 {
				return nil, apierror.Invalid("integration.token_duration",
					"must be set, in whole seconds: PallyCon has no smaller unit and no tokens without an end")
			}
			params.Set(field, strconv.FormatInt(d.GetSeconds(), 10))
		default:
			return nil, apierror.Invalid("update_mask", "%s cannot be changed: PallyCon changes "+
				"license_callback_url, package_callback_url and token_duration", field)
		}
	}
	if len(params) == 0 {
		return nil, apierror.Invalid("update_mask", "must name a field to change: "+
			"license_callback_url, package_callback_url or token_duration")
	}
	return params, nil
}

// setSetting sets a field. A URL that PallyCon writes in another way stays as PallyCon shows it.
func setSetting(field string, to, from *pb.Integration) {
	switch field {
	case "license_callback_url":
		if !sameURL(to.GetLicenseCallbackUrl(), from.GetLicenseCallbackUrl()) {
			to.LicenseCallbackUrl = from.GetLicenseCallbackUrl()
		}
	case "package_callback_url":
		if !sameURL(to.GetPackageCallbackUrl(), from.GetPackageCallbackUrl()) {
			to.PackageCallbackUrl = from.GetPackageCallbackUrl()
		}
	default:
		to.TokenDuration = from.GetTokenDuration()
	}
}

// sameURL reports whether two URLs differ at most in the case of their hosts, and in a / as their
// whole path.
func sameURL(a, b string) bool { return plainURL(a) == plainURL(b) }

func plainURL(s string) string {
	u, err := url.Parse(s)
	if err != nil || u.Host == "" {
		return s
	}
	u.Scheme, u.Host = strings.ToLower(u.Scheme), strings.ToLower(u.Host)
	u.Path = cmp.Or(u.Path, "/")
	return u.String()
}

func (a *Adapter) integration(ctx context.Context, siteID string, view pb.Integration_View) (*pb.Integration, error) {
	response, err := get[*integrationRow](ctx, a, integrationCall(siteID), url.Values{})
	if err != nil {
		return nil, a.orNoSite(ctx, siteID, err)
	}
	row := response.Data
	if row == nil || *row == (integrationRow{}) {
		if _, err := a.findSite(ctx, siteID); err != nil {
			return nil, err
		}
		return nil, apierror.New(codes.Internal, pb.ErrorReason_VENDOR_RESPONSE_INVALID,
			"PallyCon reported success without the integration of site %q", siteID)
	}
	if row.SiteID != "" && row.SiteID != siteID {
		return nil, unreadable("the integration of site "+strconv.Quote(siteID),
			&jsonx.Misfit{Path: "data.site_id", Expected: "the site of the request"})
	}
	integration := &pb.Integration{
		Name:               names.Integration.Name(a.id, siteID),
		Iv:                 row.IV,
		LicenseCallbackUrl: row.LicenseCallbackURL,
		PackageCallbackUrl: row.PackageCallbackURL,
	}
	if row.TokenDuration != nil {
		integration.TokenDuration = &durationpb.Duration{Seconds: *row.TokenDuration}
	}
	for _, c := range []struct{ id, value string }{
		{"site_key", row.SiteKey}, {"access_key", row.AccessKey}, {"kms_token", row.KMSToken},
	} {
		credential := &pb.Integration_Credential{Id: c.id}
		if view == pb.Integration_FULL {
			credential.Value = c.value
		} else {
			credential.Redacted = c.value != ""
		}
		integration.Credentials = append(integration.Credentials, credential)
	}
	return integration, nil
}
