package deploy

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"
	"sigs.k8s.io/yaml"
)

// composed returns the project of a copy of deploy, in which ./init has run.
func composed(t *testing.T) *types.Project {
	t.Helper()
	deploy := filepath.Join(t.TempDir(), "deploy")
	for _, name := range []string{"compose", "grafana", "prometheus"} {
		if err := os.CopyFS(filepath.Join(deploy, name), os.DirFS(filepath.Join("..", name))); err != nil {
			t.Fatal(err)
		}
	}
	folder := filepath.Join(deploy, "compose")
	run(t, folder, "./init")
	run(t, folder, "./init") // It keeps what is there.
	file := filepath.Join(folder, "compose.yaml")
	options, err := cli.NewProjectOptions([]string{file}, cli.WithWorkingDirectory(folder), cli.WithEnvFiles(),
		cli.WithDotEnv, cli.WithProfiles([]string{"twins"}))
	if err != nil {
		t.Fatal(err)
	}
	project, err := options.LoadProject(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return project
}

// run runs a script of the folder with the built program, and returns what it prints.
func run(t *testing.T, folder, script string, args ...string) string {
	t.Helper()
	cmd := exec.Command(script, args...)
	cmd.Dir, cmd.Env = folder, append(os.Environ(), "DRMHUB="+program(t))
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s", script, err, out)
	}
	return string(out)
}

func TestCompose(t *testing.T) {
	project := composed(t)
	for name, s := range project.Services {
		for _, p := range s.Ports {
			demand(t, map[string]bool{name + " is published on loopback": net.ParseIP(p.HostIP).IsLoopback()})
		}
		demand(t, map[string]bool{
			name + " starts again":          s.Restart == "unless-stopped",
			name + " says whether it works": s.HealthCheck != nil || name == "drmhub", // whose image does
			name + " has its own secrets":   len(s.EnvFiles) == 0,
		})
		for _, v := range s.Volumes {
			checkMount(t, name, v)
		}
		for _, secret := range s.Secrets {
			text := fileText(t, project.Secrets[secret.Source].File)
			demand(t, map[string]bool{secret.Source + " is one line": text != "" && text == strings.TrimSpace(text)})
		}
		if s.Build != nil { // one of drmhub's own processes
			demand(t, map[string]bool{
				name + " has a read-only root":     s.ReadOnly && slices.Equal(s.CapDrop, []string{"ALL"}),
				name + " gains no privileges":      slices.Equal(s.SecurityOpt, []string{"no-new-privileges:true"}),
				name + " has a bound of memory":    s.MemLimit > 0,
				name + " is built from this clone": s.Build.Context == filepath.Join(project.WorkingDir, "..", ".."),
			})
		}
	}
	drmhub := project.Services["drmhub"]
	isOps := func(p types.ServicePortConfig) bool { return p.Target == 9464 }
	demand(t, map[string]bool{
		"a stop has its time":        drmhub.StopGracePeriod != nil && drmhub.StopGracePeriod.String() == "1m20s",
		"the database is up first":   drmhub.DependsOn["postgres"].Condition == types.ServiceConditionHealthy,
		"the ops port is for inside": !slices.ContainsFunc(drmhub.Ports, isOps),
	})
}

// checkMount demands that what is mounted exists, and is not written to.
func checkMount(t *testing.T, service string, v types.ServiceVolumeConfig) {
	t.Helper()
	if v.Type != types.VolumeTypeBind {
		return
	}
	_, err := os.Stat(v.Source)
	demand(t, map[string]bool{
		service + ": " + v.Source + " exists":       err == nil,
		service + ": " + v.Source + " is read-only": v.ReadOnly,
	})
}

// The configuration names only secrets that drmhub is given, and all of them.
func TestComposeConfiguration(t *testing.T) {
	project := composed(t)
	folder := project.WorkingDir
	config := fileText(t, filepath.Join(folder, "config", "drmhub.yaml"))
	var named, given []string
	for _, match := range regexp.MustCompile(`/run/secrets/([-\w]+)`).FindAllStringSubmatch(config, -1) {
		named = append(named, match[1])
	}
	for _, secret := range project.Services["drmhub"].Secrets {
		given = append(given, secret.Source)
	}
	slices.Sort(named)
	slices.Sort(given)
	if !slices.Equal(named, given) {
		t.Errorf("drmhub has the secrets %v, and its configuration names %v", given, named)
	}
	text := strings.ReplaceAll(config, "/run/secrets/", filepath.Join(folder, "secrets")+"/")
	takes(t, filepath.Join(folder, "config", "tried.yaml"), text)
	for _, match := range regexp.MustCompile(`http://(twin-\w+):(\d+)`).FindAllStringSubmatch(config, -1) {
		command := strings.Join(project.Services[match[1]].Command, " ")
		listens := strings.Contains(command, "0.0.0.0:"+match[2]) && strings.Contains(command, "--host "+match[1])
		demand(t, map[string]bool{match[0] + " is a twin's address": listens})
	}
	if token := run(t, folder, "./token", "--subject", "me", "--roles", "viewer"); strings.Count(token, ".") != 2 {
		t.Errorf("./token prints %q", token)
	}
}

// Prometheus and Grafana find what is mounted for them.
func TestComposeMonitoring(t *testing.T) {
	project := composed(t)
	// inside returns the text of a file in a service.
	inside := func(service, file string) string {
		for _, v := range project.Services[service].Volumes {
			if rest, ok := strings.CutPrefix(file, v.Target); ok {
				return fileText(t, v.Source+rest)
			}
		}
		t.Fatalf("%s has no %s", service, file)
		return ""
	}
	var prometheus struct {
		RuleFiles []string `json:"rule_files"`
		Jobs      []struct {
			Name string `json:"job_name"`
		} `json:"scrape_configs"`
	}
	if err := yaml.Unmarshal([]byte(inside("prometheus", "/etc/prometheus/prometheus.yaml")), &prometheus); err != nil {
		t.Fatal(err)
	}
	rules := inside("prometheus", "/etc/prometheus/"+prometheus.RuleFiles[0])
	home := project.Services["grafana"].Environment["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
	demand(t, map[string]bool{
		"there are alerts":        strings.Contains(rules, "alert: DrmhubDown"),
		"the alerts know the job": strings.Contains(rules, `job="`+prometheus.Jobs[0].Name+`"`),
		"the dashboard is there":  strings.Contains(inside("grafana", *home), `"panels"`),
		"Grafana provisions its folder": strings.Contains(
			inside("grafana", "/etc/grafana/provisioning/dashboards/drmhub.yaml"), "path: "+filepath.Dir(*home)+"}"),
	})
}
