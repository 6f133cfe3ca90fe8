package telecomx_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/drmhub/drmhub/adapters/adaptertest/wiretest"
	"github.com/drmhub/drmhub/adapters/mutation"
	"github.com/drmhub/drmhub/adapters/telecomx"
	"github.com/drmhub/drmhub/adapters/telecomx/emulator"
	"github.com/drmhub/drmhub/adapters/twin"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// many makes reads and writes at once, all of which are to succeed.
func many(t *testing.T, a *telecomx.Adapter) {
	t.Helper()
	var calls sync.WaitGroup
	for range 20 {
		calls.Go(func() {
			if _, err := list(t, a, &pb.ListDrmAccountsRequest{}); err != nil {
				t.Errorf("ListDrmAccounts: %v", err)
			}
		})
		calls.Go(func() {
			if _, err := get(t, a, pb.DrmAccount_FULL); err != nil {
				t.Errorf("GetDrmAccount: %v", err)
			}
		})
		calls.Go(func() {
			if _, err := create(t, a, mutation.NewMemory(), &pb.DrmAccount{}); err != nil {
				t.Errorf("CreateDrmAccount: %v", err)
			}
		})
	}
	calls.Wait()
}

func TestManyCallsLogInOnce(t *testing.T) {
	for how, assumed := range refusing {
		synctest.Test(t, func(t *testing.T) {
			vendor := duckTwin(emulator.Options{Assumptions: assumed})
			vendor.Faults().Add(twin.Fault{Kind: twin.FaultDelay, Path: emulator.LoginPath, Delay: 5 * time.Second})
			vendor.Faults().Add(twin.Fault{Kind: twin.FaultDelay, PathPrefix: emulator.APIPrefix, Delay: time.Second})
			a := adapterTo(t, config(), twin.Transport(vendor))
			many(t, a)
			wantLogins(t, how+": the first one", vendor, 1)
			vendor.RevokeTokens()
			many(t, a)
			wantLogins(t, how+": after the token was revoked", vendor, 2)
			time.Sleep(time.Minute)
			vendor.Clock().Advance(time.Hour)
			many(t, a)
			wantLogins(t, how+": after the token ended before its time", vendor, 3)
			time.Sleep(14 * time.Minute)
			many(t, a)
			wantLogins(t, how+": after its time", vendor, 4)
			wiretest.WantEffects(t, vendor, 80)
		})
	}
}

func TestATokenThatIsRefusedAmidOfManyCallsIsRenewedOnce(t *testing.T) {
	for how, assumed := range refusing {
		synctest.Test(t, func(t *testing.T) {
			vendor := duckTwin(emulator.Options{Assumptions: assumed})
			vendor.Faults().Add(twin.Fault{Kind: twin.FaultDelay, Path: emulator.LoginPath, Delay: 5 * time.Second})
			a := adapterTo(t, config(), twin.Transport(vendor))
			if _, err := a.Check(t.Context()); err != nil {
				t.Fatal(err)
			}
			vendor.RevokeTokens()
			var calls sync.WaitGroup
			// they begin before, during and after the login, and some hear of the refusal late
			for i := range 40 {
				vendor.Faults().Add(twin.Fault{Kind: twin.FaultDelay, Path: fmt.Sprintf("/iptv/drm/viewer-%d", i), Delay: time.Duration(2+2*(i%7)) * time.Second, Times: 1})
				calls.Go(func() {
					time.Sleep(time.Duration(i) * 300 * time.Millisecond)
					_, err := a.GetDrmAccount(t.Context(), &pb.GetDrmAccountRequest{Name: fmt.Sprintf("vendors/acme/drmAccounts/viewer-%d", i)})
					wantError(t, how, err, codes.NotFound, pb.ErrorReason_RESOURCE_NOT_FOUND)
				})
			}
			calls.Wait()
			wantLogins(t, how, vendor, 2)
		})
	}
}

func TestATokenThatOthersGotMeanwhileMayBeRefusedToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		vendor := duckTwin(emulator.Options{})
		a := adapterTo(t, config(), twin.Transport(vendor))
		if _, err := a.Check(t.Context()); err != nil {
			t.Fatal(err)
		}
		vendor.Faults().Add(twin.Fault{Kind: twin.FaultDelay, Path: "/iptv/drm/donald@duck.com", Delay: 20 * time.Second, Times: 1})
		var slow sync.WaitGroup
		slow.Go(func() {
			if _, err := get(t, a, pb.DrmAccount_BASIC); err != nil {
				t.Errorf("the slow call: %v", err)
			}
		})
		time.Sleep(time.Second)
		vendor.RevokeTokens() // the slow call carries one of these
		if _, err := a.Check(t.Context()); err != nil {
			t.Errorf("a quick call: %v", err)
		}
		vendor.RevokeTokens() // and is sent again with this one
		slow.Wait()
		wantLogins(t, "in all", vendor, 3)
	})
}

