package config

import (
	"bytes"
	"errors"
	"io"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// parseYAML is the root of the one document in source; an empty one counts as an empty mapping, so
// that what is missing gets named.
func parseYAML(source []byte) (*yaml.Node, *Mistake) {
	empty := &yaml.Node{Kind: yaml.MappingNode}
	var document, second yaml.Node
	parser := yaml.NewDecoder(bytes.NewReader(source))
	err := parser.Decode(&document)
	if errors.Is(err, io.EOF) {
		return empty, nil
	}
	if err != nil {
		return nil, syntaxMistake(err)
	}
	if err := parser.Decode(&second); err == nil {
		return nil, &Mistake{Line: second.Line, Text: "a second YAML document starts here: the configuration must be one"}
	} else if !errors.Is(err, io.EOF) {
		return nil, syntaxMistake(err)
	}
	if root := document.Content[0]; root.ShortTag() != "!!null" {
		return root, nil
	}
	return empty, nil
}

var yamlError = regexp.MustCompile(`^yaml: (?:line (\d+): )?(.*)$`)

// syntaxMistake puts the parser's words into this package's form.
func syntaxMistake(err error) *Mistake {
	mistake := &Mistake{Line: 1, Text: "this is not YAML"}
	if found := yamlError.FindStringSubmatch(err.Error()); found != nil {
		if line, err := strconv.Atoi(found[1]); err == nil {
			mistake.Line = line
		}
		// The parser's line may be the one before the start of what it could not finish.
		mistake.Text = "this is not YAML, here or soon after: " + found[2]
	}
	// The one message of the parser that quotes the file, and a password may well start with a
	// star.
	if strings.Contains(mistake.Text, "unknown anchor") {
		mistake.Text = "text that starts with * must be in quotes"
	}
	return mistake
}
