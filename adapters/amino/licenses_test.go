package amino_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/drmhub/drmhub/adapters/amino"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// row is a license as AminoTV shows it.
func row(id, attributes string) string {
	return fmt.Sprintf(`{"type":"License","id":%q,"attributes":{%s},"relationships":{"user":{"data":{"type":"User","id":"viewer"}},"product":{"data":{"type":"Product","id":"gold"}}}}`, id, attributes)
}

func one(row string) string                   { return `{"data":` + row + `}` }
func several(rows ...string) string           { return `{"data":[` + strings.Join(rows, ",") + `]}` }
func at(seconds int64) *timestamppb.Timestamp { return &timestamppb.Timestamp{Seconds: seconds} }

const whole = `"status":"SUSPENDEDADMIN","start_date":1583191411,"stop_date":1614727411,"order_id":"order-1",` +
	`"renew_record":{"recurring":true,"expiry_date":1585869811},` +
	`"purchase_record":{"price_currency_amount":1499,"price_currency_iso4217":"DKK","purchase_timestamp":1583190000,"payment_method":"billing"}`

func wholeLicense(id string) *pb.ProductLicense {
	return &pb.ProductLicense{
		Name: "vendors/acme/productLicenses/" + id, User: "viewer", Product: gold, Status: pb.ProductLicense_SUSPENDED_ADMIN, VendorStatus: "SUSPENDEDADMIN",
		StartTime: at(1583191411), StopTime: at(1614727411), OrderId: "order-1",
		Renewal:  &pb.ProductLicense_Renewal{Recurring: new(true), ExpireTime: at(1585869811)},
		Purchase: &pb.ProductLicense_Purchase{Price: &pb.Price{Amount: 1499, Currency: "DKK"}, Time: at(1583190000), PaymentMethod: "billing"},
	}
}

func get(t *testing.T, a *amino.Adapter) (*pb.ProductLicense, error) {
	t.Helper()
	return a.GetProductLicense(t.Context(), &pb.GetProductLicenseRequest{Name: licenseL1})
}

func list(t *testing.T, a *amino.Adapter, req *pb.ListProductLicensesRequest) (*pb.ListProductLicensesResponse, error) {
	t.Helper()
	req.Parent = "vendors/acme"
	return a.ListProductLicenses(t.Context(), req)
}

func TestALicenseIsReadAsAminoTVShowsIt(t *testing.T) {
	for what, body := range map[string]string{"one": one(row("L1", whole)), "in the envelope of a list": several(row("L1", whole))} {
		a, vendor := serve(t, config(), map[string][]reply{getLicense: {ok(body)}})
		got, err := get(t, a)
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		same(t, what, got, wholeLicense("L1"))
		if sent := vendor.Only(getLicense); sent.Header.Get("Accept") != "application/json" || len(sent.Query) != 0 || sent.Body != "" {
			t.Errorf("%s: sent %+v", what, sent)
		}
	}
	least := `"status":"ACTIVE","start_date":null,"stop_date":null,"order_id":null,"renew_record":null,"purchase_record":{"price_currency_amount":null,"price_currency_iso4217":null}`
	a, _ := serve(t, config(), map[string][]reply{getLicense: {ok(one(row("L1", least)))}})
	got, err := get(t, a)
	if err != nil {
		t.Fatal(err)
	}
	same(t, "the license of which nothing is said", got, &pb.ProductLicense{
		Name: licenseL1, User: "viewer", Product: gold, Status: pb.ProductLicense_ACTIVE, VendorStatus: "ACTIVE", Playable: true, Purchase: &pb.ProductLicense_Purchase{},
	})
}

func TestEveryStatus(t *testing.T) {
	for word, want := range map[string]pb.ProductLicense_Status{
		"ACTIVE": pb.ProductLicense_ACTIVE, "SUSPENDED": pb.ProductLicense_SUSPENDED, "SUSPENDEDADMIN": pb.ProductLicense_SUSPENDED_ADMIN,
		"EXPIRED": pb.ProductLicense_EXPIRED, "PROCESSING": pb.ProductLicense_PROCESSING, "CHECK_INVALID": pb.ProductLicense_CHECK_INVALID,
		"ORDER_ERROR": pb.ProductLicense_ORDER_ERROR, "ON_HOLD": pb.ProductLicense_STATUS_UNSPECIFIED, "active": pb.ProductLicense_STATUS_UNSPECIFIED,
		"": pb.ProductLicense_STATUS_UNSPECIFIED,
	} {
		a, _ := serve(t, config(), map[string][]reply{getLicense: {ok(one(row("L1", `"status":"`+word+`"`)))}})
		got, err := get(t, a)
		if err != nil || got.GetStatus() != want || got.GetVendorStatus() != word || got.GetPlayable() != (word == "ACTIVE") {
			t.Errorf("%q is read as %v, %v", word, got, err)
		}
	}
}

