package emulator_test

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/drmhub/drmhub/adapters/telecomx/emulator"
	"github.com/drmhub/drmhub/adapters/twin/twintest"
)

// duck is the account of the vendor's sample, for a customer.
func duck(customer string) emulator.Account {
	return emulator.Account{
		Customer: customer, Username: "donald@duck.com", Password: "vgh38gy3uvhebv", Created: at("2016-01-01 00:00:00"),
		Devices: []emulator.Device{
			{ID: "12345678901234567890AAAA", Type: "IOS", Model: "iPhone 6", Name: "Donalds mobile"},
			{ID: "12345678901234567890BBBB", Type: "WEB", Model: "Chrome"},
		},
	}
}

// TestSamplesOfTheVendor: the 11th to the 20th of 23 accounts, of which the first is the sample's.
func TestSamplesOfTheVendor(t *testing.T) {
	e := server(emulator.Options{})
	for i := range 23 {
		a := emulator.Account{Customer: business, Username: fmt.Sprintf("user%02d", i)}
		if i == 10 {
			a = duck(business)
		}
		e.PutAccounts(a)
	}
	for full, devices := range map[string]string{
		"false": `2`,
		"true": `[
			{"id": "12345678901234567890AAAA", "type": "IOS", "model": "iPhone 6", "name": "Donalds mobile"},
			{"id": "12345678901234567890BBBB", "type": "WEB", "model": "Chrome"}
		]`,
	} {
		p := list(t, e, "offset=10&limit=10&customer="+business+"&full="+full)
		if p.Offset != 10 || p.Limit != 10 || p.Total != 23 || len(p.Accounts) != 10 {
			t.Errorf("full=%s: %+v", full, p)
		}
		first, err := json.Marshal(p.Accounts[0])
		if err != nil {
			t.Fatal(err)
		}
		want := `{"username": "donald@duck.com", "password": "vgh38gy3uvhebv", "devices": ` + devices + `, "created": "2016-01-01T00:00:00.000Z"}`
		twintest.SameJSON(t, "full="+full, string(first), want)
	}
	found := list(t, e, "offset=0&limit=50&filter=nald%40duck&full=true&customer="+business)
	if found.usernames() != "donald@duck.com" || found.Total != 1 || found.Limit != 50 {
		t.Errorf("%+v", found)
	}
}

func TestPages(t *testing.T) {
	e := server(emulator.Options{})
	var all []string
	for i := range 120 {
		all = append(all, fmt.Sprintf("user-%03d", i))
		e.PutAccounts(emulator.Account{Username: all[i]})
	}
	for query, want := range map[string][]string{
		"":                            all[:100],
		"offset=&limit=":              all[:100],
		"limit=500":                   all,
		"limit=1":                     all[:1],
		"offset=100":                  all[100:],
		"offset=119&limit=1":          all[119:],
		"offset=120":                  nil,
		"offset=2147483647&limit=500": nil,
		"offset=3&limit=2":            all[3:5],
	} {
		p := list(t, e, query)
		if p.usernames() != strings.Join(want, " ") || p.Total != 120 || p.Accounts == nil {
			t.Errorf("%s: %d of %d: %s", query, len(p.Accounts), p.Total, p.usernames())
		}
	}
	if p := list(t, e, "filter=-11&offset=8&limit=5"); p.usernames() != "user-118 user-119" || p.Total != 10 || p.Offset != 8 {
		t.Errorf("%+v", p)
	}
	sameJSON(t, "no accounts", call(t, e, "GET", "/iptv/drm?customer="+business, ""), `{"offset":0,"limit":100,"total":0,"accounts":[]}`)
}

