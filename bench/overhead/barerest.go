package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"runtime/metrics"
	"time"
)

type sitesJSON struct {
	Sites         []siteJSON `json:"sites"`
	NextPageToken string     `json:"nextPageToken"`
	TotalSize     int32      `json:"totalSize"`
	Unreachable   []string   `json:"unreachable"`
}

type siteJSON struct {
	Name                string        `json:"name"`
	SiteID              string        `json:"siteId"`
	DisplayName         string        `json:"displayName"`
	State               string        `json:"state"`
	Enabled             bool          `json:"enabled"`
	PolicyID            string        `json:"policyId"`
	Services            []serviceJSON `json:"services"`
	FairPlayCertificate any           `json:"fairplayCertificate"`
	Usage               any           `json:"usage"`
	CreateTime          *time.Time    `json:"createTime"`
	UpdateTime          *time.Time    `json:"updateTime"`
	VendorState         string        `json:"vendorState"`
}

type serviceJSON struct {
	Service       string `json:"service"`
	State         string `json:"state"`
	VendorService string `json:"vendorService"`
	VendorState   string `json:"vendorState"`
}

type licensesJSON struct {
	Licenses      []licenseJSON `json:"licenses"`
	NextPageToken string        `json:"nextPageToken"`
	TotalSize     int32         `json:"totalSize"`
	Unreachable   []string      `json:"unreachable"`
}

type licenseJSON struct {
	Site            string    `json:"site"`
	ContentID       string    `json:"contentId"`
	DRMType         string    `json:"drmType"`
	VendorDRMType   string    `json:"vendorDrmType"`
	Status          string    `json:"status"`
	ErrorCode       string    `json:"errorCode"`
	UserID          string    `json:"userId"`
	UserIDMD5       string    `json:"userIdMd5"`
	DeviceID        string    `json:"deviceId"`
	DeviceModel     string    `json:"deviceModel"`
	Platform        string    `json:"platform"`
	IntegrationType string    `json:"integrationType"`
	CreateTime      time.Time `json:"createTime"`
	VendorStatus    string    `json:"vendorStatus"`
}

// The vendor's codes, as the contract's JSON names them.
var (
	serviceWords = map[string]string{"PD001": "DRM", "PD002": "FORENSIC_WATERMARKING"}
	stateWords   = map[string]string{"SE000": "ACTIVE", "SE001": "SUSPENDED"}
	drmWords     = map[string]string{
		"Widevine": "WIDEVINE", "PlayReady": "PLAYREADY", "FairPlay": "FAIRPLAY", "NCG": "NCG",
	}
	statusWords = map[string]string{"success": "SUCCESS", "fail": "FAILURE"}
)

// bareREST serves the same lists as the bare services of gRPC, and the number of allocations.
func bareREST(v *bareVendor) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/"+vendorName+"/sites", func(w http.ResponseWriter, r *http.Request) {
		rows, err := v.sites(r.Context())
		respond(w, sitesOf(rows), err)
	})
	mux.HandleFunc("GET /v1/"+vendorName+"/sites/{site}/licenses", func(w http.ResponseWriter, r *http.Request) {
		site := r.PathValue("site")
		rows, err := v.licenses(r.Context(), site)
		if err != nil {
			respond(w, nil, err)
			return
		}
		all, err := licensesOf(site, rows)
		respond(w, all, err)
	})
	mux.HandleFunc("GET /metrics", func(w http.ResponseWriter, _ *http.Request) {
		count := []metrics.Sample{{Name: "/gc/heap/allocs:objects"}}
		metrics.Read(count)
		_, _ = fmt.Fprintln(w, allocations, count[0].Value.Uint64())
	})
	return mux
}

// respond writes a response, or the error.
func respond(w http.ResponseWriter, answer any, err error) {
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(answer) // An error means that the caller has gone.
}

func sitesOf(rows []vendorSite) sitesJSON {
	all := sitesJSON{Sites: make([]siteJSON, len(rows)), TotalSize: int32(len(rows)), Unreachable: []string{}}
	for i, row := range rows {
		site := siteJSON{
			Name: vendorName + "/sites/" + row.SiteID, SiteID: row.SiteID, DisplayName: row.ServiceName,
			State: "SUSPENDED",
		}
		for _, p := range row.ProductList {
			state := serviceJSON{
				Service: serviceWords[p.ServiceCode], State: stateWords[p.StatusCode],
				VendorService: p.ServiceCode, VendorState: p.StatusCode,
			}
			if state.Service == "DRM" && state.State == "ACTIVE" {
				site.State, site.Enabled = "RUNNING", true
			}
			site.Services = append(site.Services, state)
		}
		all.Sites[i] = site
	}
	return all
}

func licensesOf(site string, rows []vendorLicense) (licensesJSON, error) {
	all := licensesJSON{
		Licenses: make([]licenseJSON, len(rows)), TotalSize: int32(len(rows)), Unreachable: []string{},
	}
	for i, row := range rows {
		created, err := time.Parse(secondFormat, row.RegTime)
		if err != nil {
			return all, err
		}
		all.Licenses[i] = licenseJSON{
			Site: vendorName + "/sites/" + site, ContentID: row.CID, DRMType: drmWords[row.DRMType],
			VendorDRMType: row.DRMType, Status: statusWords[row.Status], ErrorCode: row.ErrorCode, UserID: row.UserID,
			DeviceID: row.DeviceID, DeviceModel: row.DeviceModel, Platform: row.PlatformName,
			IntegrationType: row.LicenseType, CreateTime: created, VendorStatus: row.Status,
		}
	}
	return all, nil
}
