package deploy

import (
	"slices"
	"strconv"
	"strings"
	"testing"

	monitoring "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/yaml"
)

// valueSets are the installations that the tests below look at.
func valueSets(t *testing.T) map[string]map[string]any {
	return map[string]map[string]any{
		"sqlite":   valuesOf(t, "sqlite"),
		"postgres": valuesOf(t, "postgres"),
		"a claim":  with(t, "sqlite", "store.volume", map[string]any{"existingClaim": "old"}),
		"closed":   with(t, "sqlite", "networkPolicy", map[string]any{"clients": []any{}, "metrics": []any{}}),
		"open":     with(t, "sqlite", "networkPolicy.enabled", false),
		"no ports": with(t, "postgres", "autoscaling", map[string]any{"enabled": false}),
	}
}

func TestPolicy(t *testing.T) {
	for name, values := range valueSets(t) {
		t.Run(name, func(t *testing.T) {
			objects := manifests(t, values)
			d := get[*appsv1.Deployment](t, objects, "Deployment/hub-drmhub")
			checkPod(t, d.Spec.Template.Spec)
			checkContainer(t, d.Spec.Template.Spec.Containers[0])
			checkSelectors(t, objects, d)
			checkFiles(t, d.Spec.Template.Spec)
			checkStore(t, objects, d)
			for key, object := range objects {
				of := object.(metav1.Object).GetLabels()
				if of["app.kubernetes.io/name"] != "drmhub" || of["app.kubernetes.io/instance"] != "hub" {
					t.Errorf("%s has the labels %v", key, of)
				}
			}
		})
	}
}

// demand fails the test unless each of the facts holds.
func demand(t *testing.T, facts map[string]bool) {
	t.Helper()
	for fact, holds := range facts {
		if !holds {
			t.Error("this does not hold:", fact)
		}
	}
}

func is[T comparable](p *T, want T) bool { return p != nil && *p == want }

func checkPod(t *testing.T, pod corev1.PodSpec) {
	t.Helper()
	c := pod.SecurityContext
	demand(t, map[string]bool{
		"runs as another user than root":        is(c.RunAsNonRoot, true) && is(c.RunAsUser, 65532),
		"the volume belongs to its group":       is(c.FSGroup, 65532),
		"seccomp":                               c.SeccompProfile.Type == corev1.SeccompProfileTypeRuntimeDefault,
		"no token of Kubernetes":                is(pod.AutomountServiceAccountToken, false),
		"drain of 75 s after a sleep of 5 s":    is(pod.TerminationGracePeriodSeconds, 85),
		"no host":                               !pod.HostNetwork && !pod.HostPID && !pod.HostIPC,
		"replicas on different hosts":           pod.TopologySpreadConstraints[0].TopologyKey == corev1.LabelHostname,
		"one container, without init container": len(pod.Containers) == 1 && len(pod.InitContainers) == 0,
	})
}

func checkContainer(t *testing.T, c corev1.Container) {
	t.Helper()
	s, limits := c.SecurityContext, c.Resources.Limits
	goLimit := slices.IndexFunc(c.Env, func(e corev1.EnvVar) bool { return e.Name == "GOMEMLIMIT" })
	mebibytes, err := strconv.ParseInt(strings.TrimSuffix(c.Env[goLimit].Value, "MiB"), 10, 64)
	probe := func(p *corev1.Probe, path string) bool {
		return p.HTTPGet.Path == path && p.HTTPGet.Port.StrVal == "ops"
	}
	demand(t, map[string]bool{
		"no escalation":          is(s.AllowPrivilegeEscalation, false) && s.Privileged == nil,
		"read-only root":         is(s.ReadOnlyRootFilesystem, true),
		"drops all capabilities": slices.Equal(s.Capabilities.Drop, []corev1.Capability{"ALL"}),
		"adds no capability":     len(s.Capabilities.Add) == 0,
		"requests":               !c.Resources.Requests.Cpu().IsZero() && !c.Resources.Requests.Memory().IsZero(),
		"a limit of memory":      !limits.Memory().IsZero(),
		"Go's limit is below it": err == nil && mebibytes > 0 && mebibytes<<20 < limits.Memory().Value(),
		"startup probe":          probe(c.StartupProbe, "/healthz"),
		"readiness probe":        probe(c.ReadinessProbe, "/readyz"),
		"liveness probe":         probe(c.LivenessProbe, "/healthz"),
		"sleeps before it stops": c.Lifecycle.PreStop.Sleep.Seconds == 5,
		"a minute until a kill":  c.LivenessProbe.PeriodSeconds*c.LivenessProbe.FailureThreshold >= 60,
	})
}

