package gateway_test

import (
	"net/http"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

func TestBodiesBecomeMessages(t *testing.T) {
	ask := requests(t)
	for _, c := range []struct {
		body, contentType string
		want              *pb.Member
	}{
		{`{"email":"a@example.com","group":"CLIENT"}`, "application/json", &pb.Member{Email: "a@example.com", Group: pb.Member_CLIENT}},
		{` {"vendor_group":"1"} ` + "\n", "application/json; charset=UTF-8", &pb.Member{VendorGroup: "1"}},
		{`{"group":null}`, "Application/JSON", &pb.Member{}},
		{"", "", &pb.Member{}},
		{" \n", "text/plain", &pb.Member{}},
	} {
		r, got := ask("POST", "/v1/vendors/v/members", c.body, "Content-Type: "+c.contentType)
		if want := (&pb.CreateMemberRequest{Parent: "vendors/v", Member: c.want}); got == nil || !proto.Equal(got, want) {
			t.Errorf("%s: got %v, want %v: %s", c.body, got, want, r.text)
		}
	}
	if r, got := ask("POST", "/v1/vendors/v:check", ""); got == nil {
		t.Errorf("an empty body where a request is the body: %s", r.text)
	}
}

func TestBodiesThatAreRefused(t *testing.T) {
	ask := requests(t)
	const member, product, batch = "/v1/vendors/v/members", "/v1/vendors/v/products", "/v1/vendors/v/productLicenses:batchCreate"
	const fairPlay = "/v1/vendors/v/sites/s:registerFairPlayCertificate"
	for _, c := range []struct{ path, body, field, says string }{
		{member, `{"mail":"a"}`, "mail", "no such field"},
		{member, "{\n  \"email\": \"é\", \"mail\": 1}", "mail", "no such field"},
		{member, `{"email":"duplicate","group":"unknown field"}`, "group", "BUSINESS, TECHNICAL_SUPPORT, CLIENT"},
		{member, `{"email":"a","email":"b"}`, "email", "more than once"},
		{member, `{"vendorGroup":"a","vendor_group":"b"}`, "vendor_group", "more than once"},
		{member, `{"email":1}`, "email", "must be text"},
		{member, `{"email":{"a":1}}`, "email", "must be text"},
		{member, `[]`, "", "must be a JSON object"},
		{member, `null`, "", "must be a JSON object"},
		{member, `{"email":"a"`, "", "not JSON"},
		{member, `{"email":"a"} x`, "", "not JSON"},
		{member, `{"email":"a"}{}`, "", "not JSON"},
		{member, `{'email':'a'}`, "", "line 1, column 2"},
		{member, "{\n\"email\" 1}", "", "line 2, column 9"},
		{member, "{\"email\":\"\xff\"}", "email", "UTF-8"},
		{product, `{"price":{"amount":"much"}}`, "price.amount", "must be a whole number"},
		{product, `{"price":{"amount":1,"cents":1}}`, "price.cents", "no such field"},
		{product, `{"price":5}`, "price", "must be a JSON object"},
		{product, `{"buyable":"yes"}`, "buyable", "must be true or false"},
		{batch, `{"requests":[{},{"productLicense":{"usr":"a"}}]}`, "requests[1].productLicense.usr", "no such field"},
		{batch, `{"requests":[{},7]}`, "requests[1]", "must be a JSON object"},
		{batch, `{"requests":{}}`, "requests", "must be a JSON array"},
		{batch, `{"requests":[{"productLicense":{"startTime":"today"}}]}`, "requests[0].productLicense.startTime", "RFC 3339"},
		{"/v1/vendors/v/productLicenses:batchDelete", `{"names":["a",1]}`, "names[1]", "must be text"},
		{fairPlay, `{"privateKey":"-----BEGIN hunter2"}`, "privateKey", "must be base64"},
		{fairPlay, `{"keyPassword":["hunter2"]}`, "keyPassword", "must be text"},
	} {
		t.Run(c.body, func(t *testing.T) {
			r, got := ask("POST", c.path, c.body)
			if got != nil {
				t.Errorf("the call was made: %v", got)
			}
			e := r.failed(t, http.StatusBadRequest, "INVALID_ARGUMENT", "REQUEST_INVALID")
			if e.fields() != c.field || !strings.Contains(e.Message, c.says) {
				t.Errorf("field %q, %q; want %q, %q", e.fields(), e.Message, c.field, c.says)
			}
			if strings.Contains(r.text, "hunter2") {
				t.Errorf("the error repeats a secret: %s", r.text)
			}
		})
	}
	r, _ := ask("PATCH", "/v1/vendors/v/members/m", `{"mail":"a"}`)
	if e := r.failed(t, http.StatusBadRequest, "INVALID_ARGUMENT", "REQUEST_INVALID"); e.fields() != "mail" {
		t.Errorf("PATCH: %s", r.text)
	}
}

func TestABodyMayRepeatTheNameInThePath(t *testing.T) {
	ask := requests(t)
	for _, c := range []struct {
		call, field string // field holds what the path says
		names       []string
	}{
		{"POST /v1/vendors/v/sites/a%2Fb:disable", "name", []string{"vendors/v/sites/a%2Fb", "vendors/v/sites/%61%2fb", ""}},
		{"POST /v1/vendors/v/productLicenses:batchDelete", "parent", []string{"vendors/v", "vendors/%76"}},
		{"PATCH /v1/vendors/v/members/m", "name", []string{"vendors/v/members/m"}},
		// of what is to be created, it does not matter (AIP-133)
		{"POST /v1/vendors/v/members", "name", []string{"vendors/w/members/m"}},
	} {
		method, path, _ := strings.Cut(c.call, " ")
		for _, name := range c.names {
			if r, got := ask(method, path, `{"`+c.field+`":"`+name+`"}`); got == nil {
				t.Errorf("%s with the %s %q: %s", c.call, c.field, name, r.text)
			}
		}
	}
}

func TestABodyMustNotContradictThePath(t *testing.T) {
	ask := requests(t)
	for _, c := range []struct{ call, body, field, inPath, inBody string }{
		{"POST /v1/vendors/v/sites/a:disable", `{"name":"vendors/v/sites/b"}`, "name", "vendors/v/sites/a", "vendors/v/sites/b"},
		{"POST /v1/vendors/v/sites/a%2Fb:enable", `{"name":"vendors/v/sites/a/b"}`, "name", "vendors/v/sites/a%2Fb", "vendors/v/sites/a/b"},
		{"POST /v1/vendors/v/sites/a:disable", `{"name":"%"}`, "name", "vendors/v/sites/a", "%"},
		{"POST /v1/vendors/v/productLicenses:batchCreate", `{"parent":"vendors/w"}`, "parent", "vendors/v", "vendors/w"},
		{"POST /v1/mutations/1:settle", `{"name":"mutations/2"}`, "name", "mutations/1", "mutations/2"},
		{"PATCH /v1/vendors/v/members/1", `{"name":"vendors/v/members/2","group":"CLIENT"}`, "name", "vendors/v/members/1", "vendors/v/members/2"},
		{"PATCH /v1/vendors/v/sites/s/integration?updateMask=tokenDuration", `{"name":"vendors/v/sites/t/integration"}`, "name", "vendors/v/sites/s/integration", "vendors/v/sites/t/integration"},
	} {
		method, path, _ := strings.Cut(c.call, " ")
		r, got := ask(method, path, c.body)
		e := r.failed(t, http.StatusBadRequest, "INVALID_ARGUMENT", "REQUEST_INVALID")
		if got != nil || e.fields() != c.field || !strings.Contains(e.Message, "body says "+c.inBody+", ") || !strings.Contains(e.Message, "path "+c.inPath+": ") {
			t.Errorf("%s with %s: field %q, %q; called with %v", c.call, c.body, e.fields(), e.Message, got)
		}
	}
}

func TestBodiesWhereNoneIsTaken(t *testing.T) {
	ask := requests(t)
	for _, c := range []struct{ method, path string }{
		{"GET", "/v1/vendors"},
		{"GET", "/v1/vendors/v/sites/s/licenses:stream"},
		{"DELETE", "/v1/vendors/v/drmAccounts/a/devices/d"},
	} {
		r, got := ask(c.method, c.path, `{"force":true}`)
		if r.failed(t, http.StatusBadRequest, "INVALID_ARGUMENT", "REQUEST_INVALID"); got != nil {
			t.Errorf("%s: the call was made", c.path)
		}
	}
}

func TestMediaTypesThatAreRefused(t *testing.T) {
	ask := requests(t)
	for _, header := range []string{
		"Content-Type: text/plain", "Content-Type: ", "Content-Type: application/x-www-form-urlencoded", "Content-Type: application/json; charset=latin1",
		"Content-Type: application/json; charset", "Content-Type: application/jsonx", "Content-Encoding: gzip",
	} {
		r, got := ask("POST", "/v1/vendors/v/members", `{}`, header)
		if r.failed(t, http.StatusUnsupportedMediaType, "INVALID_ARGUMENT", "REQUEST_INVALID"); got != nil {
			t.Errorf("%s: the call was made", header)
		}
	}
}

func TestBodiesThatAreTooLarge(t *testing.T) {
	ask := requests(t) // takes 1000 bytes
	body := func(size int) string { return `{"email":"` + strings.Repeat("a", size-len(`{"email":""}`)) + `"}` }
	if r, got := ask("POST", "/v1/vendors/v/members", body(1000)); got == nil {
		t.Errorf("1000 bytes: %s", r.text)
	}
	r, got := ask("POST", "/v1/vendors/v/members", body(1001))
	if e := r.failed(t, http.StatusRequestEntityTooLarge, "INVALID_ARGUMENT", "REQUEST_INVALID"); got != nil || !strings.Contains(e.Message, "1000 bytes") {
		t.Errorf("1001 bytes: %v, %q", got, e.Message)
	}
}

func TestLongNamesAreNotRepeatedInFull(t *testing.T) {
	ask := requests(t)
	long := strings.Repeat("x", 900)
	for path, body := range map[string]string{"/v1/vendors/v/members?" + long + "=1": "", "/v1/vendors/v/members": `{"` + long + `":1}`} {
		r, _ := ask("POST", path, body)
		if r.failed(t, http.StatusBadRequest, "INVALID_ARGUMENT", "REQUEST_INVALID"); len(r.text) > 1000 {
			t.Errorf("%d bytes: %s", len(r.text), r.text)
		}
	}
}