func TestPlayableIsToldOfTheMomentOfTheAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now().Add(time.Hour)
		body := one(row("L1", fmt.Sprintf(`"status":"ACTIVE","start_date":%d,"stop_date":%d`, begin.Unix(), begin.Add(time.Hour).Unix())))
		a, _ := serve(t, config(), map[string][]reply{getLicense: {ok(body)}})
		for _, step := range []struct {
			pass     time.Duration
			playable bool
		}{{0, false}, {time.Hour - time.Nanosecond, false}, {time.Nanosecond, true}, {time.Hour - time.Nanosecond, true}, {time.Nanosecond, false}} {
			time.Sleep(step.pass)
			got, err := get(t, a)
			if err != nil || got.GetPlayable() != step.playable {
				t.Errorf("%v after it begins: playable is %t, %v", time.Since(begin), got.GetPlayable(), err)
			}
		}
	})
}

func TestAnAnswerThatCannotBe(t *testing.T) {
	for what, body := range map[string]string{
		"no data":               `{"meta":{}}`,
		"null for data":         `{"data":null}`,
		"none":                  nothing,
		"two":                   several(row("L1", ""), row("L2", "")),
		"no id":                 one(row("", "")),
		"an id that is none":    `{"data":{"type":"License","id":1}}`,
		"a status that is none": one(row("L1", `"status":1`)),
		"milliseconds":          one(row("L1", `"start_date":1583191411000`)),
		"a date":                one(row("L1", `"start_date":"2020-03-02"`)),
		"a price that is none":  one(row("L1", `"purchase_record":{"price_currency_amount":9.99}`)),
	} {
		a, _ := serve(t, config(), map[string][]reply{getLicense: {ok(body)}})
		_, err := get(t, a)
		wantError(t, what, err, codes.Internal, pb.ErrorReason_VENDOR_RESPONSE_INVALID)
	}
	for what, body := range map[string]string{
		"no data":                       `{}`,
		"null for data":                 `{"data":null}`,
		"one":                           one(row("L1", "")),
		"a row without id":              several(row("", "")),
		"more rows than were asked for": several(row("L1", ""), row("L2", ""), row("L3", "")),
	} {
		a, _ := serve(t, config(), map[string][]reply{getLicenses: {ok(body)}})
		_, err := list(t, a, &pb.ListProductLicensesRequest{PageSize: 1})
		wantError(t, "a list with "+what, err, codes.Internal, pb.ErrorReason_VENDOR_RESPONSE_INVALID)
	}
}

func TestAnUnknownLicense(t *testing.T) {
	a, _ := serve(t, config(), map[string][]reply{getLicense: {gone()}})
	_, err := get(t, a)
	e := wantError(t, "GetProductLicense", err, codes.NotFound, pb.ErrorReason_RESOURCE_NOT_FOUND)
	if !strings.Contains(e.Message, licenseL1) || e.Metadata["vendor_code"] != "NOT_THERE" || e.Metadata["vendor_message"] != "Not found: no such thing" {
		t.Errorf("it says %q, with %v", e.Message, e.Metadata)
	}
	_, err = a.GetProductLicense(t.Context(), &pb.GetProductLicenseRequest{Name: "vendors/other/productLicenses/L1"})
	wantRefused(t, "of another vendor", err, "name")
}

func TestAnIDWithASlashIsOneSegment(t *testing.T) {
	a, vendor := serve(t, config(), map[string][]reply{
		"GET " + root + "/licenses/a%2Fb%25":          {ok(one(row("a/b%", "")))},
		"GET " + root + "/users/a%2Fb%3Fc=d/licenses": {ok(nothing)},
	})
	got, err := a.GetProductLicense(t.Context(), &pb.GetProductLicenseRequest{Name: "vendors/acme/productLicenses/a%2Fb%25"})
	if err != nil || got.GetName() != "vendors/acme/productLicenses/a%2Fb%25" {
		t.Errorf("%v, %v", got, err)
	}
	if _, err := list(t, a, &pb.ListProductLicensesRequest{Filter: &pb.ProductLicenseFilter{User: "a/b?c=d"}}); err != nil {
		t.Errorf("%v; made %q", err, made(vendor))
	}
}