func TestFilterAndCase(t *testing.T) {
	for ignores, want := range map[bool]string{false: "Anna.Holm", true: "Anna.Holm anna.holm ANNA.HOLM"} {
		e := server(emulator.Options{Assumptions: emulator.Assumptions{FilterIgnoresCase: ignores}})
		for _, username := range []string{"Anna.Holm", "anna.holm", "ANNA.HOLM", "johanna"} {
			e.PutAccounts(emulator.Account{Username: username})
		}
		if got := list(t, e, "filter=Anna.").usernames(); got != want {
			t.Errorf("ignores case %v: %s", ignores, got)
		}
		if got := list(t, e, "filter="+emulator.DefaultPassword+"&full=true"); got.Total != 0 {
			t.Errorf("%+v", got)
		}
	}
}

func TestGet(t *testing.T) {
	e := server(emulator.Options{})
	e.PutAccounts(duck(private), emulator.Account{Username: "no-devices", Password: "<&>æøå", Created: at("2025-12-31 23:59:59").Add(1234567)})
	want := `{"username":"donald@duck.com","password":"vgh38gy3uvhebv","created":"2016-01-01T00:00:00.000Z","devices":[
		{"_id":"12345678901234567890AAAA","type":"IOS","model":"iPhone 6","name":"Donalds mobile"},
		{"_id":"12345678901234567890BBBB","type":"WEB","model":"Chrome"}]}`
	sameJSON(t, "plain", call(t, e, "GET", "/iptv/drm/donald@duck.com", ""), want)
	sameJSON(t, "escaped", call(t, e, "GET", "/iptv/drm/donald%40duck.com", ""), want)
	got := call(t, e, "GET", "/iptv/drm/no-devices", "")
	if want := `{"username":"no-devices","password":"<&>æøå","created":"2025-12-31T23:59:59.001Z"}`; got.Text != want {
		t.Errorf("%s, want %s", got.Text, want)
	}
	for _, id := range []string{"no-device", "NO-DEVICES", "Donald@duck.com", "no-devices%2F", "12345678901234567890AAAA"} {
		fails(t, id, call(t, e, "GET", "/iptv/drm/"+id, ""), 404, "id")
	}
	fails(t, "a parameter of the list", call(t, e, "GET", "/iptv/drm/no-devices?full=true", ""), 422, "full")
}

func TestPropertiesWithoutAValue(t *testing.T) {
	account := emulator.Account{Username: "account", Password: "password", Created: now}
	device := emulator.Device{ID: "00000000000000000000000a"}
	for _, shown := range []bool{false, true} {
		e := server(emulator.Options{Assumptions: emulator.Assumptions{EmptyShown: shown}})
		for i, want := range []map[bool]string{
			{false: ``, true: `,"devices":0`},
			{false: `,"devices":1`, true: `,"devices":1`},
			{false: ``, true: `,"devices":[]`},
			{false: `,"devices":[{"id":"00000000000000000000000a"}]`, true: `,"devices":[{"id":"00000000000000000000000a","type":"","name":"","model":""}]`},
		} {
			account.Devices = []emulator.Device{device}[:i%2]
			e.PutAccounts(account)
			got := call(t, e, "GET", fmt.Sprintf("/iptv/drm?full=%v", i > 1), "")
			sameJSON(t, fmt.Sprint(shown, i), got, `{"offset":0,"limit":100,"total":1,"accounts":[
				{"username":"account","password":"password","created":"2026-01-02T15:04:05.000Z"`+want[shown]+`}]}`)
		}
	}
}

