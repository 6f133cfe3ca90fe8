package config

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write descriptions.json, docs/configuration.md and its schema")

// comments returns the comments of the fields with keys in the packages whose structs are sections.
// It replaces the names of fields by their keys, and words of Go by words of the file.
func comments(t *testing.T) map[string]string {
	all := map[string]string{}
	for _, folder := range []string{".", "upstream", "pallycon", "ncp", "telecomx", "amino"} {
		if folder != "." {
			folder = "../../../adapters/" + folder
		}
		files, err := filepath.Glob(folder + "/*.go")
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ParseComments)
			if err != nil {
				t.Fatal(err)
			}
			ast.Inspect(parsed, func(n ast.Node) bool {
				if spec, ok := n.(*ast.TypeSpec); ok {
					if s, ok := spec.Type.(*ast.StructType); ok {
						describeFields(all, parsed.Name.Name+"."+spec.Name.Name+".", s)
					}
				}
				return true
			})
		}
	}
	return all
}

var ofTheFile = strings.NewReplacer(", unless nil,", ", if it is set,", " is nil if ", " is left out if ",
	"Nil means", "Without it:", "as in Listener", "as in grpc.listen",
	"A missing list is nil and means", "A missing list means",
	"nil means", "Without it:")

func describeFields(all map[string]string, of string, s *ast.StructType) {
	var words []string
	found, last := map[string]string{}, ""
	for _, f := range s.Fields.List {
		if f.Tag == nil || len(f.Names) == 0 {
			continue
		}
		key := keyOf(reflect.StructField{Tag: reflect.StructTag(strings.Trim(f.Tag.Value, "`"))})
		if text := strings.Join(strings.Fields(f.Doc.Text()), " "); text != "" {
			last = text
		}
		if key != "" {
			found[f.Names[0].Name] = last
			words = append(words, f.Names[0].Name, key)
		}
	}
	for name, text := range found {
		for i := 0; i < len(words); i += 2 {
			text = ofTheFile.Replace(text)
			text = regexp.MustCompile(`\b`+words[i]+`\b`).ReplaceAllString(text, words[i+1])
		}
		all[of+name] = text
	}
}

// TestTheDocumentsOfTheConfigurationAreUpToDate compares what is made of the code with the
// committed files.
func TestTheDocumentsOfTheConfigurationAreUpToDate(t *testing.T) {
	found := comments(t)
	made, err := json.MarshalIndent(found, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		descriptions = func() map[string]string { return found }
	}
	schema, err := Schema(catalogKinds())
	if err != nil {
		t.Fatal(err)
	}
	for file, want := range map[string]string{
		"descriptions.json":                       string(made) + "\n",
		"../../../docs/configuration.schema.json": string(schema) + "\n",
		"../../../docs/configuration.md":          page(t),
	} {
		if *update {
			if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if got, err := os.ReadFile(file); err != nil || string(got) != want {
			t.Errorf("%s differs from the code (%v): run go test ./server/internal/config -update", file, err)
		}
	}
	Layout(catalogKinds()).walk(func(k *Setting) {
		if k.Field != "" && k.Description() == "" {
			t.Errorf("%s has no description", k.Path)
		}
	})
}

// page returns docs/configuration.md: a text, and a table for each section.
func page(t *testing.T) string {
	var b strings.Builder
	head, err := os.ReadFile("testdata/configuration.head.md")
	if err != nil {
		t.Fatal(err)
	}
	b.Write(head)
	var section func(k *Setting)
	section = func(k *Setting) {
		if k.Path == "" {
			b.WriteString("## The file\n\n")
		} else {
			fmt.Fprintf(&b, "## %s\n\n", strings.ReplaceAll(k.Path, "[0]", "[]"))
		}
		b.WriteString("| key | type | default | reload | meaning |\n| --- | --- | --- | --- | --- |\n")
		for _, below := range k.Keys {
			def := below.DefaultText()
			if def != "" {
				def = "`" + def + "`"
			}
			fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s |\n", below.Name, below.Kind(), def, below.OnReload(),
				strings.ReplaceAll(below.Description(), "|", "\\|"))
		}
		b.WriteString("\n")
		for _, below := range k.Keys {
			if below.Item != nil && below.Item.Keys != nil {
				below = below.Item
			}
			if below.Keys != nil {
				section(below)
			}
		}
	}
	section(Layout(catalogKinds()))
	return strings.TrimRight(b.String(), "\n") + "\n"
}

// TestPrint prints a file with every secret set, and reads it again once these have a source.
func TestPrint(t *testing.T) {
	path := filepath.Join(folder(t), "drmhub.yaml")
	file := strings.Replace(least, "{url:", `{regions: ["", "true", kr], url:`, 1)
	want, err := Parse([]byte(file), path, kinds())
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := Print(&out, want); err != nil {
		t.Fatal(err)
	}
	text := strings.ReplaceAll(out.String(), "'[redacted]'", "{env: ACME_TOKEN}")
	if got, err := Parse([]byte(text), path, kinds()); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%v: %s", err, out.String())
	}
	if strings.Contains(out.String(), "s3cr3t") {
		t.Errorf("a secret is printed: %s", out.String())
	}
}
