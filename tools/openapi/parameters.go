package main

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
)

// origins says where the id of a thing comes from that the sandbox does not have at its start.
var origins = map[string]string{
	"mutation": "The header Drmhub-Mutation of the response to a change names it, and ListMutations lists all.",
}

// commonParameters are examples that the documentation page fills in.
var commonParameters = map[string]any{"pageSize": 10}

// commonOptions are examples of parameters that many operations have. Each works together with all
// others. The empty ones are valid, and keep tools from inventing a value. With a request_id from
// the document, every call after the first one would be a repetition.
var commonOptions = map[string]any{
	"pageToken":        "",
	"requestId":        "",
	"validateOnly":     false,
	"view":             "BASIC",
	"filter.startDate": "2020-01-01",
	"filter.endDate":   "2099-12-31",
	"filter.startTime": "2020-01-01T00:00:00Z",
	"filter.endTime":   "2099-12-31T00:00:00Z",
}

// fill gives each parameter the example that it has. It fails if the example names an unknown one.
func (e example) fill(parameters openapi3.Parameters) error {
	known := map[string]bool{}
	for _, reference := range parameters {
		parameter := reference.Value
		known[parameter.Name] = true
		value, filled := e.Parameters[parameter.Name]
		if !filled {
			value, filled = commonParameters[parameter.Name]
		}
		if filled {
			parameter.Example = value
			continue
		}
		value, optional := e.Options[parameter.Name]
		if !optional {
			value, optional = commonOptions[parameter.Name]
		}
		if optional {
			schema := *wrapped(parameter.Schema)
			schema.Examples = []any{value}
			parameter.Schema = schema.NewRef()
		}
	}
	for _, all := range []map[string]any{e.Parameters, e.Options} {
		for _, name := range slices.Sorted(maps.Keys(all)) {
			if !known[name] {
				return fmt.Errorf("its example has the parameter %s, which it does not take", name)
			}
		}
	}
	return nil
}

// filterTakes matches the sentence of a method that takes only some fields of a filter that it
// shares with other methods.
var filterTakes = regexp.MustCompile(`The filter (?:requires (\w+), and )?takes ([a-z_]+(?:(?:, | and )[a-z_]+)*)\.`)

// takeFilter leaves out the fields of the filter that the method refuses, by its comment. It marks
// the one that the method requires.
func takeFilter(operation *openapi3.Operation, comment string) error {
	said := filterTakes.FindStringSubmatch(comment)
	if said == nil {
		return nil
	}
	needed := said[1]
	takes := strings.Split(strings.ReplaceAll(said[2], " and ", ", "), ", ")
	if needed != "" {
		takes = append(takes, needed)
	}
	kept := openapi3.Parameters{}
	for _, reference := range operation.Parameters {
		field, filters := strings.CutPrefix(reference.Value.Name, "filter.")
		taken := slices.IndexFunc(takes, func(name string) bool { return lowerCamel(name) == field })
		if filters && taken < 0 {
			continue
		}
		if filters {
			reference.Value.Required = takes[taken] == needed
			takes = slices.Delete(takes, taken, taken+1)
		}
		kept = append(kept, reference)
	}
	if len(takes) > 0 {
		return fmt.Errorf("its comment names fields that the filter lacks: %s", strings.Join(takes, ", "))
	}
	operation.Parameters = kept
	return nil
}

// withoutExamples returns what the document's operations lack for a call that works: an example of
// each parameter and of each body.
func withoutExamples(doc *openapi3.T) []string {
	var missing []string
	for _, item := range doc.Paths.Map() {
		for _, operation := range item.Operations() {
			missing = append(missing, missingExamples(operation)...)
		}
	}
	slices.Sort(missing)
	return missing
}

func missingExamples(operation *openapi3.Operation) (missing []string) {
	file := "examples/" + operation.OperationID + ".json"
	for _, reference := range operation.Parameters {
		parameter := reference.Value
		if parameter.Example == nil && len(wrapped(parameter.Schema).Examples) == 0 {
			missing = append(missing, file+" lacks the parameter "+parameter.Name)
		}
	}
	if body := operation.RequestBody; body != nil && body.Value.Content["application/json"].Example == nil {
		missing = append(missing, file+" lacks the request")
	}
	return missing
}