func TestACallerWhoLeavesDoesNotEndTheLogin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		vendor := duckTwin(emulator.Options{})
		vendor.Faults().Add(twin.Fault{Kind: twin.FaultDelay, Path: emulator.LoginPath, Delay: 5 * time.Second})
		a := adapterTo(t, config(), twin.Transport(vendor))
		impatient, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		var calls sync.WaitGroup
		calls.Go(func() {
			begun := time.Now()
			_, err := a.Check(impatient)
			wantError(t, "the impatient one", err, codes.DeadlineExceeded, pb.ErrorReason_DEADLINE_PASSED)
			if took := time.Since(begun); took != time.Second {
				t.Errorf("the impatient one waited for %v", took)
			}
		})
		calls.Go(func() {
			time.Sleep(500 * time.Millisecond)
			if _, err := a.Check(t.Context()); err != nil {
				t.Errorf("the patient one: %v", err)
			}
		})
		calls.Wait()
		wantLogins(t, "both", vendor, 1)
	})
}

func TestARefusedWriteIsSentAgainWithinItsStep(t *testing.T) {
	for _, status := range []int{401, 403} {
		tokens := []reply{respond(200, loggedIn), respond(200, strings.Replace(loggedIn, "first", "second", 1))}
		a, vendor := serve(t, config(), map[string][]reply{
			postLogin: tokens, getDonald: {unknownID}, postAccount: {respond(status, `{"error":"access_denied"}`), made},
		})
		log := mutation.NewMemory()
		got, err := create(t, a, log, &pb.DrmAccount{Username: "donald@duck.com"})
		if err != nil || log.Get("create").State != mutation.Done || log.Get("create").HTTPStatus != 200 {
			t.Fatalf("HTTP %d: %v; the step is %v, HTTP %d", status, err, log.Get("create").State, log.Get("create").HTTPStatus)
		}
		same(t, "the account", got, newDonald())
		sent := vendor.Made(postAccount)
		if len(sent) != 2 {
			t.Fatalf("HTTP %d: it was sent %d times, want twice", status, len(sent))
		}
		wantQuery(t, sent[0], "the-first-token", "")
		wantQuery(t, sent[1], "the-second-token", "")
	}
}

func TestAWriteThatCannotLogInAgainIsNotSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		vendor := duckTwin(emulator.Options{})
		refused := wiretest.Answer(401, "")
		refused.Method, refused.PathPrefix, refused.Times = http.MethodPost, emulator.APIPrefix, 1
		vendor.Faults().Add(refused)
		vendor.Faults().Add(twin.Fault{Kind: twin.FaultDelay, Path: emulator.LoginPath, Skip: 1, Delay: time.Hour})
		a, log := adapterTo(t, config(), twin.Transport(vendor)), mutation.NewMemory()
		_, err := create(t, a, log, &pb.DrmAccount{})
		if e := wantError(t, "the login stalls", err, codes.Unavailable, pb.ErrorReason_VENDOR_UNAVAILABLE); !strings.HasPrefix(e.Message, "not sent: ") {
			t.Errorf("it says %q", e.Message)
		}
		if state := log.Get("create").State; state != mutation.Refused {
			t.Errorf("the step is %v, and nothing can have taken effect", state)
		}
		time.Sleep(time.Minute) // until the login gives up, for which nobody waits any more
		wiretest.WantEffects(t, vendor, 0)
	})
}

func TestAChangedPasswordIsToldToTheOperator(t *testing.T) {
	for how, assumed := range refusing {
		synctest.Test(t, func(t *testing.T) {
			vendor := duckTwin(emulator.Options{Assumptions: assumed})
			a := adapterTo(t, config(), twin.Transport(vendor))
			many(t, a)
			vendor.ChangePassword("ops", "another-password")
			refused := func() {
				t.Helper()
				var calls sync.WaitGroup
				for range 20 {
					calls.Go(func() {
						_, err := get(t, a, pb.DrmAccount_FULL)
						e := wantError(t, how, err, codes.FailedPrecondition, pb.ErrorReason_VENDOR_CREDENTIALS_REJECTED)
						if !strings.Contains(e.Message, "check username, password and base_url") {
							t.Errorf("%s: the operator is told %q", how, e.Message)
						}
						_, err = create(t, a, mutation.NewMemory(), &pb.DrmAccount{})
						wantError(t, how, err, codes.FailedPrecondition, pb.ErrorReason_VENDOR_CREDENTIALS_REJECTED)
					})
				}
				calls.Wait()
			}
			refused()
			time.Sleep(time.Minute - time.Nanosecond)
			refused()
			wantLogins(t, how+": within a minute", vendor, 2)
			time.Sleep(time.Nanosecond)
			refused()
			wantLogins(t, how+": after a minute", vendor, 3)
			vendor.ChangePassword("ops", "the-password")
			time.Sleep(time.Minute)
			many(t, a)
			wantLogins(t, how+": with the old password again", vendor, 4)
		})
	}
}

