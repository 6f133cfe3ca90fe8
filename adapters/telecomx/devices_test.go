package telecomx_test

import (
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/drmhub/drmhub/adapters/adaptertest/wiretest"
	"github.com/drmhub/drmhub/adapters/mutation"
)

// without is Donald's account without his iPhone.
var without = `{"username":"donald@duck.com","devices":[{"_id":"12345678901234567890BBBB"}]}`

func TestRemovingADeviceSendsWhatIsDocumented(t *testing.T) {
	const force = "force=true"
	noon := timestamppb.New(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC))
	for what, c := range map[string]struct {
		force       bool
		body, query string
		release     *timestamppb.Timestamp
	}{
		"after its binding":            {false, `{"success":true}`, "", nil},
		"without a time":               {true, `{"success":true,"expires":null}`, force, nil},
		"by force, within its binding": {true, `{"success":true,"expires":"2026-03-01T12:00:00.000Z"}`, force, noon},
		"a time of another zone":       {true, `{"success":true,"expires":"2026-03-01T13:00:00+01:00"}`, force, noon},
	} {
		a, vendor := serve(t, config(), replies{getDonald: ok(single), deleteDevice: ok(c.body)})
		got, err := remove(t, a, mutation.NewMemory(), c.force)
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		want := donaldDevices()[0]
		want.ReleaseTime = c.release
		same(t, what, got, want)
		wantQuery(t, vendor.Only(deleteDevice), "the-first-token", c.query)
	}
}

func TestADeviceThatCannotBeRemoved(t *testing.T) {
	const force, until = "set force, which takes the access level RESELLER or ADMIN", "until 2026-03-01T12:00:00Z"
	const boundUntil = `{"error":"id","expires":"2026-03-01T12:00:00.000Z"}`
	for what, c := range map[string]struct {
		status  int
		body    string
		outcome outcome
		says    string
	}{
		"bound":                {409, `{"error":"id"}`, wiretest.WrongState, force},
		"bound until":          {409, boundUntil, wiretest.WrongState, until},
		"bound, as text":       {409, `id`, wiretest.WrongState, "force"},
		"removed already":      {403, `{"error":"deleted"}`, wiretest.WrongState, "removed the device already"},
		"access denied":        {403, `{"error":"access_denied"}`, wiretest.Forbidden, "access level"},
		"unknown":              {404, `{"error":"id"}`, wiretest.NotFound, ""},
		"no success":           {200, `{"success":false}`, wiretest.Rejected, ""},
		"nothing said":         {200, `{}`, wiretest.Unknown, ""},
		"an unreadable time":   {200, `{"success":true,"expires":"soon"}`, wiretest.Unknown, ""},
		"a time of other form": {200, `{"success":true,"expires":1}`, wiretest.Unknown, ""},
		"a failure":            {500, ``, wiretest.Unknown, ""},
	} {
		a, _ := serve(t, config(), replies{getDonald: ok(single), deleteDevice: {respond(c.status, c.body)}})
		_, err := remove(t, a, mutation.NewMemory(), false)
		want(t, what, err, c.outcome, c.says)
	}
}

func TestADeviceThatIsNotTheAccounts(t *testing.T) {
	for what, c := range map[string]struct {
		status  int
		account string
		outcome outcome
	}{
		"no such account":        {404, `{"error":"id"}`, wiretest.NotFound},
		"another case":           {200, strings.Replace(single, "donald", "Donald", 1), wiretest.NotFound},
		"other devices":          {200, without, wiretest.NotFound},
		"no devices":             {200, `{"username":"donald@duck.com"}`, wiretest.NotFound},
		"a device of another id": {200, strings.ToLower(single), wiretest.NotFound},
		"a number of devices":    {200, `{"devices":2}`, wiretest.Unreadable},
	} {
		a, _ := serve(t, config(), replies{getDonald: {respond(c.status, c.account)}}) // and no DELETE
		_, err := remove(t, a, mutation.NewMemory(), true)
		want(t, what, err, c.outcome)
	}
}

func TestALostRemovalIsReadBack(t *testing.T) {
	shown, gone := respond(200, single), respond(200, without)
	for what, c := range map[string]struct {
		accounts, deletes []reply
		sends             int
		state             mutation.State
	}{
		"it arrived": {[]reply{shown, gone}, []reply{cut}, 1, mutation.Done},
		"it did not": {[]reply{shown}, []reply{cut, respond(200, `{"success":true}`)}, 2, mutation.Done},
		"it did, and what is removed stays listed": {
			[]reply{shown}, []reply{cut, respond(403, `{"error":"deleted"}`)}, 2, mutation.Done,
		},
		"a missing account proves nothing": {[]reply{shown, respond(404, "<html>")}, []reply{cut}, 1, mutation.Sent},
	} {
		a, vendor := serve(t, config(), replies{getDonald: c.accounts, deleteDevice: c.deletes})
		log := mutation.NewMemory()
		_, err := remove(t, a, log, false)
		want(t, what, err, wiretest.Unknown)
		got, err := remove(t, a, log, false)
		switch {
		case c.state == mutation.Sent:
			want(t, what, err, wiretest.Unknown)
		case err != nil:
			t.Errorf("%s: %v", what, err)
		default:
			same(t, what, got, donaldDevices()[0])
		}
		if sent := len(vendor.Made(deleteDevice)); sent != c.sends || log.Get("delete").State != c.state {
			t.Errorf("%s: it was sent %d times, want %d; the step is %v", what, sent, c.sends, log.Get("delete").State)
		}
	}
}
