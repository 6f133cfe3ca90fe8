package emulator_test

import (
	"errors"
	"testing"

	"github.com/drmhub/drmhub/adapters/telecomx/emulator"
)

func TestBindDevice(t *testing.T) {
	e, id := server(emulator.Options{}), "00000000000000000000000a"
	e.PutAccounts(
		emulator.Account{Username: "viewer", Devices: []emulator.Device{{ID: id}}},
		emulator.Account{Username: "another"},
		emulator.Account{Username: "household", Devices: make([]emulator.Device, 5)},
	)
	for name, bind := range map[string]func() (emulator.Device, error){
		"unknown account": func() (emulator.Device, error) { return e.BindDevice("nobody", emulator.Device{}) },
		"id is taken":     func() (emulator.Device, error) { return e.BindDevice("another", emulator.Device{ID: id}) },
		"id is no id":     func() (emulator.Device, error) { return e.BindDevice("another", emulator.Device{ID: "1"}) },
	} {
		if d, err := bind(); err == nil || errors.Is(err, emulator.ErrSlotsFull) {
			t.Errorf("%s: %+v, %v", name, d, err)
		}
	}
	if _, err := e.BindDevice("household", emulator.Device{}); !errors.Is(err, emulator.ErrSlotsFull) {
		t.Errorf("all slots are held: %v", err)
	}
	if n := len(e.Ledger().Effects()); n != 0 {
		t.Errorf("%d effects", n)
	}
	if d, err := e.BindDevice("another", emulator.Device{}); err != nil || len(d.ID) != 24 || !d.Bound.Equal(now) {
		t.Errorf("%+v, %v", d, err)
	}
}
