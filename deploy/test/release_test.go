package deploy

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

// goreleaser has the keys of .goreleaser.yaml. Goreleaser itself is too large for a test. Its
// package pkg/config has taken the file with these keys.
type goreleaser struct {
	Version     int    `json:"version"`
	ProjectName string `json:"project_name"`
	Before      struct {
		Hooks []string `json:"hooks"`
	} `json:"before"`
	Builds []struct {
		ID, Main, Binary     string
		Env, Goos, Goarch    []string
		Flags, Ldflags, Tags []string
		ModTimestamp         string `json:"mod_timestamp"`
	} `json:"builds"`
	Archives []struct {
		Formats      []string `json:"formats"`
		NameTemplate string   `json:"name_template"`
		BuildsInfo   fileInfo `json:"builds_info"`
		Files        []struct {
			Src, Dst    string
			StripParent bool     `json:"strip_parent"`
			Info        fileInfo `json:"info"`
		} `json:"files"`
	} `json:"archives"`
	Checksum struct {
		NameTemplate string `json:"name_template"`
		Algorithm    string `json:"algorithm"`
	} `json:"checksum"`
	SBOMs []struct {
		Artifacts, Cmd  string
		Args, Documents []string
	} `json:"sboms"`
	Signs []struct {
		Artifacts, Cmd, Signature string
		Args                      []string
	} `json:"signs"`
	Release   struct{ Draft bool }   `json:"release"`
	Changelog struct{ Disable bool } `json:"changelog"`
}

type fileInfo struct {
	MTime string `json:"mtime"`
}

func TestGoreleaser(t *testing.T) {
	var g goreleaser
	if err := yaml.UnmarshalStrict([]byte(fileText(t, "../../.goreleaser.yaml")), &g); err != nil {
		t.Fatal(err)
	}
	b := g.Builds[0]
	demand(t, map[string]bool{
		"four platforms":       strings.Join(append(b.Goos, b.Goarch...), " ") == "linux darwin amd64 arm64",
		"no C":                 slices.Equal(b.Env, []string{"CGO_ENABLED=0"}),
		"no folder in it":      slices.Equal(b.Flags, []string{"-trimpath"}),
		"no unused traces":     slices.Equal(b.Tags, []string{"grpcnotrace"}),
		"no version by linker": slices.Equal(b.Ldflags, []string{"-s -w"}),
		"the commit's time":    b.ModTimestamp == "{{ .CommitTimestamp }}",
		"SBOM of each program": g.SBOMs[0].Artifacts == "binary",
		"signed checksums":     g.Signs[0].Artifacts == "checksum" && slices.Contains(g.Signs[0].Args, "--yes"),
	})
	for _, file := range []string{b.Main, g.SBOMs[0].Cmd, strings.Fields(g.Before.Hooks[0])[0]} {
		if _, err := os.Stat(filepath.Join("..", "..", file)); err != nil {
			t.Error(err)
		}
	}
	for _, f := range g.Archives[0].Files {
		made := strings.HasPrefix(f.Src, strings.Fields(g.Before.Hooks[0])[1]+"/")
		if _, err := os.Stat(filepath.Join("..", "..", f.Src)); err != nil && !made {
			t.Error(err)
		}
		demand(t, map[string]bool{f.Src + " has the commit's time": f.Info.MTime == "{{ .CommitDate }}"})
	}
}

func TestReleaseWorkflow(t *testing.T) {
	var w struct {
		Permissions map[string]string
		Jobs        map[string]struct {
			Permissions map[string]string
			Steps       []struct{ Uses, Run string }
		}
	}
	text := fileText(t, "../../.github/workflows/release.yml")
	if err := yaml.Unmarshal([]byte(text), &w); err != nil {
		t.Fatal(err)
	}
	demand(t, map[string]bool{"nothing is permitted by default": w.Permissions != nil && len(w.Permissions) == 0})
	for name, job := range w.Jobs {
		var uses []string
		for _, step := range job.Steps {
			uses = append(uses, strings.Split(step.Uses, "@")[0])
		}
		demand(t, map[string]bool{
			name + " signs without a key":    job.Permissions["id-token"] == "write",
			name + " installs cosign":        slices.Contains(uses, "sigstore/cosign-installer"),
			name + " attests its provenance": slices.Contains(uses, "actions/attest-build-provenance"),
		})
	}
	signed := strings.Contains(text, `cosign sign --yes "$IMAGE@$DIGEST"`)
	demand(t, map[string]bool{"the image is signed by digest": signed})
}
