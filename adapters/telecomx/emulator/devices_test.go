package emulator_test

import (
	"errors"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/drmhub/drmhub/adapters/telecomx/emulator"
)

const day = 24 * time.Hour

// withDevice returns a server whose account "viewer" has one device, bound so long ago.
func withDevice(t *testing.T, ago time.Duration) (*emulator.Emulator, string) {
	t.Helper()
	e := server(emulator.Options{})
	e.PutAccounts(emulator.Account{Username: "viewer", Created: now.Add(-400 * day)})
	d, err := e.BindDevice("viewer", emulator.Device{Type: "IOS", Bound: now.Add(-ago)})
	if err != nil {
		t.Fatal(err)
	}
	e.Ledger().Clear()
	return e, d.ID
}

func TestRemovalOfADevice(t *testing.T) {
	const expires = "2026-02-01T15:04:05.000Z" // of a device that was bound 60 days ago
	const withinBinding = `{"success":true,"expires":"` + expires + `"}`
	for name, test := range map[string]struct {
		ago    time.Duration
		query  string
		status int
		want   string
	}{
		"after the binding":                {91 * day, "", 200, `{"success":true}`},
		"when the binding ends":            {90 * day, "", 200, `{"success":true}`},
		"just before the binding ends":     {90*day - time.Millisecond, "", 409, `{"error":"id"}`},
		"within the binding":               {60 * day, "", 409, `{"error":"id"}`},
		"within, and force is false":       {60 * day, "?force=false", 409, `{"error":"id"}`},
		"within, and force is empty":       {60 * day, "?force=", 409, `{"error":"id"}`},
		"by force within the binding":      {60 * day, "?force=true", 200, withinBinding},
		"by force after the binding":       {90 * day, "?force=true", 200, `{"success":true}`},
		"force is another word":            {60 * day, "?force=1", 422, `{"error":"force"}`},
		"with a parameter that is unknown": {91 * day, "?full=true", 422, `{"error":"full"}`},
	} {
		e, id := withDevice(t, test.ago)
		got := call(t, e, "DELETE", "/iptv/device/"+id+test.query, "")
		if got.Status != test.status || got.Text != test.want {
			t.Errorf("%s: %d %s, want %d %s", name, got.Status, got.Text, test.status, test.want)
		}
		effects, listed := e.Ledger().Effects(), strings.Contains(call(t, e, "GET", "/iptv/drm/viewer", "").Text, id)
		if removed := test.status == 200; listed == removed || len(effects) == 1 != removed {
			t.Errorf("%s: listed %v, effects %+v", name, listed, effects)
		}
		if test.want == `{"success":true}` {
			fails(t, name+", again", call(t, e, "DELETE", "/iptv/device/"+id, ""), 404, "id")
		}
		if test.want != withinBinding {
			continue
		}
		details := map[string]string{"username": "viewer", "forced": "true", "expires": expires}
		deleted := effects[0].Kind == emulator.EffectDeviceDeleted && effects[0].Key == id
		if !deleted || !maps.Equal(effects[0].Details, details) {
			t.Errorf("%+v", effects)
		}
	}
}

// A private account has four slots, a business one five. A device that is removed by force holds its
// slot until the end of its binding, and is not listed or counted.
func TestSlots(t *testing.T) {
	for customer, slots := range map[string]int{private: 4, business: 5} {
		e := server(emulator.Options{})
		e.PutAccounts(emulator.Account{Customer: customer, Username: "viewer"})
		var last emulator.Device
		for i := range slots {
			d, err := e.BindDevice("viewer", emulator.Device{Type: "WEB"})
			if err != nil || len(d.ID) != 24 || !d.Bound.Equal(now) {
				t.Fatalf("device %d of %d: %+v, %v", i+1, slots, d, err)
			}
			last = d
		}
		full := func(when string, want bool) {
			t.Helper()
			_, err := e.BindDevice("viewer", emulator.Device{Type: "WEB"})
			if errors.Is(err, emulator.ErrSlotsFull) != want || !want && err != nil {
				t.Errorf("%s: %v", when, err)
			}
		}
		full("with all slots held", true)
		e.Clock().Advance(30 * day)
		removed := call(t, e, "DELETE", "/iptv/device/"+last.ID+"?force=true", "")
		sameJSON(t, "by force", removed, `{"success":true,"expires":"2026-04-02T15:04:05.000Z"}`)
		if got := list(t, e, "customer="+customer).Accounts[0]["devices"]; got != float64(slots-1) {
			t.Errorf("%v devices are counted", got)
		}
		full("after a removal by force", true)
		for _, query := range []string{"", "?force=true"} {
			fails(t, "removed already", call(t, e, "DELETE", "/iptv/device/"+last.ID+query, ""), 403, "deleted")
		}
		e.Clock().Set(last.Bound.Add(emulator.Binding - time.Millisecond))
		full("just before the slot is free", true)
		fails(t, "just before the slot is free", call(t, e, "DELETE", "/iptv/device/"+last.ID, ""), 403, "deleted")
		e.Clock().Advance(time.Millisecond)
		fails(t, "when the slot is free", call(t, e, "DELETE", "/iptv/device/"+last.ID, ""), 404, "id")
		full("when the slot is free", false)
		full("when it is held again", true)
	}
}

func TestBindDeviceRefuses(t *testing.T) {
	e, id := withDevice(t, 0)
	e.PutAccounts(emulator.Account{Username: "another"})
	for name, bind := range map[string]func() (emulator.Device, error){
		"unknown account": func() (emulator.Device, error) { return e.BindDevice("nobody", emulator.Device{}) },
		"id is taken":     func() (emulator.Device, error) { return e.BindDevice("another", emulator.Device{ID: id}) },
		"id is no id":     func() (emulator.Device, error) { return e.BindDevice("another", emulator.Device{ID: "1"}) },
	} {
		if d, err := bind(); err == nil || errors.Is(err, emulator.ErrSlotsFull) {
			t.Errorf("%s: %+v, %v", name, d, err)
		}
	}
	if n := len(e.Ledger().Effects()); n != 0 {
		t.Errorf("%d effects", n)
	}
}

func TestAdminBindsDevices(t *testing.T) {
	e := server(emulator.Options{})
	e.PutAccounts(emulator.Account{Customer: private, Username: "viewer"})
	bind := func(body string, status int) {
		t.Helper()
		if got := do(t, e, request(t, "POST", "/_twin/bindDevice", body)); got.Status != status {
			t.Errorf("%s: %d %s", body, got.Status, got.Text)
		}
	}
	bind(`{"username":"viewer","type":"IOS","model":"iPad","name":"Kitchen"}`, 201)
	for range 3 {
		bind(`{"username":"viewer"}`, 201)
	}
	bind(`{"username":"viewer"}`, 409)
	bind(`{"username":"nobody"}`, 409)
	bind(`{"user":"viewer"}`, 400)
	d := e.Accounts()[0].Devices
	first := emulator.Device{ID: d[0].ID, Type: "IOS", Model: "iPad", Name: "Kitchen", Bound: now}
	if len(d) != 4 || d[0] != first || d[1].Type != "WEB" || len(e.Ledger().Effects()) != 4 {
		t.Errorf("%+v", d)
	}
}
