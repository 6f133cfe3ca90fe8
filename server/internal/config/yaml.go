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

// parseYAML returns the root of the document in source. It returns an empty mapping for an empty
// document, so that the missing keys get named.
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
		const text = "a second YAML document starts here: the configuration must be one"
		return nil, &Mistake{Line: second.Line, Text: text}
	} else if !errors.Is(err, io.EOF) {
		return nil, syntaxMistake(err)
	}
	if root := document.Content[0]; root.ShortTag() != "!!null" {
		return root, nil
	}
	return empty, nil
}

var yamlError = regexp.MustCompile(`^yaml: (?:line (\d+): )?(.*)$`)

// syntaxMistake converts an error of the parser.
func syntaxMistake(err error) *Mistake {
	mistake := &Mistake{Line: 1, Text: "this is not YAML"}
	if found := yamlError.FindStringSubmatch(err.Error()); found != nil {
		if line, err := strconv.Atoi(found[1]); err == nil {
			mistake.Line = line
		}
		// The parser's line may precede the start of the part that it could not finish.
		mistake.Text = "this is not YAML, here or soon after: " + found[2]
	}
	// This is the parser's only message that quotes the file. A password may start with a star.
	if strings.Contains(mistake.Text, "unknown anchor") {
		mistake.Text = "text that starts with * must be in quotes"
	}
	return mistake
}
