package deploy

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
)

var folder string // of the built program; it is removed after the tests

func TestMain(m *testing.M) {
	os.Exit(func() int {
		var err error
		if folder, err = os.MkdirTemp("", "drmhub-deploy-"); err != nil {
			panic(err)
		}
		defer os.RemoveAll(folder)
		return m.Run()
	}())
}

// built returns the program, built from this source.
var built = sync.OnceValues(func() (string, error) {
	program := filepath.Join(folder, "drmhub")
	out, err := exec.Command("go", "build", "-C", "../..", "-o", program, "./cmd/drmhub").CombinedOutput()
	if err != nil {
		_, _ = os.Stderr.Write(out)
	}
	return program, err
})

func program(t *testing.T) string {
	t.Helper()
	file, err := built()
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// checkConfig fails the test unless drmhub takes a configuration. secrets is the folder that the
// text names, whose files are made here.
func checkConfig(t *testing.T, text, secrets string) {
	t.Helper()
	dir := t.TempDir()
	for _, name := range regexp.MustCompile(regexp.QuoteMeta(secrets)+`[-\w./]+`).FindAllString(text, -1) {
		file := filepath.Join(dir, strings.TrimPrefix(name, secrets))
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, content(t, file), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	takes(t, filepath.Join(dir, "drmhub.yaml"), strings.ReplaceAll(text, secrets, dir+"/"))
}

// takes writes a configuration to a file, and fails the test unless drmhub takes it.
func takes(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(program(t), "config", "check", file).CombinedOutput(); err != nil {
		t.Errorf("drmhub refuses the configuration: %s\n%s", out, text)
	}
}

// content returns what a secret file with this name could hold.
func content(t *testing.T, file string) []byte {
	t.Helper()
	switch base := filepath.Base(file); base {
	case "dsn", "postgres-dsn":
		return []byte("postgres://drmhub:pin@postgres:5432/drmhub")
	case "tls.crt", "tls.key":
		pair, err := certificate()
		if err != nil {
			t.Fatal(err)
		}
		return pair[base]
	default:
		return []byte("0123456789abcdef0123456789abcdef")
	}
}

// certificate returns the files of a pair for a listener.
var certificate = sync.OnceValues(func() (map[string][]byte, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{"drmhub.example"}, NotAfter: time.Now().Add(time.Hour),
	}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	return map[string][]byte{
		"tls.crt": pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert}),
		"tls.key": pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}),
	}, err
})

func TestChartMakesAConfigurationThatDrmhubTakes(t *testing.T) {
	for name, values := range valueSets(t) {
		t.Run(name, func(t *testing.T) {
			config := get[*corev1.ConfigMap](t, manifests(t, values), "ConfigMap/hub-drmhub").Data["drmhub.yaml"]
			checkConfig(t, config, "/etc/drmhub/secrets/")
			for _, host := range []string{"hub-drmhub", "hub-drmhub.media.svc.cluster.local"} {
				if !strings.Contains(config, "- "+host+"\n") {
					t.Errorf("REST refuses %s", host)
				}
			}
		})
	}
}

func fileText(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