func TestCreate(t *testing.T) {
	e := server(emulator.Options{})
	create := func(body string) map[string]string {
		t.Helper()
		var a map[string]string
		read(t, call(t, e, "POST", "/iptv/drm", body), &a)
		return a
	}
	given := create(`{"customer":"` + private + `","username":"a.B_c-9@x","password":"123456"}`)
	if given["username"] != "a.B_c-9@x" || given["password"] != "123456" || given["created"] != "2026-01-02T15:04:05.000Z" || len(given) != 3 {
		t.Errorf("%v", given)
	}
	one, other := create(`{"customer":"`+business+`"}`), create(`{"customer":"`+business+`"}`)
	for _, a := range []map[string]string{one, other} {
		if !regexp.MustCompile(`^[0-9]{10}$`).MatchString(a["username"]) || !regexp.MustCompile(`^[a-z0-9]{14}$`).MatchString(a["password"]) {
			t.Errorf("generated %v", a)
		}
	}
	if one["username"] == other["username"] || one["password"] == other["password"] {
		t.Errorf("the same was generated twice: %v, %v", one, other)
	}
	sameJSON(t, "get", call(t, e, "GET", "/iptv/drm/"+one["username"], ""),
		`{"username":"`+one["username"]+`","password":"`+one["password"]+`","created":"2026-01-02T15:04:05.000Z"}`)
	if got := list(t, e, "customer="+business); got.usernames() != one["username"]+" "+other["username"] {
		t.Errorf("%+v", got)
	}
	effects := e.Ledger().Effects()
	if len(effects) != 3 || effects[0].Kind != emulator.EffectAccountCreated || effects[0].Key != "a.B_c-9@x" || effects[0].Details["customer"] != private {
		t.Errorf("%+v", effects)
	}
}

func TestCreateIsRefused(t *testing.T) {
	e := server(emulator.Options{})
	e.PutUsers(emulator.User{Username: "manager", MachineToken: "manager's", Customer: private, AccessLevel: "MANAGER"})
	e.PutAccounts(duck(private), emulator.Account{Customer: business, Username: "taken@acme"})
	before := len(e.Accounts())
	in := func(customer, more string) string { return `{"customer":"` + customer + `"` + more + `}` }
	for name, test := range map[string]struct {
		body    string
		status  int
		message string
	}{
		"no customer":                                {`{}`, 404, "customer"},
		"customer is empty":                          {in("", ""), 404, "customer"},
		"customer is null":                           {`{"customer":null}`, 404, "customer"},
		"customer is a number":                       {`{"customer":1}`, 404, "customer"},
		"unknown customer":                           {in("ffffffffffffffffffffffff", ""), 404, "customer"},
		"customer in another case":                   {in(strings.ToLower(private), ""), 404, "customer"},
		"customer with neither feature":              {in(neither, ""), 403, "access_denied"},
		"private customer that has one":              {in(private, `,"username":"another"`), 409, "customer"},
		"has one, and the username is wrong":         {in(private, `,"username":"x"`), 409, "customer"},
		"username with five characters":              {in(business, `,"username":"abcde"`), 422, "username"},
		"username with a space":                      {in(business, `,"username":"abc def"`), 422, "username"},
		"username with a plus":                       {in(business, `,"username":"a+b@example.com"`), 422, "username"},
		"username with a letter of another alphabet": {in(business, `,"username":"søren.holm"`), 422, "username"},
		"username with a line after it":              {in(business, `,"username":"abcdef\n"`), 422, "username"},
		"username is empty":                          {in(business, `,"username":""`), 422, "username"},
		"username is null":                           {in(business, `,"username":null`), 422, "username"},
		"username is a number":                       {in(business, `,"username":5665673625`), 422, "username"},
		"username is taken":                          {in(business, `,"username":"taken@acme"`), 409, "username"},
		"username is taken by another customer":      {in(business, `,"username":"donald@duck.com"`), 409, "username"},
		"taken, and the password is wrong":           {in(business, `,"username":"taken@acme","password":"12345"`), 409, "username"},
		"password with five characters":              {in(business, `,"password":"12345"`), 422, "password"},
		"password with five characters of two bytes": {in(business, `,"password":"æøåæø"`), 422, "password"},
		"password is empty":                          {in(business, `,"password":""`), 422, "password"},
		"password is null":                           {in(business, `,"password":null`), 422, "password"},
		"password is a list":                         {in(business, `,"password":["123456"]`), 422, "password"},
		"a field that there is none of":              {in(business, `,"devices":5`), 422, "devices"},
		"a field in another case":                    {in(business, `,"Username":"abcdef"`), 422, "Username"},
		"malformed":                                  {`{"customer":`, 400, "bad_request"},
		"no object":                                  {`["customer"]`, 400, "bad_request"},
		"null":                                       {`null`, 400, "bad_request"},
	} {
		fails(t, name, call(t, e, "POST", "/iptv/drm", test.body), test.status, test.message)
	}
	fails(t, "another customer", callAs(t, e, "manager's", "POST", "/iptv/drm", in(business, "")), 403, "access_denied")
	fails(t, "a query", call(t, e, "POST", "/iptv/drm?customer="+business, in(business, "")), 422, "customer")
	if len(e.Accounts()) != before || len(e.Ledger().Effects()) != 0 {
		t.Errorf("%d accounts, effects %+v", len(e.Accounts()), e.Ledger().Effects())
	}
}

