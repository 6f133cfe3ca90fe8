package emulator_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/drmhub/drmhub/adapters/amino/emulator"
	"github.com/drmhub/drmhub/adapters/twin"
	"github.com/drmhub/drmhub/adapters/twin/twintest"
)

func sampleData(seed uint64, at time.Time) *emulator.Emulator {
	return emulator.New(emulator.Options{Seed: seed, WithSampleData: true, Clock: twin.FrozenClock(at)})
}

func TestSampleDataIsReproducible(t *testing.T) {
	one, same, other := sampleData(7, now), sampleData(7, now), sampleData(8, now)
	later := sampleData(7, now.Add(time.Hour))
	if !slices.Equal(one.Licenses(), same.Licenses()) || !slices.Equal(one.Products(), same.Products()) ||
		!slices.Equal(one.Entitlements(), same.Entitlements()) {
		t.Error("the data differ from one run to the next")
	}
	if slices.Equal(one.Licenses(), other.Licenses()) {
		t.Error("another seed gives the same licenses")
	}
	id := func(l emulator.License) string { return l.ID + l.UserID + l.OrderID + l.PurchaseTimestamp.String() }
	sameLicense := func(a, b emulator.License) bool { return id(a) == id(b) }
	if !slices.EqualFunc(one.Licenses(), later.Licenses(), sameLicense) {
		t.Error("an hour later there are other licenses")
	}
}

func TestSampleDataIsPlausible(t *testing.T) {
	e := sampleData(1, now)
	statuses, users, orders := map[string]int{}, map[string]bool{}, map[string]bool{}
	recurring, paid := 0, 0
	rows := e.Licenses()
	for i, l := range rows {
		statuses[l.Status]++
		users[l.UserID], orders[l.OrderID] = true, true
		if l.PurchaseTimestamp.After(now) || i > 0 && l.PurchaseTimestamp.Before(rows[i-1].PurchaseTimestamp) {
			t.Errorf("bought in the future, or not in order: %+v", l)
		}
		over := l.Recurring && !l.ExpiryDate.After(now) || !l.StopDate.IsZero() && !l.StopDate.After(now)
		if l.Status == emulator.StatusActive && over {
			t.Errorf("active although its time is over: %+v", l)
		}
		if l.Recurring {
			recurring++
		}
		if l.PriceAmount > 0 {
			paid++
		}
		if !strings.HasPrefix(l.UserID, "tester") && !strings.HasSuffix(l.UserID, "@kids.example") {
			t.Errorf("a user that no other vendor knows: %s", l.UserID)
		}
	}
	twintest.Within(t, "licenses", len(rows), 150, 280)
	twintest.Within(t, "orders", len(orders), len(rows), len(rows))
	twintest.Within(t, "users", len(users), 75, 85)
	twintest.Within(t, "products", len(e.Products()), 5, 10)
	twintest.Within(t, "statuses", len(statuses), 7, 7)
	twintest.Within(t, "active ones", statuses[emulator.StatusActive], len(rows)/2, len(rows)*9/10)
	twintest.Within(t, "expired ones", statuses[emulator.StatusExpired], len(rows)/10, len(rows)/3)
	twintest.Within(t, "recurring ones", recurring, len(rows)/5, len(rows)/2)
	twintest.Within(t, "paid ones", paid, len(rows)/3, len(rows)*4/5)
	twintest.Within(t, "entitlements", len(e.Entitlements()), len(rows), len(rows))
	if effects(e) != "" {
		t.Error("sample data count as effects of requests")
	}
}

// BenchmarkNew measures a new twin: the exhaustive test makes tens of thousands.
func BenchmarkNew(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		emulator.New(emulator.Options{})
	}
}