func checkSelectors(t *testing.T, objects map[string]runtime.Object, d *appsv1.Deployment) {
	t.Helper()
	pod := d.Spec.Template
	matches := func(what string, selector map[string]string, of map[string]string) {
		if len(selector) == 0 || !labels.SelectorFromSet(selector).Matches(labels.Set(of)) {
			t.Errorf("%s: the selector %v does not match %v", what, selector, of)
		}
	}
	ports := map[string]bool{}
	for _, p := range pod.Spec.Containers[0].Ports {
		ports[p.Name] = true
	}
	matches("Deployment", d.Spec.Selector.MatchLabels, pod.Labels)
	matches("spread", pod.Spec.TopologySpreadConstraints[0].LabelSelector.MatchLabels, pod.Labels)
	budget := get[*policyv1.PodDisruptionBudget](t, objects, "PodDisruptionBudget/hub-drmhub")
	matches("PodDisruptionBudget", budget.Spec.Selector.MatchLabels, pod.Labels)
	if *budget.Spec.MaxUnavailable != intstr.FromInt32(1) {
		t.Error("a drain of a node may take", budget.Spec.MaxUnavailable)
	}
	get[*corev1.ServiceAccount](t, objects, "ServiceAccount/"+pod.Spec.ServiceAccountName)
	for key, object := range objects {
		switch o := object.(type) {
		case *corev1.Service:
			matches(key, o.Spec.Selector, pod.Labels)
			for _, p := range o.Spec.Ports {
				demand(t, map[string]bool{key + " leads to a port of the pod": ports[p.TargetPort.StrVal]})
			}
		case *networkingv1.NetworkPolicy:
			matches(key, o.Spec.PodSelector.MatchLabels, pod.Labels)
			checkNetwork(t, o.Spec)
		case *monitoring.ServiceMonitor:
			ops := get[*corev1.Service](t, objects, "Service/hub-drmhub-ops")
			matches(key, o.Spec.Selector.MatchLabels, ops.Labels)
			demand(t, map[string]bool{
				key + " names a port":              o.Spec.Endpoints[0].Port == ops.Spec.Ports[0].Name,
				key + " has the job of the alerts": ops.Labels[o.Spec.JobLabel] == "drmhub",
			})
		case *autoscalingv2.HorizontalPodAutoscaler:
			demand(t, map[string]bool{
				key + " scales the Deployment":    o.Spec.ScaleTargetRef.Name == d.Name,
				key + " alone says how many":      d.Spec.Replicas == nil,
				key + " keeps the asked replicas": is(o.Spec.MinReplicas, 3) && o.Spec.MaxReplicas == 6,
			})
		}
	}
	grpc := get[*corev1.Service](t, objects, "Service/hub-drmhub-grpc")
	demand(t, map[string]bool{"gRPC is headless": grpc.Spec.ClusterIP == corev1.ClusterIPNone})
}

