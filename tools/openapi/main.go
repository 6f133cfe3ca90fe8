// Command openapi writes the OpenAPI document of the REST API from the contract's descriptors:
//
//	openapi DESCRIPTORS DOCUMENT
//
// DESCRIPTORS is the output of `buf build`, with comments. DOCUMENT is an OpenAPI 3.1 document in
// JSON. It is made from the protos, the fixed schema of errors, and the folder examples. Of the
// protos it uses comments, http rules, field behaviors and protovalidate rules. If OpenAPI cannot
// express a construct, the command fails.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: openapi DESCRIPTORS DOCUMENT")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "openapi:", err)
		os.Exit(1)
	}
}

func run(descriptors, document string) error {
	raw, err := os.ReadFile(descriptors)
	if err != nil {
		return err
	}
	contract, err := readContract(raw)
	if err != nil {
		return err
	}
	examples, err := readExamples(exampleFiles)
	if err != nil {
		return err
	}
	doc, err := describe(contract, examples)
	if err != nil {
		return err
	}
	if missing := withoutExamples(doc); len(missing) > 0 {
		return fmt.Errorf("every operation has an example that works in the sandbox:\n%s", strings.Join(missing, "\n"))
	}
	text, err := encode(doc)
	if err != nil {
		return err
	}
	return os.WriteFile(document, text, 0o644)
}

// encode checks the document and returns it as indented JSON, the same at every run.
func encode(doc *openapi3.T) ([]byte, error) {
	compact, err := doc.MarshalJSON()
	if err != nil {
		return nil, err
	}
	// The check needs resolved references, and loading resolves them.
	loaded, err := openapi3.NewLoader().LoadFromData(compact)
	if err != nil {
		return nil, err
	}
	if err := loaded.Validate(context.Background()); err != nil {
		return nil, err
	}
	var text bytes.Buffer
	if err := json.Indent(&text, compact, "", "  "); err != nil {
		return nil, err
	}
	text.WriteByte('\n')
	return text.Bytes(), nil
}
