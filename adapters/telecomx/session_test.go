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

	"github.com/drmhub/drmhub/adapters/adaptertest/wiretest"
	"github.com/drmhub/drmhub/adapters/mutation"
	"github.com/drmhub/drmhub/adapters/telecomx"
	"github.com/drmhub/drmhub/adapters/telecomx/emulator"
	"github.com/drmhub/drmhub/adapters/twin"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// check makes a call that must succeed.
func check(t *testing.T, what string, a *telecomx.Adapter) {
	t.Helper()
	if _, err := a.Check(t.Context()); err != nil {
		t.Errorf("%s: %v", what, err)
	}
}

// many makes reads and writes at once, which must all succeed.
func many(t *testing.T, a *telecomx.Adapter) {
	t.Helper()
	var calls sync.WaitGroup
	for range 20 {
		for name, call := range map[string]func() error{
			"ListDrmAccounts": func() error { _, err := list(t, a, &pb.ListDrmAccountsRequest{}); return err },
			"GetDrmAccount":   func() error { _, err := get(t, a, pb.DrmAccount_FULL); return err },
			"CreateDrmAccount": func() error {
				_, err := create(t, a, mutation.NewMemory(), &pb.DrmAccount{})
				return err
			},
		} {
			calls.Go(func() {
				if err := call(); err != nil {
					t.Errorf("%s: %v", name, err)
				}
			})
		}
	}
	calls.Wait()
}

