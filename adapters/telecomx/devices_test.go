package telecomx_test

import (
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/mutation"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// without is Donald's account without his iPhone.
var without = `{"username":"donald@duck.com","devices":[{"_id":"12345678901234567890BBBB"}]}`

func TestRemovingADeviceSendsWhatIsDocumented(t *testing.T) {
	for what, c := range map[string]struct {
		force   bool
		answer  string
		query   string
		release *timestamppb.Timestamp
	}{
		"after its binding":       {false, `{"success":true}`, "", nil},
		"without a time":          {true, `{"success":true,"expires":null}`, "force=true", nil},
		"by force, amid of it":    {true, `{"success":true,"expires":"2026-03-01T12:00:00.000Z"}`, "force=true", timestamppb.New(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC))},
		"as another zone says it": {true, `{"success":true,"expires":"2026-03-01T13:00:00+01:00"}`, "force=true", timestamppb.New(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC))},
	} {
		a, vendor := serve(t, config(), map[string][]reply{getDonald: ok(single), deleteDevice: ok(c.answer)})
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
	for what, c := range map[string]struct {
		reply  reply
		code   codes.Code
		reason pb.ErrorReason
		says   string
	}{
		"409 id":               {respond(409, `{"error":"id"}`), codes.FailedPrecondition, pb.ErrorReason_VENDOR_STATE, "set force, which takes the access level RESELLER or ADMIN"},
		"409 id, and until":    {respond(409, `{"error":"id","expires":"2026-03-01T12:00:00.000Z"}`), codes.FailedPrecondition, pb.ErrorReason_VENDOR_STATE, "until 2026-03-01T12:00:00Z"},
		"409 id, as text":      {respond(409, `id`), codes.FailedPrecondition, pb.ErrorReason_VENDOR_STATE, "force"},
		"403 deleted":          {respond(403, `{"error":"deleted"}`), codes.FailedPrecondition, pb.ErrorReason_VENDOR_STATE, "removed the device already"},
		"403 access_denied":    {respond(403, `{"error":"access_denied"}`), codes.FailedPrecondition, pb.ErrorReason_VENDOR_PERMISSION_DENIED, "access level"},
		"404 id":               {respond(404, `{"error":"id"}`), codes.NotFound, pb.ErrorReason_RESOURCE_NOT_FOUND, ""},
		"no success":           {respond(200, `{"success":false}`), codes.FailedPrecondition, pb.ErrorReason_VENDOR_REJECTED, ""},
		"nothing said":         {respond(200, `{}`), codes.Unknown, pb.ErrorReason_OUTCOME_UNKNOWN, ""},
		"a time that is none":  {respond(200, `{"success":true,"expires":"soon"}`), codes.Unknown, pb.ErrorReason_OUTCOME_UNKNOWN, ""},
		"a time of other form": {respond(200, `{"success":true,"expires":1}`), codes.Unknown, pb.ErrorReason_OUTCOME_UNKNOWN, ""},
		"500":                  {respond(500, ``), codes.Unknown, pb.ErrorReason_OUTCOME_UNKNOWN, ""},
	} {
		a, _ := serve(t, config(), map[string][]reply{getDonald: ok(single), deleteDevice: {c.reply}})
		_, err := remove(t, a, mutation.NewMemory(), false)
		if e := wantError(t, what, err, c.code, c.reason); !strings.Contains(e.Message, c.says) {
			t.Errorf("%s: it says %q, and not %q", what, e.Message, c.says)
		}
	}
}

func TestADeviceThatIsNotTheAccounts(t *testing.T) {
	for what, account := range map[string]reply{
		"no such account":                      unknownID,
		"an account of another case":           respond(200, strings.Replace(single, "donald", "Donald", 1)),
		"an account without it":                respond(200, without),
		"an account without devices":           respond(200, `{"username":"donald@duck.com"}`),
		"an account with a device of other id": respond(200, strings.ToLower(single)),
	} {
		a, _ := serve(t, config(), map[string][]reply{getDonald: {account}}) // and no DELETE
		_, err := remove(t, a, mutation.NewMemory(), true)
		wantError(t, what, err, codes.NotFound, pb.ErrorReason_RESOURCE_NOT_FOUND)
	}
	a, _ := serve(t, config(), map[string][]reply{getDonald: ok(`{"devices":2}`)})
	_, err := remove(t, a, mutation.NewMemory(), true)
	wantError(t, "an account that does not say which it has", err, codes.Internal, pb.ErrorReason_VENDOR_RESPONSE_INVALID)
}

func TestALostRemovalIsReadBack(t *testing.T) {
	for what, c := range map[string]struct {
		accounts, deletes []reply
		sends             int
	}{
		"it arrived": {[]reply{respond(200, single), respond(200, without)}, []reply{cut}, 1},
		"it did not": {[]reply{respond(200, single)}, []reply{cut, respond(200, `{"success":true}`)}, 2},
		"it did, and what is removed stays listed": {[]reply{respond(200, single)}, []reply{cut, respond(403, `{"error":"deleted"}`)}, 2},
	} {
		a, vendor := serve(t, config(), map[string][]reply{getDonald: c.accounts, deleteDevice: c.deletes})
		log := mutation.NewMemory()
		_, err := remove(t, a, log, false)
		wantError(t, what, err, codes.Unknown, pb.ErrorReason_OUTCOME_UNKNOWN)
		got, err := remove(t, a, log, false)
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		same(t, what, got, donaldDevices()[0])
		if sent := len(vendor.Made(deleteDevice)); sent != c.sends || log.Get("delete").State != mutation.Done {
			t.Errorf("%s: it was sent %d times, want %d; the step is %v", what, sent, c.sends, log.Get("delete").State)
		}
	}
	// That the account cannot be found proves nothing of the device.
	a, _ := serve(t, config(), map[string][]reply{getDonald: {respond(200, single), respond(404, "<html>")}, deleteDevice: {cut}})
	log := mutation.NewMemory()
	for range 2 {
		_, err := remove(t, a, log, false)
		if !apierror.IsOutcomeUnknown(err) {
			t.Errorf("%v", err)
		}
	}
}
