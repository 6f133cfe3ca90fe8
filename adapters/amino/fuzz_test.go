package amino

import (
	"testing"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"google.golang.org/protobuf/proto"

	"github.com/drmhub/drmhub/adapters/names"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// FuzzLicense reads a license from any body. A license that is read can be sent to the caller, and
// can be issued again as it was.
func FuzzLicense(f *testing.F) {
	for _, s := range []string{
		`{"data":{"type":"License","id":"L1","attributes":{"status":"ACTIVE","start_date":1583191411,` +
			`"stop_date":null,"order_id":"o","renew_record":{"recurring":true,"expiry_date":1}},` +
			`"relationships":{"user":{"data":{"id":"u"}},"product":{"data":{"id":"p"}}}}}`,
		`{"data":[{"id":"a/b%","attributes":{"purchase_record":{"price_currency_amount":-1,` +
			`"price_currency_iso4217":"EUR","purchase_timestamp":-62135596800,"payment_method":"x"}}}]}`,
		`{"data":{"id":"x","attributes":{"start_date":253402300800}}}`,
		`{"data":{"id":7,"attributes":{"start_date":"2020-03-02T23:23:31Z","stop_date":"0000-00-00 00:00:00"}}}`,
		`{"data":{"id":"x","attributes":{"start_date":1583191411000,"stop_date":1e9},"relationships":{"user":[]}}}`,
		`{"data":"x"}`, `{"id":7}`, `"x"`,
		`{"data":[]}`, `{"data":null}`, `{"data":7}`, `{}`, `[]`, `null`, `{"data":{},"data":{}}`,
	} {
		f.Add([]byte(s))
	}
	a := &Adapter{id: "v", config: *NewConfig(), now: time.Now}
	f.Fuzz(func(t *testing.T, body []byte) {
		var d document[licenseResource]
		if err := json.Unmarshal(body, &d); err != nil || !d.one || d.Data.ID == "" {
			return
		}
		l := a.answer(a.license(d.Data))
		if _, err := proto.Marshal(l); err != nil {
			t.Fatalf("%s is read as a license that cannot be sent: %v", body, err)
		}
		if ids, err := names.ProductLicense.IDs(l.GetName()); err == nil && ids[1] != d.Data.ID {
			t.Errorf("%s has the name %q", body, l.GetName())
		}
		ended := l.GetStopTime() != nil && l.GetStopTime().AsTime().Before(time.Now().Add(-time.Minute))
		if l.GetPlayable() && (l.GetStatus() != pb.ProductLicense_ACTIVE || ended) {
			t.Errorf("%s is playable: %v", body, l)
		}
		sent, err := json.Marshal(licenseBody(l))
		if err != nil {
			t.Fatalf("%s cannot be issued again: %v", body, err)
		}
		var back licenseResource
		if err := json.Unmarshal(sent, &back); err != nil {
			t.Fatal(err)
		}
		back.ID = d.Data.ID
		again := a.answer(a.license(back))
		if again.Product != "" && l.Product != "" && !proto.Equal(again, l) {
			t.Errorf("%s is issued again as %v, and was %v", body, again, l)
		}
	})
}

// FuzzErrors reads an error from any body.
func FuzzErrors(f *testing.F) {
	for _, s := range []string{
		`{"errors":[{"status":"422","code":"C","title":"T","detail":"D"}]}`, `{"errors":[{"code":1},{"detail":"x"}]}`,
		`{"errors":[]}`, `{"errors":{}}`, `<html>`, ``, "\xff",
	} {
		f.Add(422, []byte(s))
	}
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		e := failure(status, nil, body)
		if e == nil {
			return // is not in AminoTV's form
		}
		// The HTTP status decides the code and the reason.
		if e.Code != 0 || e.Reason != pb.ErrorReason_ERROR_REASON_UNSPECIFIED || !utf8.ValidString(e.Message) {
			t.Errorf("HTTP %d, %q: %+v", status, body, e)
		}
	})
}
