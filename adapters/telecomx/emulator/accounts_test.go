package emulator_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/drmhub/drmhub/adapters/telecomx/emulator"
	"github.com/drmhub/drmhub/adapters/twin/twintest"
)

// duck returns the account of the vendor's sample, for a customer.
func duck(customer string) emulator.Account {
	return emulator.Account{
		Customer: customer, Username: "donald@duck.com", Password: "vgh38gy3uvhebv",
		Created: at("2016-01-01 00:00:00"),
		Devices: []emulator.Device{
			{ID: "12345678901234567890AAAA", Type: "IOS", Model: "iPhone 6", Name: "Donalds mobile"},
			{ID: "12345678901234567890BBBB", Type: "WEB", Model: "Chrome"},
		},
	}
}

// The page is the 11th to the 20th of 23 accounts, of which the first is the sample's.
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
		want := `{"username": "donald@duck.com", "password": "vgh38gy3uvhebv", "devices": ` + devices + `,
			"created": "2016-01-01T00:00:00.000Z"}`
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
	p := list(t, e, "filter=-11&offset=8&limit=5")
	if p.usernames() != "user-118 user-119" || p.Total != 10 || p.Offset != 8 {
		t.Errorf("%+v", p)
	}
	empty := call(t, e, "GET", "/iptv/drm?customer="+business, "")
	sameJSON(t, "no accounts", empty, `{"offset":0,"limit":100,"total":0,"accounts":[]}`)
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
	wanted := map[string]string{"username": "a.B_c-9@x", "password": "123456", "created": "2026-01-02T15:04:05.000Z"}
	if !maps.Equal(given, wanted) {
		t.Errorf("%v", given)
	}
	one, other := create(`{"customer":"`+business+`"}`), create(`{"customer":"`+business+`"}`)
	generated := regexp.MustCompile(`^[0-9]{10} [a-z0-9]{14}$`)
	for _, a := range []map[string]string{one, other} {
		if !generated.MatchString(a["username"] + " " + a["password"]) {
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
	isGiven := effects[0].Key == "a.B_c-9@x" && effects[0].Details["customer"] == private
	if len(effects) != 3 || effects[0].Kind != emulator.EffectAccountCreated || !isGiven {
		t.Errorf("%+v", effects)
	}
}

func TestPutAccounts(t *testing.T) {
	const own = "cccccccccccccccccccccccc"
	e, made := server(emulator.Options{CustomerID: own}), at("2025-01-02 03:04:05")
	devices := []emulator.Device{{Type: "TV"}, {Bound: now}}
	e.PutAccounts(
		emulator.Account{},
		emulator.Account{Username: "second", Created: made.Add(1), Devices: devices},
		emulator.Account{Username: "third-one"},
	)
	first, second := e.Accounts()[0], e.Accounts()[1]
	if len(first.Username) != 10 || len(first.Password) != 14 || !first.Created.Equal(now) || first.Customer != own {
		t.Errorf("%+v", first)
	}
	d := second.Devices
	isBound := d[0].Bound.Equal(made) && d[1].Bound.Equal(now)
	if !second.Created.Equal(made) || len(d[0].ID) != 24 || d[0].ID == d[1].ID || !isBound {
		t.Errorf("%+v", second)
	}
	second.Devices[0].Type = "changed outside"
	e.PutAccounts(emulator.Account{Username: "second", Password: "replaced", Devices: second.Devices[:1]})
	second.Devices[0].Type = "changed later"
	got := e.Accounts()
	isReplaced := got[1].Password == "replaced" && got[1].Devices[0].Type == "changed outside"
	if len(got) != 3 || !isReplaced || got[2].Username != "third-one" {
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
	removed := emulator.Device{Bound: old, Expires: old.Add(emulator.Binding)}
	e.PutAccounts(emulator.Account{Devices: append(make([]emulator.Device, 5), removed)})
}
