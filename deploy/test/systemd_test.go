package deploy

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const unitFile = "../systemd/drmhub.service"

// directives returns the settings of the unit, such as Service.Restart.
func directives(t *testing.T) map[string][]string {
	t.Helper()
	all, section := map[string][]string{}, ""
	for line := range strings.Lines(fileText(t, unitFile)) {
		line = strings.TrimSuffix(line, "\n")
		key, value, ok := strings.Cut(line, "=")
		switch {
		case line == "" || strings.HasPrefix(line, "#"):
		case strings.HasPrefix(line, "["):
			section = strings.Trim(line, "[]") + "."
		case !ok || strings.TrimSpace(key) != key || key == "":
			t.Errorf("this line is no setting: %q", line)
		default:
			all[section+key] = append(all[section+key], value)
		}
	}
	return all
}

func TestUnit(t *testing.T) {
	all := directives(t)
	for key, want := range map[string]string{
		"Service.Type":               "exec",
		"Service.Environment":        "DRMHUB_CONFIG=/etc/drmhub/drmhub.yaml GOMEMLIMIT=400MiB",
		"Service.ExecStart":          "/usr/local/bin/drmhub",
		"Service.ExecReload":         "/usr/local/bin/drmhub config check ${DRMHUB_CONFIG} /bin/kill -HUP $MAINPID",
		"Service.Restart":            "on-failure",
		"Service.TimeoutStopSec":     "80",
		"Service.LoadCredential":     "secret:/etc/drmhub/secrets",
		"Service.StateDirectory":     "drmhub",
		"Service.WorkingDirectory":   "%S/drmhub",
		"Service.DynamicUser":        "yes",
		"Service.ProtectSystem":      "strict",
		"Service.NoNewPrivileges":    "yes",
		"Service.SystemCallFilter":   "@system-service ~@privileged @resources",
		"Unit.ConditionPathExists":   "/etc/drmhub/drmhub.yaml",
		"Install.WantedBy":           "multi-user.target",
		"Service.ReadWritePaths":     "",
		"Service.User":               "",
		"Service.NotifyAccess":       "", // drmhub does not speak sd_notify
		"Service.EnvironmentFile":    "-/etc/drmhub/environment",
		"Service.MemoryMax":          "512M",
		"Service.ProtectHome":        "yes",
		"Service.PrivateDevices":     "yes",
		"Service.UMask":              "0077",
		"Service.StateDirectoryMode": "0700",
	} {
		if got := strings.Join(all[key], " "); got != want {
			t.Errorf("%s is %q, want %q", key, got, want)
		}
	}
	bound, set := all["Service.CapabilityBoundingSet"]
	if !set || !slices.Equal(bound, []string{""}) {
		t.Errorf("the service may have the capabilities %q", bound)
	}
}

// systemd itself takes the unit, and finds little that is exposed.
func TestSystemdTakesTheUnit(t *testing.T) {
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip("there is no systemd-analyze")
	}
	text := strings.ReplaceAll(fileText(t, unitFile), "/usr/local/bin/drmhub", program(t))
	file := filepath.Join(t.TempDir(), "drmhub.service")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"verify", "--man=no", "--recursive-errors=no", file},
		{"security", "--offline=yes", "--no-pager", "--threshold=15", file},
	} {
		if out, err := exec.Command(analyze, args...).CombinedOutput(); err != nil {
			t.Errorf("systemd-analyze %s: %v\n%s", args[0], err, out)
		}
	}
}
