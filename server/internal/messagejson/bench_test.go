package messagejson

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/types/known/timestamppb"

	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

func page(rows int) *pb.ListLicensesResponse {
	r := &pb.ListLicensesResponse{NextPageToken: "abc", TotalSize: 1000000}
	for i := range rows {
		r.Licenses = append(r.Licenses, &pb.License{
			Site: "vendors/pallycon/sites/DEMO", ContentId: fmt.Sprint("movie-", i%977), DrmType: pb.License_WIDEVINE,
			VendorDrmType: "Widevine", Status: pb.License_SUCCESS, VendorStatus: "success", ErrorCode: "0000",
			UserId: fmt.Sprint("user-", i%5003), DeviceId: fmt.Sprintf("%040x", i%7001),
			DeviceModel: "ChromeCDM-Windows-x86-32", Platform: "Windows", IntegrationType: "token",
			CreateTime: timestamppb.New(time.Unix(1767225600-int64(i), 0)),
		})
	}
	return r
}

// A row is a License as encoding/json has it.
type row struct {
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

// BenchmarkLicenses writes a page of 1,000 licenses in several ways.
func BenchmarkLicenses(b *testing.B) {
	m := page(1000)
	b.Run("append", func(b *testing.B) {
		b.ReportAllocs()
		var to []byte
		for b.Loop() {
			to, _ = Append(to[:0], m)
		}
	})
	b.Run("marshal", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_, _ = Marshal(m)
		}
	})
	b.Run("protojson", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_, _ = protojson.MarshalOptions{EmitUnpopulated: true}.Marshal(m)
		}
	})
	b.Run("encoding-json", func(b *testing.B) {
		var rows []row
		for _, l := range m.Licenses {
			rows = append(rows, row{
				l.Site, l.ContentId, "WIDEVINE", l.VendorDrmType, "SUCCESS", l.ErrorCode, l.UserId, "", l.DeviceId,
				l.DeviceModel, l.Platform, l.IntegrationType, l.CreateTime.AsTime(), l.VendorStatus,
			})
		}
		b.ReportAllocs()
		for b.Loop() {
			_, _ = json.Marshal(map[string]any{"licenses": rows, "nextPageToken": "abc", "totalSize": 1000000})
		}
	})
}