func TestManyCallsLogInOnce(t *testing.T) {
	for how, assumed := range refusing {
		o := emulator.Options{Assumptions: assumed}
		inBubble(t, o, func(t *testing.T, vendor *emulator.Emulator, a *telecomx.Adapter) {
			delay(vendor, emulator.LoginPath, 5*time.Second, 0)
			vendor.Faults().Add(twin.Fault{Kind: twin.FaultDelay, PathPrefix: emulator.APIPrefix, Delay: time.Second})
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

func TestATokenThatIsRefusedToManyCallsIsRenewedOnce(t *testing.T) {
	for how, assumed := range refusing {
		o := emulator.Options{Assumptions: assumed}
		inBubble(t, o, func(t *testing.T, vendor *emulator.Emulator, a *telecomx.Adapter) {
			delay(vendor, emulator.LoginPath, 5*time.Second, 0)
			check(t, how, a)
			vendor.RevokeTokens()
			var calls sync.WaitGroup
			// they begin before, during and after the login, and some hear of the refusal late
			for i := range 40 {
				viewer := fmt.Sprintf("viewer-%d", i)
				delay(vendor, "/iptv/drm/"+viewer, time.Duration(2+2*(i%7))*time.Second, 1)
				calls.Go(func() {
					time.Sleep(time.Duration(i) * 300 * time.Millisecond)
					req := &pb.GetDrmAccountRequest{Name: "vendors/acme/drmAccounts/" + viewer}
					_, err := a.GetDrmAccount(t.Context(), req)
					want(t, how, err, wiretest.NotFound)
				})
			}
			calls.Wait()
			wantLogins(t, how, vendor, 2)
		})
	}
}

func TestATokenThatOthersGotMeanwhileMayBeRefusedToo(t *testing.T) {
	inBubble(t, emulator.Options{}, func(t *testing.T, vendor *emulator.Emulator, a *telecomx.Adapter) {
		check(t, "the first call", a)
		delay(vendor, "/iptv/drm/donald@duck.com", 20*time.Second, 1)
		var slow sync.WaitGroup
		slow.Go(func() {
			if _, err := get(t, a, pb.DrmAccount_BASIC); err != nil {
				t.Errorf("the slow call: %v", err)
			}
		})
		time.Sleep(time.Second)
		vendor.RevokeTokens() // the slow call carries one of these
		check(t, "a quick call", a)
		vendor.RevokeTokens() // and is sent again with this one
		slow.Wait()
		wantLogins(t, "in all", vendor, 3)
	})
}

func TestACallerWhoLeavesDoesNotEndTheLogin(t *testing.T) {
	inBubble(t, emulator.Options{}, func(t *testing.T, vendor *emulator.Emulator, a *telecomx.Adapter) {
		delay(vendor, emulator.LoginPath, 5*time.Second, 0)
		impatient, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		var calls sync.WaitGroup
		calls.Go(func() {
			began := time.Now()
			_, err := a.Check(impatient)
			want(t, "the impatient one", err, deadline)
			if took := time.Since(began); took != time.Second {
				t.Errorf("the impatient one waited for %v", took)
			}
		})
		calls.Go(func() {
			time.Sleep(500 * time.Millisecond)
			check(t, "the patient one", a)
		})
		calls.Wait()
		wantLogins(t, "both", vendor, 1)
	})
}

func TestARefusedWriteIsSentAgainWithinItsStep(t *testing.T) {
	for _, status := range []int{401, 403} {
		tokens := []reply{respond(200, loggedIn), respond(200, strings.Replace(loggedIn, "first", "second", 1))}
		refused := respond(status, `{"error":"access_denied"}`)
		posts := []reply{refused, made}
		a, vendor := serve(t, config(), replies{postLogin: tokens, getDonald: {unknownID}, postAccount: posts})
		log := mutation.NewMemory()
		got, err := create(t, a, log, &pb.DrmAccount{Username: "donald@duck.com"})
		if step := log.Get("create"); err != nil || step.State != mutation.Done || step.HTTPStatus != 200 {
			t.Fatalf("HTTP %d: %v; the step is %v, HTTP %d", status, err, step.State, step.HTTPStatus)
		}
		if got.GetName() != donald || got.GetPassword() != "vgh38gy3uvhebv" {
			t.Errorf("HTTP %d: the account is %v", status, got.GetName())
		}
		vendor.WantMade(postAccount, 2)
		wantQuery(t, vendor.Made(postAccount)[0], "the-first-token", "")
		wantQuery(t, vendor.Made(postAccount)[1], "the-second-token", "")
	}
}

func TestAWriteThatCannotLogInAgainIsNotSent(t *testing.T) {
	inBubble(t, emulator.Options{}, func(t *testing.T, vendor *emulator.Emulator, a *telecomx.Adapter) {
		refused := wiretest.Answer(401, "")
		refused.Method, refused.PathPrefix, refused.Times = http.MethodPost, emulator.APIPrefix, 1
		vendor.Faults().Add(refused)
		vendor.Faults().Add(twin.Fault{Kind: twin.FaultDelay, Path: emulator.LoginPath, Skip: 1, Delay: time.Hour})
		log := mutation.NewMemory()
		_, err := create(t, a, log, &pb.DrmAccount{})
		if e := want(t, "the login stalls", err, wiretest.Unavailable); !strings.HasPrefix(e.Message, "not sent: ") {
			t.Errorf("it says %q", e.Message)
		}
		if state := log.Get("create").State; state != mutation.Refused {
			t.Errorf("the step is %v, and nothing can have taken effect", state)
		}
		time.Sleep(time.Minute) // until the login gives up, for which nobody waits any more
		wiretest.WantEffects(t, vendor, 0)
	})
}

func TestTheOperatorIsToldOfAChangedPassword(t *testing.T) {
	for how, assumed := range refusing {
		o := emulator.Options{Assumptions: assumed}
		inBubble(t, o, func(t *testing.T, vendor *emulator.Emulator, a *telecomx.Adapter) {
			many(t, a)
			vendor.ChangePassword("ops", "another-password")
			refused := func() {
				t.Helper()
				var calls sync.WaitGroup
				for range 20 {
					calls.Go(func() {
						_, err := get(t, a, pb.DrmAccount_FULL)
						want(t, how, err, wiretest.Unauthorized, "check username, password and base_url")
						_, err = create(t, a, mutation.NewMemory(), &pb.DrmAccount{})
						want(t, how, err, wiretest.Unauthorized)
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

func TestWhatTheLevelDoesNotAllowIsForbidden(t *testing.T) {
	for how, assumed := range refusing {
		o := emulator.Options{AccessLevel: emulator.LevelViewer, Assumptions: assumed}
		inBubble(t, o, func(t *testing.T, vendor *emulator.Emulator, a *telecomx.Adapter) {
			denied := func() {
				t.Helper()
				_, err := create(t, a, mutation.NewMemory(), &pb.DrmAccount{})
				want(t, how, err, wiretest.Forbidden)
			}
			delay(vendor, emulator.LoginPath, 5*time.Second, 0)
			late := twin.Fault{Kind: twin.FaultDelay, Path: "/iptv/drm", Method: http.MethodPost}
			late.Delay, late.Times = time.Second, 10
			vendor.Faults().Add(late)
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
	inBubble(t, emulator.Options{AccessLevel: emulator.LevelPersonal},
		func(t *testing.T, _ *emulator.Emulator, a *telecomx.Adapter) {
			level, err := a.Check(t.Context())
			if want(t, "Check", err, wiretest.Forbidden); level != emulator.LevelPersonal {
				t.Errorf("the level is %q", level)
			}
		})
}

func TestAVendorThatRefusesItsOwnTokensGetsFewLogins(t *testing.T) {
	inBubble(t, emulator.Options{}, func(t *testing.T, vendor *emulator.Emulator, a *telecomx.Adapter) {
		vendor.Faults().Add(vendor.Refusal(401, "access_denied"))
		for range 20 {
			_, err := get(t, a, pb.DrmAccount_BASIC)
			want(t, "get", err, wiretest.Unauthorized)
		}
		wantLogins(t, "within a minute", vendor, 2)
		vendor.Faults().Clear()
		check(t, "well again", a)
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
		want(t, "revoked", err, wiretest.Unauthorized, "refuses the machine token")
		_, err = create(t, a, mutation.NewMemory(), &pb.DrmAccount{})
		want(t, "revoked", err, wiretest.Unauthorized)
		wantLogins(t, "never", vendor, 0)
	})
}
