package emulator_test

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/drmhub/drmhub/adapters/telecomx/emulator"
	"github.com/drmhub/drmhub/adapters/twin"
	"github.com/drmhub/drmhub/adapters/twin/twintest"
)

func sampleData(seed uint64, now time.Time) *emulator.Emulator {
	return emulator.New(emulator.Options{Seed: seed, WithSampleData: true, Clock: twin.FrozenClock(now)})
}

func TestSampleDataIsReproducible(t *testing.T) {
	one, same, other := sampleData(7, now).Accounts(), sampleData(7, now).Accounts(), sampleData(8, now).Accounts()
	later := sampleData(7, now.Add(time.Hour)).Accounts()
	if !reflect.DeepEqual(one, same) || !reflect.DeepEqual(one, later) {
		t.Error("the accounts differ from one run to the next, or an hour later")
	}
	if reflect.DeepEqual(one, other) {
		t.Error("the accounts are the same from another seed")
	}
}

func TestSampleDataIsPlausible(t *testing.T) {
	e := sampleData(1, now)
	slots := map[string]int{mine: 5, emulator.SampleHotel: 5, emulator.SampleHousehold: 4}
	accounts, types, names := map[string]int{}, map[string]int{}, map[string]bool{}
	var bound, free, frozen, fullUp, without, nameless int
	latest := map[string]time.Time{}
	for _, a := range e.Accounts() {
		accounts[a.Customer]++
		names[a.Username] = true
		isNamed := username.MatchString(a.Username) && a.Username == strings.ToLower(a.Username)
		if !isNamed || len(a.Password) < 6 || !a.Created.Before(now) || a.Created.Before(latest[a.Customer]) {
			t.Errorf("%+v", a)
		}
		latest[a.Customer] = a.Created
		if len(a.Devices) > slots[a.Customer] {
			t.Errorf("%s has %d devices", a.Username, len(a.Devices))
		}
		if len(a.Devices) == slots[a.Customer] {
			fullUp++
		}
		if len(a.Devices) == 0 {
			without++
		}
		for _, d := range a.Devices {
			types[d.Type]++
			switch release := d.Bound.Add(emulator.Binding); {
			case !d.Expires.IsZero():
				frozen++
				if !d.Expires.After(now) || !d.Expires.Equal(release) {
					t.Errorf("a slot held until %v by %+v", d.Expires, d)
				}
			case release.After(now):
				bound++
			default:
				free++
			}
			if d.Name == "" {
				nameless++
			}
			if d.Bound.Before(a.Created) || d.Bound.After(now) {
				t.Errorf("%+v of an account created at %v", d, a.Created)
			}
		}
	}
	// more than the largest page
	twintest.Within(t, "accounts of the broadband company", accounts[mine], 501, 1000)
	twintest.Within(t, "accounts of the hotel", accounts[emulator.SampleHotel], 20, 60)
	twintest.Within(t, "accounts of the household", accounts[emulator.SampleHousehold], 1, 1)
	twintest.Within(t, "types of devices", len(types), 3, 3)
	twintest.Within(t, "bound devices", bound, 200, 1000)
	twintest.Within(t, "devices whose binding is over", free, 500, 2000)
	twintest.Within(t, "devices that hold a slot only", frozen, 10, 200)
	twintest.Within(t, "accounts without a free slot", fullUp, 50, 300)
	twintest.Within(t, "accounts without a device", without, 50, 300)
	twintest.Within(t, "devices without a name", nameless, 200, 1000)
	for i := range 60 { // people who watch at PallyCon's sample sites too
		tester, family := fmt.Sprintf("tester%02d", i%25+1), fmt.Sprintf("family%03d@kids.example", i+1)
		if !names[tester] || !names[family] {
			t.Errorf("%s or %s is missing", tester, family)
		}
	}
}

// The household's account has a device for each outcome of a removal.
func TestSampleHousehold(t *testing.T) {
	e := sampleData(1, now)
	accounts := e.Accounts()
	isHousehold := func(a emulator.Account) bool { return a.Customer == emulator.SampleHousehold }
	a := accounts[slices.IndexFunc(accounts, isHousehold)]
	if _, err := e.BindDevice(a.Username, emulator.Device{}); err == nil {
		t.Error("there is a free slot")
	}
	remove := func(i int, query string) reply {
		return call(t, e, "DELETE", "/iptv/device/"+a.Devices[i].ID+query, "")
	}
	sameJSON(t, "after the binding", remove(0, ""), `{"success":true}`)
	fails(t, "removed before", remove(1, ""), 403, "deleted")
	fails(t, "within the binding", remove(2, ""), 409, "id")
	works(t, "by force", remove(3, "?force=true"))
	if got := list(t, e, "customer="+a.Customer).Accounts[0]["devices"]; got != 1.0 {
		t.Errorf("%v devices are left", got)
	}
}

func BenchmarkSampleData(b *testing.B) {
	for b.Loop() {
		sampleData(1, now)
	}
}
