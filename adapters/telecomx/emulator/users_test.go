package emulator_test

import (
	"testing"

	"github.com/drmhub/drmhub/adapters/telecomx/emulator"
	"github.com/drmhub/drmhub/adapters/twin/twintest"
)

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
