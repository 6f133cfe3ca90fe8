package gateway_test

import (
	"context"
	"encoding/csv"
	"net/http"
	"slices"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/drmhub/drmhub/adapters/apierror"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

const (
	exportPath    = "/v1/vendors/-/sites/-/licenses:export"
	reconcilePath = "/v1/vendors/v/usageReports:reconcile"
	tableType     = "text/csv; charset=utf-8; header=present"
	columns       = "site,content_id,drm_type,vendor_drm_type,status,error_code,user_id,user_id_md5,device_id," +
		"device_model,platform,integration_type,create_time,vendor_status\r\n"
)

// exporting is a backend whose ExportLicenses sends these messages, and then ends with err.
func exporting(err error, messages ...*pb.ExportLicensesResponse) backend {
	return backend{exports: exports{export: func(_ *pb.ExportLicensesRequest, s exportServer) error {
		for _, m := range messages {
			if err := s.Send(m); err != nil {
				return err
			}
		}
		return err
	}}}
}

// get makes a call that accepts these media types.
func get(t *testing.T, b backend, method, path, body, accept string) reply {
	t.Helper()
	if accept == "" {
		return send(t, b.serve(t), method, path, body)
	}
	return send(t, b.serve(t), method, path, body, "Accept: "+accept)
}

func TestExportAsATable(t *testing.T) {
	rows := []*pb.License{
		{Site: "vendors/v/sites/s", ContentId: "a", DrmType: pb.License_WIDEVINE, Status: pb.License_SUCCESS,
			CreateTime: &timestamppb.Timestamp{Seconds: 1_790_000_000}},
		{ContentId: "=1+1", ErrorCode: "+1", UserId: "-x", DeviceId: "@y", DeviceModel: "\tz", Platform: "\rq",
			UserIdMd5: "'it", VendorStatus: `say "no", twice` + "\r\n"},
	}
	complete := []*pb.Coverage{{Complete: true}}
	b := exporting(nil, &pb.ExportLicensesResponse{Licenses: rows[:1], Coverage: complete},
		&pb.ExportLicensesResponse{Licenses: rows[1:]})
	r := get(t, b, "GET", exportPath, "", "text/csv")
	want := columns +
		"vendors/v/sites/s,a,WIDEVINE,,SUCCESS,,,,,,,,2026-09-21T14:13:20Z,\r\n" +
		`,'=1+1,DRM_TYPE_UNSPECIFIED,,STATUS_UNSPECIFIED,'+1,'-x,''it,'@y,'` +
		"\tz,\"'\rq\",,,\"say \"\"no\"\", twice\r\n\"\r\n"
	if r.text != want {
		t.Errorf("%q, want %q", r.text, want)
	}
	records, err := csv.NewReader(strings.NewReader(r.text)).ReadAll()
	if err != nil || len(records) != 3 || len(records[2]) != 14 {
		t.Errorf("%q, %v", records, err)
	}
	for name, value := range map[string]string{
		"Content-Type": tableType, "Content-Disposition": `attachment; filename="licenses.csv"`,
		"Drmhub-Coverage": "complete",
	} {
		if got := r.Header.Get(name); got != value || !slices.Contains(r.Header.Values("Vary"), "Accept") {
			t.Errorf("%s: %q; vary %q", name, got, r.Header.Values("Vary"))
		}
	}
	head := get(t, b, "HEAD", exportPath, "", "text/csv")
	if head.text != "" || head.Header.Get("Content-Type") != tableType {
		t.Errorf("HEAD: %q %v", head.text, head.Header)
	}
	if r := get(t, exporting(nil, &pb.ExportLicensesResponse{}), "GET", exportPath, "", "text/csv"); r.text != columns {
		t.Errorf("without rows: %q", r.text)
	}
	zipped := send(t, b.serve(t), "GET", exportPath, "", "Accept: text/csv", "Accept-Encoding: gzip")
	if text := zipped.unpacked(t); text != want || zipped.Header.Get("Content-Encoding") != "gzip" {
		t.Errorf("compressed: %q", text)
	}
}

func TestAnExportThatFails(t *testing.T) {
	down := apierror.New(codes.Unavailable, pb.ErrorReason_VENDOR_UNAVAILABLE, "it, is down")
	for _, c := range []struct {
		accept, end string
	}{
		{"text/csv", "\r\nerror,UNAVAILABLE,\"it, is down\"\r\n"},
		{"", "\n{\"error\":{\"code\":503,"},
	} {
		one := &pb.ExportLicensesResponse{Licenses: []*pb.License{{ContentId: "a"}}}
		r := get(t, exporting(down, one), "GET", exportPath, "", c.accept)
		if r.StatusCode != http.StatusOK || !strings.Contains(r.text, c.end) {
			t.Errorf("%q: HTTP %d %q", c.accept, r.StatusCode, r.text)
		}
		r = get(t, exporting(down, &pb.ExportLicensesResponse{}), "GET", exportPath, "", c.accept)
		r.failed(t, http.StatusServiceUnavailable, "UNAVAILABLE", "VENDOR_UNAVAILABLE")
		if r.Header.Get("Content-Disposition")+r.Header.Get("Drmhub-Coverage") != "" {
			t.Errorf("%q: %v", c.accept, r.Header)
		}
	}
}

func TestTheFormsThatARequestAccepts(t *testing.T) {
	b := exporting(nil, &pb.ExportLicensesResponse{Unreachable: []string{"vendors/v"}})
	b.call = func(context.Context, string, proto.Message) (proto.Message, error) {
		return &pb.ReconcileInvoiceResponse{DisputedRows: []*pb.DisputedRow{
			{Line: 1, Reason: 3, License: &pb.License{Site: "s"}}, {},
		}}, nil
	}
	const rows = "line,reason," + columns +
		"1,FAILURES_COUNTED,s,,DRM_TYPE_UNSPECIFIED,,STATUS_UNSPECIFIED,,,,,,,,,\r\n" +
		"0,REASON_UNSPECIFIED,,,DRM_TYPE_UNSPECIFIED,,STATUS_UNSPECIFIED,,,,,,,,,\r\n"
	for accept, want := range map[string]string{
		"":                                   "json",
		"*/*":                                "json",
		"application/json":                   "json",
		"application/*":                      "json",
		"text/csv":                           "csv",
		"text/*":                             "csv",
		"TEXT/CSV; header=present":           "csv",
		"text/html, */*;q=0.8":               "json",
		"text/csv, application/json;q=0.9":   "csv",
		"text/csv;q=0.5, application/json":   "json",
		"*/*, application/*;q=0":             "csv",
		"application/x-ndjson, text/csv":     "json",
		"text/csv;q=0, */*":                  "json",
		"text/html":                          "none",
		"text/csv;q=0":                       "none",
		"nonsense":                           "none",
		"application/json;q=0, text/csv;q=2": "none",
	} {
		for _, path := range []string{exportPath, reconcilePath} {
			method, body := "GET", ""
			usual, table := "application/x-ndjson", columns
			if path == reconcilePath {
				method, body, usual, table = "POST", `{"month":"2026-10","csv":"x"}`, "application/json", rows
				if accept == "application/x-ndjson, text/csv" {
					want = "csv"
				}
			}
			r := get(t, b, method, path, body, accept)
			switch got := r.Header.Get("Content-Type"); {
			case want == "none":
				r.failed(t, http.StatusNotAcceptable, "INVALID_ARGUMENT", "REQUEST_INVALID")
			case want == "csv" && (got != tableType || r.text != table || r.Header.Get("Content-Disposition") == ""),
				want == "json" && (got != usual || r.Header.Get("Content-Disposition") != ""):
				t.Errorf("%q of %s: %s %q", accept, path, got, r.text)
			}
			if path == exportPath && r.StatusCode == http.StatusOK && r.Header.Get("Drmhub-Coverage") != "incomplete" {
				t.Errorf("%q: %v", accept, r.Header)
			}
		}
	}
	if r := get(t, b, "GET", "/v1/vendors", "", "text/csv"); r.Header.Get("Content-Type") != "application/json" {
		t.Errorf("a call without a table: %v", r.Header)
	}
}