func TestCustomerCanBeOptional(t *testing.T) {
	e := server(emulator.Options{Assumptions: emulator.Assumptions{CustomerOptional: true}})
	if got := call(t, e, "POST", "/iptv/drm", `{}`); got.Status != 200 || e.Accounts()[0].Customer != mine {
		t.Errorf("%d %s, %+v", got.Status, got.Text, e.Accounts())
	}
	fails(t, "null", call(t, e, "POST", "/iptv/drm", `{"customer":null}`), 404, "customer")
}

func TestPutAccounts(t *testing.T) {
	e := server(emulator.Options{CustomerID: "cccccccccccccccccccccccc"})
	e.PutAccounts(
		emulator.Account{},
		emulator.Account{Username: "second", Created: at("2025-01-02 03:04:05").Add(1), Devices: []emulator.Device{{Type: "TV"}, {Bound: now}}},
		emulator.Account{Username: "third-one"},
	)
	first, second := e.Accounts()[0], e.Accounts()[1]
	if len(first.Username) != 10 || len(first.Password) != 14 || !first.Created.Equal(now) || first.Customer != "cccccccccccccccccccccccc" {
		t.Errorf("%+v", first)
	}
	made := at("2025-01-02 03:04:05")
	if d := second.Devices; !second.Created.Equal(made) || len(d[0].ID) != 24 || d[0].ID == d[1].ID || !d[0].Bound.Equal(made) || !d[1].Bound.Equal(now) {
		t.Errorf("%+v", second)
	}
	second.Devices[0].Type = "changed outside"
	e.PutAccounts(emulator.Account{Username: "second", Password: "replaced", Devices: second.Devices[:1]})
	second.Devices[0].Type = "changed later"
	got := e.Accounts()
	if len(got) != 3 || got[1].Password != "replaced" || got[1].Devices[0].Type != "changed outside" || got[2].Username != "third-one" {
		t.Errorf("%+v", got)
	}
}

func TestMistakesInAccounts(t *testing.T) {
	device := emulator.Device{ID: "00000000000000000000000a"}
	for name, account := range map[string]emulator.Account{
		"unknown customer":             {Customer: "ffffffffffffffffffffffff"},
		"customer with neither":        {Customer: neither},
		"second of a private customer": {Customer: private},
		"another's username":           {Customer: business, Username: "donald@duck.com"},
		"short username":               {Username: "abcde"},
		"short password":               {Password: "abcde"},
		"too many devices":             {Devices: make([]emulator.Device, 6)},
		"two devices with one id":      {Devices: []emulator.Device{device, device}},
		"another's device":             {Devices: []emulator.Device{{ID: "12345678901234567890AAAA"}}},
		"device with a short id":       {Devices: []emulator.Device{{ID: "1"}}},
	} {
		e := server(emulator.Options{})
		e.PutAccounts(duck(private))
		twintest.WantPanic(t, name, "", func() { e.PutAccounts(account) })
		if n := len(e.Accounts()); n != 1 {
			t.Errorf("%s: %d accounts", name, n)
		}
	}
	e := server(emulator.Options{})
	old := time.Time{}.Add(time.Hour)
	e.PutAccounts(emulator.Account{Devices: append(make([]emulator.Device, 5), emulator.Device{Bound: old, Expires: old.Add(emulator.Binding)})})
}