// checkNetwork demands that strangers stay out: each rule that lets callers in names them.
func checkNetwork(t *testing.T, policy networkingv1.NetworkPolicySpec) {
	t.Helper()
	if len(policy.PolicyTypes) != 2 {
		t.Error("the NetworkPolicy is for", policy.PolicyTypes)
	}
	for _, rule := range policy.Ingress {
		if len(rule.From) == 0 || len(rule.Ports) == 0 {
			t.Errorf("everybody may call %v", rule.Ports)
		}
	}
	for _, rule := range policy.Egress {
		if len(rule.Ports) == 0 {
			t.Error("drmhub may call every port of", rule.To)
		}
	}
}

// checkFiles demands that every volume is mounted as a folder, read-only unless drmhub writes
// there.
func checkFiles(t *testing.T, pod corev1.PodSpec) {
	t.Helper()
	mounts := map[string]corev1.VolumeMount{}
	for _, m := range pod.Containers[0].VolumeMounts {
		mounts[m.Name] = m
		demand(t, map[string]bool{
			m.Name + " is a folder, which changes": m.SubPath == "",
			m.Name + " is read-only":               m.ReadOnly || m.Name == "data" || m.Name == "tmp",
		})
	}
	for _, v := range pod.Volumes {
		m, mounted := mounts[v.Name]
		demand(t, map[string]bool{v.Name + " is mounted": mounted})
		if v.Secret != nil {
			demand(t, map[string]bool{
				v.Name + " is for the user alone":       *v.Secret.DefaultMode&0o037 == 0,
				v.Name + " is where values.yaml has it": m.MountPath == "/etc/drmhub/secrets/"+v.Secret.SecretName,
			})
		}
		delete(mounts, v.Name)
	}
	if len(mounts) > 0 {
		t.Error("mounts without a volume:", mounts)
	}
}

// checkStore demands that SQLite has a volume and one process, and that PostgreSQL needs none of
// this.
func checkStore(t *testing.T, objects map[string]runtime.Object, d *appsv1.Deployment) {
	t.Helper()
	config := get[*corev1.ConfigMap](t, objects, "ConfigMap/hub-drmhub").Data["drmhub.yaml"]
	claim := ""
	for _, v := range d.Spec.Template.Spec.Volumes {
		if v.PersistentVolumeClaim != nil {
			claim = v.PersistentVolumeClaim.ClaimName
		}
	}
	if !strings.Contains(config, "dsn: sqlite:/data/drmhub.db") {
		demand(t, map[string]bool{
			"postgres has no volume":     claim == "",
			"postgres is named by file":  strings.Contains(config, "file: /etc/drmhub/secrets/drmhub-postgres/dsn"),
			"an upgrade takes none away": d.Spec.Strategy.RollingUpdate.MaxUnavailable.IntVal == 0,
		})
		return
	}
	demand(t, map[string]bool{
		"SQLite has one replica":     is(d.Spec.Replicas, 1),
		"the old process ends first": d.Spec.Strategy.Type == appsv1.RecreateDeploymentStrategyType,
		"SQLite is on a claim":       claim != "",
	})
	if claim == "old" {
		return
	}
	c := get[*corev1.PersistentVolumeClaim](t, objects, "PersistentVolumeClaim/"+claim)
	demand(t, map[string]bool{"an uninstall keeps the journal": c.Annotations["helm.sh/resource-policy"] == "keep"})
}

// drmhub reads its configuration again by itself. An annotation with its checksum would restart it.
func TestAChangeOfTheConfigurationRestartsNothing(t *testing.T) {
	pods := map[string]bool{}
	for _, rate := range []int{50, 60} {
		values := with(t, "sqlite", "config.auth.limits", map[string]any{"rate": rate, "burst": 100})
		d := get[*appsv1.Deployment](t, manifests(t, values), "Deployment/hub-drmhub")
		pod, err := yaml.Marshal(d.Spec.Template)
		if err != nil {
			t.Fatal(err)
		}
		pods[string(pod)] = true
	}
	if len(pods) != 1 {
		t.Error("the pods differ")
	}
}
