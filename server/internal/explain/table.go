// Package explain says why a license was refused: from a table of the vendors' codes, and from what
// can be read to check it, at the vendor and in the archive.
package explain

import (
	"embed"
	"fmt"
	"path"
	"slices"
	"sync"

	"go.yaml.in/yaml/v3"
	"google.golang.org/protobuf/proto"

	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// The table has one file for each kind of vendor or player. The same number means different things
// to different kinds, so that a code is always looked up together with its kind.
//
//go:embed codes/*.yaml
var files embed.FS

// A codeTable is what drmhub knows of the codes of one kind.
type codeTable struct {
	Kind    string `yaml:"kind"`
	Page    string `yaml:"page"`    // the vendor's own page, for codes that the table lacks
	Success string `yaml:"success"` // the code of a success, where the vendor has one
	Codes   []row  `yaml:"codes"`
	// Inherits names the kind whose server is behind this vendor. Its codes mean the same here.
	Inherits struct {
		Kind   string   `yaml:"kind"`
		Except []string `yaml:"except"` // the codes that are not inherited
		Source string   `yaml:"source"` // who says that the kind's server is behind this vendor
	} `yaml:"inherits"`
}

// A row explains one code.
type row struct {
	Code       string   `yaml:"code"`
	Class      string   `yaml:"class"`
	Owner      string   `yaml:"owner"`
	Retryable  string   `yaml:"retryable"`
	Confidence string   `yaml:"confidence"`
	Source     string   `yaml:"source"`
	Meaning    string   `yaml:"meaning"`
	Fixes      []string `yaml:"fixes"`
}

// A key is a code of a kind.
type key struct{ kind, code string }

// table returns the kinds, and the explanations of all codes. The first explanation reads them, and
// not the start, which they would delay. The table is part of the program, so a test finds its
// mistakes.
var table = sync.OnceValues(readTable)

// readTable reads the table. It panics if the table is wrong.
func readTable() (map[string]codeTable, map[key]*pb.Explanation) {
	byKind, byCode := readKinds(), map[key]*pb.Explanation{}
	for kind, t := range byKind {
		for _, r := range t.Codes {
			k := key{kind, r.Code}
			if byCode[k] != nil {
				panic(fmt.Sprintf("explain: the table of %s explains %s twice", kind, r.Code))
			}
			byCode[k] = r.explanation()
		}
	}
	for kind, t := range byKind {
		for _, r := range byKind[t.Inherits.Kind].Codes {
			k := key{kind, r.Code}
			if byCode[k] == nil && !slices.Contains(t.Inherits.Except, r.Code) {
				byCode[k] = r.inherited(t.Inherits.Source).explanation()
			}
		}
	}
	return byKind, byCode
}

// inherited returns a row for a vendor that another vendor's server is behind. The remedy is not
// that vendor's own word.
func (r row) inherited(source string) row {
	r.Source += "; " + source
	if r.Confidence == pb.Explanation_CONFIRMED.String() {
		r.Confidence = pb.Explanation_INFERRED_REMEDY.String()
	}
	return r
}

func readKinds() map[string]codeTable {
	byKind := map[string]codeTable{}
	entries, err := files.ReadDir("codes")
	if err != nil {
		panic(err)
	}
	for _, entry := range entries {
		text, err := files.ReadFile(path.Join("codes", entry.Name()))
		if err != nil {
			panic(err)
		}
		var t codeTable
		if err := yaml.Unmarshal(text, &t); err != nil {
			panic(fmt.Sprintf("explain: %s: %v", entry.Name(), err))
		}
		byKind[t.Kind] = t
	}
	return byKind
}

func (r row) explanation() *pb.Explanation {
	return &pb.Explanation{
		ErrorCode:  r.Code,
		Class:      pb.Explanation_Class(number(pb.Explanation_Class_value, r.Class)),
		Owner:      pb.Explanation_Owner(number(pb.Explanation_Owner_value, r.Owner)),
		Retryable:  pb.Explanation_Retryable(number(pb.Explanation_Retryable_value, r.Retryable)),
		Confidence: pb.Explanation_Confidence(number(pb.Explanation_Confidence_value, r.Confidence)),
		Source:     r.Source,
		Meaning:    r.Meaning,
		Fixes:      r.Fixes,
	}
}

// number returns the number of an enum's value, or 0 for no word.
func number(values map[string]int32, word string) int32 {
	n, known := values[word]
	if !known && word != "" {
		panic(fmt.Sprintf("explain: the table has the word %q", word))
	}
	return n
}

// kindOf returns what the table knows of a kind. It is empty for an unknown one.
func kindOf(kind string) codeTable {
	kinds, _ := table()
	return kinds[kind]
}

// lookup returns a new explanation of a code, or nil if the table lacks it.
func lookup(kind, code string) *pb.Explanation {
	_, explanations := table()
	if e := explanations[key{kind, code}]; e != nil {
		return proto.CloneOf(e)
	}
	return nil
}

// unknown returns the explanation of a code that the table lacks. It never guesses.
func unknown(kind, code string) *pb.Explanation {
	e := &pb.Explanation{
		ErrorCode: code, Class: pb.Explanation_UNKNOWN,
		Meaning: fmt.Sprintf("drmhub does not know the code %q of %s.", code, kind),
	}
	if page := kindOf(kind).Page; page != "" {
		e.Meaning += " The vendor's page may list it: " + page
		e.Source = page
	}
	e.Fixes = []string{"Look the code up at the vendor, or ask the vendor with the site, the time and the code."}
	return e
}
