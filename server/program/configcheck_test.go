package program

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/drmhub/drmhub/server/internal/certs/certstest"
)

func TestConfigCheck(t *testing.T) {
	twin := running(t, 1, "emulate", "pallycon", "--listen", "127.0.0.1:0")
	file := configured(t, regexp.MustCompile(`http://[0-9.:]+`).FindString(twin), "")
	t.Setenv("DRMHUB_CONFIG", file)
	for line, want := range map[string]string{
		"config check":                   "has no mistake",
		"config check " + file:           "has no mistake",
		"config check --connect " + file: "vendors/acme  ok ",
	} {
		if said, err := ran(t, strings.Fields(line)...); err != nil || !strings.Contains(said, want) {
			t.Errorf("%s prints %s, %v", line, said, err)
		}
	}
	said, err := ran(t, "config", "print", file)
	if err != nil || !strings.Contains(said, "[redacted]") || strings.Contains(said, "sandbox-service-api-key") ||
		!strings.Contains(said, "account_id: sandbox") {
		t.Errorf("config print prints %s, %v", said, err)
	}
	said, err = ran(t, "config", "schema")
	if err != nil || !json.Valid([]byte(said)) || !strings.Contains(said, "service_api_key") {
		t.Errorf("config schema prints %.300s, %v", said, err)
	}
	if _, err := os.Stat(filepath.Join(filepath.Dir(file), "drmhub.db")); err == nil {
		t.Error("the check creates the store")
	}
	broken := configured(t, "http://127.0.0.1:1", "ops: {listen: 1, speed: 2}\n")
	_, err = ran(t, "config", "check", broken)
	if err == nil || strings.Count(err.Error(), broken+":") != 2 {
		t.Errorf("two mistakes: %v", err)
	}
	said, err = ran(t, "config", "check", "--connect", configured(t, "http://127.0.0.1:1", ""))
	if err == nil || !strings.Contains(err.Error(), "1 of 2") || !strings.Contains(said, "vendors/acme  failed ") {
		t.Errorf("a vendor that is down: %v\n%s", err, said)
	}
}

func TestConfigCheckTriesTheCertificates(t *testing.T) {
	files := certstest.Files(t.TempDir())
	ours := certstest.NewAuthority(t, "ours")
	cert, key := ours.Server(t, "drmhub.test", time.Hour)
	_, others := ours.Server(t, "drmhub.test", time.Hour)
	for said, key := range map[string][]byte{"http.tls      ok      ": key, "http.tls      failed  ": others} {
		certstest.Write(t, files, cert, key, nil)
		more := fmt.Sprintf("http: {listen: 127.0.0.1:0, tls: {cert: %q, key: %q}}\n", files.Cert, files.Key)
		out, err := ran(t, "config", "check", "--connect", configured(t, "http://127.0.0.1:1", more))
		if err == nil || !strings.Contains(out, said) {
			t.Errorf("%v, want a line with %q:\n%s", err, said, out)
		}
	}
}

func TestConfigCheckOfTheEnvironment(t *testing.T) {
	t.Setenv("DRMHUB_CONFIG", "")
	t.Setenv("DRMHUB_AUTH_MODE", "none")
	if said, err := ran(t, "config", "check"); err == nil || !strings.Contains(err.Error(), "vendors") {
		t.Errorf("an environment without vendors: %s, %v", said, err)
	}
	for name, value := range map[string]string{
		"ID": "ncp", "NCP_BASE_URL": "http://127.0.0.1:1", "NCP_ACCESS_KEY": "{env: KEY}", "NCP_SECRET_KEY": "k",
	} {
		t.Setenv("DRMHUB_VENDORS_0_"+name, value)
	}
	t.Setenv("KEY", "k")
	if said, err := ran(t, "config", "check"); err != nil || said != "The environment has no mistake.\n" {
		t.Errorf("a whole environment: %s, %v", said, err)
	}
}
