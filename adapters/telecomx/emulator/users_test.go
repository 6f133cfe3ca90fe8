package emulator_test

import (
	"strings"
	"testing"

	"github.com/drmhub/drmhub/adapters/telecomx/emulator"
	"github.com/drmhub/drmhub/adapters/twin/twintest"
)

// The vendor's pages say which level may make which call. Each row has a letter for each level, from
// NO_LOGIN to ADMIN: y is admitted, n is denied.
func TestAccessLevels(t *testing.T) {
	const boundID, freeID = "000000000000000000000001", "000000000000000000000002"
	levels := []string{"NO_LOGIN", "PERSONAL", "VIEWER", "MANAGER", "OWNER", "RESELLER", "RESELLER_ADMIN", "ADMIN"}
	type call struct{ method, target, body string }
	listing, getting := call{"GET", "/iptv/drm?customer=CUSTOMER", ""}, call{"GET", "/iptv/drm/existing", ""}
	creating := call{"POST", "/iptv/drm", `{"customer":"CUSTOMER"}`}
	removing := call{"DELETE", "/iptv/device/" + freeID, ""}
	forcing := call{"DELETE", "/iptv/device/" + boundID + "?force=true", ""}
	for _, test := range []struct {
		name     string
		features []string // of the customer
		foreign  bool     // the user is another customer's
		call     call
		want     string
	}{
		{"list of a business", []string{"IPTVBUSINESS"}, false, listing, "nn yyy nn y"},
		{"list of a private customer", []string{"IPTVPRIVATE"}, false, listing, "nn yyy yy y"},
		{"list of one with both", []string{"IPTVPRIVATE", "IPTVBUSINESS"}, false, listing, "nn yyy yy y"},
		{"list of one with neither", []string{"VOIP"}, false, listing, "nn nnn nn y"},
		{"list of another private customer", []string{"IPTVPRIVATE"}, true, listing, "nn nnn yy y"},
		{"list of another business", []string{"IPTVBUSINESS"}, true, listing, "nn nnn nn y"},
		{"get of a business", []string{"IPTVBUSINESS"}, false, getting, "nn yyy nn y"},
		{"get of another private customer", []string{"IPTVPRIVATE"}, true, getting, "nn nnn yy y"},
		{"create for a business", []string{"IPTVBUSINESS"}, false, creating, "nn nyy nn y"},
		{"create for another business", []string{"IPTVBUSINESS"}, true, creating, "nn nnn nn y"},
		{"create for one with both", []string{"IPTVPRIVATE", "IPTVBUSINESS"}, true, creating, "nn nnn yy y"},
		{"create for one with neither", []string{"VOIP"}, false, creating, "nn nnn nn n"},
		{"remove from a business", []string{"IPTVBUSINESS"}, false, removing, "nn nyy nn y"},
		{"remove from another private customer", []string{"IPTVPRIVATE"}, true, removing, "nn nnn yy y"},
		{"remove by force from a business", []string{"IPTVBUSINESS"}, false, forcing, "nn nnn nn y"},
		{"remove by force from a private customer", []string{"IPTVPRIVATE"}, false, forcing, "nn nnn yy y"},
		{"remove by force from another private customer", []string{"IPTVPRIVATE"}, true, forcing, "nn nnn yy y"},
	} {
		for i, want := range strings.ReplaceAll(test.want, " ", "") {
			e := server(emulator.Options{})
			own := business
			if !test.foreign {
				own = mine
			}
			e.PutUsers(emulator.User{Username: "user", MachineToken: "user's", Customer: own, AccessLevel: levels[i]})
			devices := []emulator.Device{{ID: boundID, Bound: now}, {ID: freeID}}
			created := at("2025-01-01 00:00:00")
			e.PutAccounts(emulator.Account{Username: "existing", Created: created, Devices: devices})
			e.PutCustomers(emulator.Customer{ID: mine, Features: test.features})
			replace := strings.NewReplacer("CUSTOMER", mine).Replace
			got := callAs(t, e, "user's", test.call.method, replace(test.call.target), replace(test.call.body))
			if want == 'y' {
				works(t, test.name+", "+levels[i], got)
				continue
			}
			fails(t, test.name+", "+levels[i], got, 403, "access_denied")
			if n := len(e.Ledger().Effects()); n != 0 {
				t.Errorf("%s, %s: %d effects", test.name, levels[i], n)
			}
		}
	}
}

func TestMistakesInUsersAndCustomers(t *testing.T) {
	for name, put := range map[string]func(e *emulator.Emulator){
		"customer with a short id": func(e *emulator.Emulator) { e.PutCustomers(emulator.Customer{ID: "12345"}) },
		"user of no customer": func(e *emulator.Emulator) {
			e.PutUsers(emulator.User{Username: "x", Customer: "ffffffffffffffffffffffff", AccessLevel: "ADMIN"})
		},
		"user of no level": func(e *emulator.Emulator) {
			e.PutUsers(emulator.User{Username: "x", Customer: mine, AccessLevel: "admin"})
		},
	} {
		twintest.WantPanic(t, name, "", func() { put(server(emulator.Options{})) })
	}
}
