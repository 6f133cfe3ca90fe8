package app_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/drmhub/drmhub/adapters/apierror"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/auth/tokentest"
	"github.com/drmhub/drmhub/server/internal/config"
)

// withTokens makes a server ask for the tokens of package tokentest, with the key set at a URL.
func withTokens(jwksURL string) func(*testing.T, *testServer) {
	return func(t *testing.T, h *testServer) {
		dir := t.TempDir()
		file := filepath.Join(dir, "drmhub.yaml")
		if err := os.WriteFile(file, []byte(tokentest.YAML(t, dir, jwksURL, "")), 0o600); err != nil {
			t.Fatal(err)
		}
		auth, err := config.ReadAuth(file)
		if err != nil {
			t.Fatal(err)
		}
		auth.Limits = &config.Limits{}
		h.cfg.Auth = auth
	}
}

// callerGRPC returns what GetCaller returns to a token over gRPC: the code and the whole error.
func (h *testServer) callerGRPC(token string) (codes.Code, string) {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	ctx = metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+token)
	_, err := pb.NewCallerServiceClient(h.conn).GetCaller(ctx, &pb.GetCallerRequest{})
	if err == nil {
		return codes.OK, ""
	}
	e := apierror.Convert(err)
	return status.Code(err), fmt.Sprint(e.Reason, " ", e.Message)
}

// callerREST returns what GetCaller returns to a token over REST: the status, the challenge and the
// reason with the message.
func (h *testServer) callerREST(token string) (int, string, string) {
	url := "http://" + h.HTTPAddr() + "/v1/caller"
	req, err := http.NewRequestWithContext(context.Background(), http.MethodGet, url, nil)
	if err != nil {
		return 0, "", err.Error()
	}
	req.Header.Set("Authorization", "Bearer "+token)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, "", err.Error()
	}
	defer func() { _ = res.Body.Close() }()
	var body struct {
		Error struct {
			Message string
			Details []struct{ Reason string }
		}
	}
	_ = json.NewDecoder(res.Body).Decode(&body)
	said := body.Error.Message
	if len(body.Error.Details) > 0 {
		said = body.Error.Details[0].Reason + " " + said
	}
	return res.StatusCode, res.Header.Get("WWW-Authenticate"), said
}

func TestEveryAttackIsRefusedOverBothFaces(t *testing.T) {
	h := start(t, withTokens(tokentest.NewKeyServer(t).URL))
	_, refusal := h.callerGRPC("")
	if !strings.HasPrefix(refusal, "TOKEN_INVALID ") {
		t.Fatalf("without a token: %s", refusal)
	}
	var rows sync.WaitGroup
	for _, row := range tokentest.Table() {
		if strings.ContainsAny(row.Token, "\n\x00") { // No header can hold them.
			continue
		}
		rows.Go(func() {
			code, said := h.callerGRPC(row.Token)
			restCode, challenge, restSaid := h.callerREST(row.Token)
			if row.Reason == "" {
				if code != codes.OK || restCode != http.StatusOK {
					t.Errorf("%s: %v %s, %d %s", row.Name, code, said, restCode, restSaid)
				}
				return
			}
			if code != codes.Unauthenticated || said != refusal {
				t.Errorf("%s: %v %s, want %s", row.Name, code, said, refusal)
			}
			if restCode != http.StatusUnauthorized || challenge != "Bearer" || restSaid != refusal {
				t.Errorf("%s: %d, challenge %q, %s; want %s", row.Name, restCode, challenge, restSaid, refusal)
			}
		})
	}
	rows.Wait()
}

func TestAStormOfUnknownKeysAndARotationOverBothFaces(t *testing.T) {
	keys := tokentest.NewKeyServer(t)
	h := start(t, withTokens(keys.URL))
	if code, said := h.callerGRPC(tokentest.Sign("ES256", "set-es256", nil)); code != codes.OK {
		t.Fatal(code, said)
	}
	rotated := tokentest.Sign("EdDSA", "rotated-eddsa", nil)
	keys.Serve(http.StatusOK, tokentest.JWKS(tokentest.JWK("rotated-eddsa", nil)))
	refused := together(50, func(caller int) bool {
		code, _ := h.callerGRPC(rotated)
		restCode, _, _ := h.callerREST(rotated)
		return code == codes.OK && restCode == http.StatusOK
	})
	if refused != 0 {
		t.Errorf("%d of 50 callers refused at a rotation", refused)
	}
	time.Sleep(time.Second) // The storm begins after the interval between two fetches.
	before, forged := keys.Fetches(), make([]string, 1000)
	for i := range forged {
		forged[i] = tokentest.Signed("EdDSA", "rotated-eddsa",
			fmt.Sprintf(`{"alg":"EdDSA","kid":"evil-%d"}`, i), "{"+strings.Join(tokentest.Claims(), ",")+"}")
	}
	began := time.Now()
	together(50, func(caller int) bool {
		for _, token := range forged[caller*20 : caller*20+20] {
			if code, said := h.callerGRPC(token); code != codes.Unauthenticated {
				t.Errorf("%v %s", code, said)
			}
		}
		return true
	})
	// A slow machine needs longer than two seconds, and each second has room for a fetch.
	took := time.Since(began)
	if n := keys.Fetches() - before; n > max(3, int(took/time.Second)+1) {
		t.Errorf("1,000 unknown keys cause %d fetches in %v", n, took)
	} else {
		t.Logf("1,000 unknown keys cause %d fetches in %v", n, took)
	}
}

// together calls do in n goroutines at once, and returns how often it is false.
func together(n int, do func(i int) bool) int {
	var failed atomic.Int64
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			if !do(i) {
				failed.Add(1)
			}
		})
	}
	all.Wait()
	return int(failed.Load())
}
