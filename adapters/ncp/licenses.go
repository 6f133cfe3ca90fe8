package ncp

import (
	"context"
	"strings"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/names"
	"github.com/drmhub/drmhub/adapters/ncp/licensehistory"
	"github.com/drmhub/drmhub/adapters/paging"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// licenseJSON is a row of "View license issuance history". A value is nil if the row does not have
// it.
type licenseJSON struct {
	ContentID          *string `json:"contentId"`
	LicenseStatus      *string `json:"licenseStatus"`
	DRMType            *string `json:"drmType"`
	UserID             *string `json:"userId"`
	DeviceID           *string `json:"deviceId"`
	DeviceModel        *string `json:"deviceModel"`
	PlatformName       string  `json:"platformName"`
	LicenseCreatedTime word    `json:"licenseCreatedTime"`
}

// licenseRow is a row of a license history.
type licenseRow struct {
	contentID, status, drmType, userID, deviceID, deviceModel, platform string

	second int64  // when it was issued, in seconds since 1970
	misfit string // what cannot be read, or ""
}

func (j *licenseJSON) row() licenseRow {
	text := func(s *string) string {
		if s == nil {
			return ""
		}
		return *s
	}
	return licenseRow{
		contentID: text(j.ContentID), status: text(j.LicenseStatus), drmType: text(j.DRMType), userID: text(j.UserID),
		deviceID: text(j.DeviceID), deviceModel: text(j.DeviceModel), platform: j.PlatformName,
	}
}

func (r licenseRow) Second() int64 { return r.second }

// drmTypes are the vendor's words for DRM systems. Rows may show them in any case.
var drmTypes = map[pb.License_DrmType]string{
	pb.License_WIDEVINE:  "Widevine",
	pb.License_PLAYREADY: "PlayReady",
	pb.License_FAIRPLAY:  "FairPlay",
}

// licenseStatuses are the values of the parameter status. Rows may show them in any case.
var licenseStatuses = map[pb.License_Status]string{
	pb.License_SUCCESS: "success",
	pb.License_FAILURE: "fail",
}

// The words the other way round.
var (
	drmWords    = meanings(drmTypes)
	statusWords = meanings(licenseStatuses)
)

func meanings[V comparable](words map[V]string) map[string]V {
	all := map[string]V{}
	for v, word := range words {
		all[word] = v
	}
	return all
}

// meant returns the value that a word of the vendor's means in any case, or zero for an unknown
// word.
func meant[V comparable](words map[string]V, word string) V {
	if v, asDocumented := words[word]; asDocumented {
		return v
	}
	for w, v := range words {
		if strings.EqualFold(w, word) {
			return v
		}
	}
	var unknown V
	return unknown
}

// ListLicenses is "View license issuance history".
func (a *Adapter) ListLicenses(ctx context.Context, req *pb.ListLicensesRequest) (*pb.ListLicensesResponse, error) {
	ids, err := names.Site.IDs(req.GetParent())
	if err != nil {
		return nil, apierror.Invalid("parent", "%v", err)
	}
	var at licensehistory.Cursor
	if _, err := paging.Resume(req, &at); err != nil {
		return nil, err
	}
	search := a.newLicenseSearch(ids[1], req.GetFilter())
	rows, next, err := search.next(ctx, at, paging.Size(req.GetPageSize()), false)
	if err != nil {
		return nil, err
	}
	res := &pb.ListLicensesResponse{Licenses: rows, TotalSize: next.Total}
	if !next.Done() {
		res.NextPageToken, err = paging.Token(req, next)
	}
	return res, err
}

// fillLicense sets what a row says of a license.
func fillLicense(to *pb.License, row *licenseRow) {
	to.ContentId = row.contentID
	to.DrmType, to.VendorDrmType = meant(drmWords, row.drmType), row.drmType
	to.Status, to.VendorStatus = meant(statusWords, row.status), row.status
	to.UserIdMd5 = strings.ToLower(row.userID)
	to.DeviceId, to.DeviceModel = row.deviceID, row.deviceModel
	to.Platform = row.platform
	to.CreateTime.Seconds = row.second
}
