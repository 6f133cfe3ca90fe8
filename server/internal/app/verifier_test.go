package app

import (
	"log/slog"
	"path/filepath"
	"testing"

	"github.com/drmhub/drmhub/server/internal/auth/token"
	"github.com/drmhub/drmhub/server/internal/auth/tokentest"
	"github.com/drmhub/drmhub/server/internal/config"
)

func TestTheConfigurationSaysWhichTokensAreValid(t *testing.T) {
	type settings struct {
		URL string `yaml:"url"`
	}
	server, dir := tokentest.NewKeyServer(t), t.TempDir()
	yaml := tokentest.YAML(t, dir, server.URL, `  leeway: 10s
  clients: [{san: billing.acme.example}]
vendors: [{id: a, acme: {url: u}}]
http: {tls: {cert: es256, key: es256, client_ca: es256}}
`)
	cfg, err := config.Parse([]byte(yaml), filepath.Join(dir, "drmhub.yaml"), config.Kinds{
		"acme": func() any { return &settings{} },
	})
	if err != nil {
		t.Fatal(err)
	}
	verifier, sets, err := newVerifier(&cfg.Auth, nil, slog.New(slog.DiscardHandler), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, set := range sets {
		set.Start(t.Context())
		t.Cleanup(set.Close)
	}
	for kid, alg := range map[string]string{"hs256": "HS256", "eddsa": "EdDSA", "set-es256": "ES256"} {
		if _, err := verifier.Verify(t.Context(), tokentest.Sign(alg, kid, nil)); err != nil {
			t.Errorf("%s: %v", kid, err)
		}
	}
	sub := map[string]any{"sub": "billing.acme.example"}
	_, err = verifier.Verify(t.Context(), tokentest.Sign("HS256", "hs256", sub))
	if token.ReasonOf(err) != token.BadSubject {
		t.Errorf("the subject of a client with a certificate: %v", err)
	}
}
