package deploy

import (
	"encoding/json"
	"flag"
	"maps"
	"os"
	"path"
	"reflect"
	"slices"
	"strings"
	"testing"

	monitoring "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	"helm.sh/helm/v4/pkg/chart/common"
	"helm.sh/helm/v4/pkg/chart/common/util"
	"helm.sh/helm/v4/pkg/chart/v2/loader"
	"helm.sh/helm/v4/pkg/engine"
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"sigs.k8s.io/yaml"
)

const chartFolder = "../helm/drmhub"

// render returns the files that the chart makes of values, by the names of their templates.
func render(t *testing.T, values map[string]any) (map[string]string, error) {
	t.Helper()
	chart, err := loader.Load(chartFolder)
	if err != nil {
		t.Fatal(err)
	}
	release := common.ReleaseOptions{Name: "hub", Namespace: "media", IsInstall: true}
	all, err := util.ToRenderValues(chart, values, release, common.DefaultCapabilities)
	if err != nil {
		return nil, err
	}
	return engine.Render(chart, all)
}

// valuesOf returns the values of one of the chart's sets.
func valuesOf(t *testing.T, set string) map[string]any {
	t.Helper()
	text, err := os.ReadFile(path.Join(chartFolder, "ci", set+"-values.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	values := map[string]any{}
	if err := yaml.UnmarshalStrict(text, &values); err != nil {
		t.Fatal(err)
	}
	return values
}

// with returns the values of a set, where one path, such as store.kind, has another value.
func with(t *testing.T, set, at string, value any) map[string]any {
	t.Helper()
	values := valuesOf(t, set)
	inner, keys := values, strings.Split(at, ".")
	for _, key := range keys[:len(keys)-1] {
		next, ok := inner[key].(map[string]any)
		if !ok {
			next = map[string]any{}
			inner[key] = next
		}
		inner = next
	}
	inner[keys[len(keys)-1]] = value
	return values
}

// decoder decodes manifests, and refuses what their kinds do not know.
func decoder(t *testing.T) runtime.Decoder {
	t.Helper()
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{
		corev1.AddToScheme, appsv1.AddToScheme, networkingv1.AddToScheme, policyv1.AddToScheme,
		autoscalingv2.AddToScheme, monitoring.AddToScheme,
	} {
		if err := add(scheme); err != nil {
			t.Fatal(err)
		}
	}
	return serializer.NewCodecFactory(scheme, serializer.EnableStrict).UniversalDeserializer()
}

// manifests returns the objects that the chart makes of values, by kind and name.
func manifests(t *testing.T, values map[string]any) map[string]runtime.Object {
	t.Helper()
	files, err := render(t, values)
	if err != nil {
		t.Fatal(err)
	}
	objects, decode := map[string]runtime.Object{}, decoder(t)
	for _, file := range slices.Sorted(maps.Keys(files)) {
		if strings.HasSuffix(file, "NOTES.txt") || strings.TrimSpace(files[file]) == "" {
			continue
		}
		json, err := yaml.YAMLToJSONStrict([]byte(files[file]))
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		object, kind, err := decode.Decode(json, nil, nil)
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		name := kind.Kind + "/" + object.(interface{ GetName() string }).GetName()
		if objects[name] != nil {
			t.Errorf("there are two of %s", name)
		}
		objects[name] = object
	}
	return objects
}

// get returns the object of a type with a name.
func get[T runtime.Object](t *testing.T, objects map[string]runtime.Object, name string) T {
	t.Helper()
	object, ok := objects[name].(T)
	if !ok {
		t.Fatalf("there is no %s", name)
	}
	return object
}

// A misspelled key of a manifest must fail, or the tests here would see nothing.
func TestDecoderIsStrict(t *testing.T) {
	const misspelled = `{"apiVersion":"v1","kind":"Pod","spec":{"containers":[{"name":"x","securityContxt":{}}]}}`
	if _, _, err := decoder(t).Decode([]byte(misspelled), nil, nil); err == nil {
		t.Error("a misspelled key is taken")
	}
}

func TestValuesThatAreRefused(t *testing.T) {
	for name, row := range map[string]struct {
		values map[string]any
		want   string
	}{
		"nothing":                  {map[string]any{}, "mode"},
		"no vendor":                {with(t, "sqlite", "config.vendors", []any{}), "vendors"},
		"no mode of auth":          {with(t, "sqlite", "config.auth", map[string]any{"issuer": "https://x"}), "mode"},
		"a misspelled key":         {with(t, "sqlite", "replica", 3), "replica"},
		"a misspelled part":        {with(t, "sqlite", "image.tagg", "1"), "tagg"},
		"a short digest":           {with(t, "sqlite", "image.digest", "sha256:12"), "digest"},
		"two on SQLite":            {with(t, "sqlite", "replicas", 2), "SQLite serves one replica"},
		"autoscaled SQLite":        {with(t, "sqlite", "autoscaling.enabled", true), "SQLite serves one replica"},
		"a file for many":          {with(t, "postgres", "store.kind", "sqlite"), "SQLite serves one replica"},
		"postgres, no DSN":         {with(t, "sqlite", "store.kind", "postgres"), "dsnFile"},
		"another store":            {with(t, "sqlite", "store.kind", "mysql"), "kind"},
		"a DSN in the config":      {with(t, "sqlite", "config.store.dsn", "sqlite:x.db"), "dsn"},
		"loopback":                 {with(t, "sqlite", "config.grpc.listen", "127.0.0.1:9090"), "listen"},
		"no ops listener":          {with(t, "sqlite", "config.ops", nil), "ops"},
		"an unknown key of drmhub": {with(t, "sqlite", "config.http.hosts", []any{"x"}), "hosts"},
		"a secret in the config": {
			with(t, "sqlite", "config.store", map[string]any{"digest_key": "0123456789abcdef"}), "digest_key"},
		"an archive without a volume": {
			with(t, "postgres", "config.archive", map[string]any{"enabled": true}), "config.archive.dsn"},
		"a port twice":         {with(t, "sqlite", "config.ops.listen", ":8080"), "three different ports"},
		"no limit of memory":   {with(t, "sqlite", "resources.limits", map[string]any{"memory": "512"}), "memory"},
		"a volume of any kind": {with(t, "sqlite", "store.volume.accessMode", "ReadWriteMany"), "accessMode"},
	} {
		_, err := render(t, row.values)
		if err == nil || !strings.Contains(err.Error(), row.want) {
			t.Errorf("%s: %v, want an error with %q", name, err, row.want)
		}
	}
}

// Rules and dashboard are the files that Prometheus and Grafana read elsewhere.
func TestChartHasTheSharedFiles(t *testing.T) {
	values := valuesOf(t, "postgres")
	dashboard := get[*corev1.ConfigMap](t, manifests(t, values), "ConfigMap/hub-drmhub-dashboard").Data["drmhub.json"]
	if want := fileText(t, "../grafana/drmhub.json"); strings.TrimSpace(dashboard) != strings.TrimSpace(want) {
		t.Error("the dashboard differs from deploy/grafana")
	}
	files, err := render(t, values)
	if err != nil {
		t.Fatal(err)
	}
	var rule struct{ Spec any }
	if err := yaml.Unmarshal([]byte(files["drmhub/templates/prometheusrule.yaml"]), &rule); err != nil {
		t.Fatal(err)
	}
	var want any
	if err := yaml.Unmarshal([]byte(fileText(t, "../prometheus/drmhub.rules.yaml")), &want); err != nil {
		t.Fatal(err)
	}
	if want == nil || !reflect.DeepEqual(rule.Spec, want) {
		t.Errorf("the rules differ from deploy/prometheus: %v", rule.Spec)
	}
}

var update = flag.Bool("update", false, "write the schema of the configuration into the schema of the chart")

// The chart refuses a configuration that drmhub would refuse by its schema.
func TestChartKnowsEveryKey(t *testing.T) {
	const file = chartFolder + "/values.schema.json"
	values, config := object(t, file), object(t, "../../docs/configuration.schema.json")
	config["$id"] = "https://github.com/drmhub/drmhub/docs/configuration.schema.json"
	parts := values["$defs"].(map[string]any)
	if *update {
		parts["drmhub"] = config
		text, err := json.MarshalIndent(values, "", "  ")
		if err == nil {
			err = os.WriteFile(file, append(text, '\n'), 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if !reflect.DeepEqual(parts["drmhub"], any(config)) {
		t.Error("the configuration has other keys: " +
			"run go test -C deploy/test -run TestChartKnowsEveryKey -args -update")
	}
}

// object returns the content of a JSON file.
func object(t *testing.T, file string) (content map[string]any) {
	t.Helper()
	if err := json.Unmarshal([]byte(fileText(t, file)), &content); err != nil {
		t.Fatal(err)
	}
	return content
}