func TestWhatTheLevelDoesNotAllowIsToldAsThat(t *testing.T) {
	for how, assumed := range refusing {
		synctest.Test(t, func(t *testing.T) {
			vendor := duckTwin(emulator.Options{AccessLevel: emulator.LevelViewer, Assumptions: assumed})
			a := adapterTo(t, config(), twin.Transport(vendor))
			denied := func() {
				t.Helper()
				_, err := create(t, a, mutation.NewMemory(), &pb.DrmAccount{})
				wantError(t, how, err, codes.FailedPrecondition, pb.ErrorReason_VENDOR_PERMISSION_DENIED)
			}
			vendor.Faults().Add(twin.Fault{Kind: twin.FaultDelay, Path: emulator.LoginPath, Delay: 5 * time.Second})
			vendor.Faults().Add(twin.Fault{Kind: twin.FaultDelay, Path: "/iptv/drm", Method: http.MethodPost, Delay: time.Second, Times: 10})
			var calls sync.WaitGroup
			for range 20 { // half of them hear of the refusal while the others log in because of it
				calls.Go(denied)
			}
			calls.Wait()
			for range 20 {
				denied()
				if level, err := a.Check(t.Context()); err != nil || level != emulator.LevelViewer {
					t.Errorf("%s: Check: %q, %v", how, level, err)
				}
			}
			wantLogins(t, how+": the first, and one to see whether it was the token", vendor, 2)
			time.Sleep(time.Minute)
			denied()
			denied()
			wantLogins(t, how+": a minute later", vendor, 3)
			wiretest.WantEffects(t, vendor, 0)
		})
	}
}

func TestALevelThatMayNotListIsToldWithTheRefusal(t *testing.T) {
	a := adapterTo(t, config(), twin.Transport(duckTwin(emulator.Options{AccessLevel: emulator.LevelPersonal})))
	level, err := a.Check(t.Context())
	wantError(t, "Check", err, codes.FailedPrecondition, pb.ErrorReason_VENDOR_PERMISSION_DENIED)
	if level != emulator.LevelPersonal {
		t.Errorf("the level is %q", level)
	}
}

func TestAVendorThatRefusesItsOwnTokensIsNotLoggedInToForEachCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		vendor := duckTwin(emulator.Options{})
		vendor.Faults().Add(vendor.Refusal(401, "access_denied"))
		a := adapterTo(t, config(), twin.Transport(vendor))
		for range 20 {
			_, err := get(t, a, pb.DrmAccount_BASIC)
			wantError(t, "get", err, codes.FailedPrecondition, pb.ErrorReason_VENDOR_CREDENTIALS_REJECTED)
		}
		wantLogins(t, "within a minute", vendor, 2)
		vendor.Faults().Clear()
		if _, err := get(t, a, pb.DrmAccount_BASIC); err != nil {
			t.Errorf("well again: %v", err)
		}
	})
}

func TestAMachineTokenIsUsedAsItIs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		vendor := duckTwin(emulator.Options{})
		c := machine()
		c.Customer = own
		a := adapterTo(t, c, twin.Transport(vendor))
		for range 3 {
			many(t, a)
			time.Sleep(1000 * time.Hour)
		}
		if level, err := a.Check(t.Context()); err != nil || level != "" {
			t.Errorf("Check: %q, %v", level, err)
		}
		vendor.RevokeTokens()
		_, err := get(t, a, pb.DrmAccount_BASIC)
		e := wantError(t, "revoked", err, codes.FailedPrecondition, pb.ErrorReason_VENDOR_CREDENTIALS_REJECTED)
		if !strings.Contains(e.Message, "refuses the machine token") {
			t.Errorf("the operator is told %q", e.Message)
		}
		log := mutation.NewMemory()
		_, err = create(t, a, log, &pb.DrmAccount{})
		wantError(t, "revoked", err, codes.FailedPrecondition, pb.ErrorReason_VENDOR_CREDENTIALS_REJECTED)
		wantLogins(t, "never", vendor, 0)
	})
}
