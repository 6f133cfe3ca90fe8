package cli

import (
	"encoding/json"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/drmhub/drmhub/gen"
	"github.com/drmhub/drmhub/server/internal/contract"
)

// commandOf returns the command of an RPC.
func commandOf(t *testing.T, root *cobra.Command, rpc *contract.RPC) *cobra.Command {
	t.Helper()
	noun, verb := place(rpc)
	c, rest, err := root.Find([]string{noun, verb})
	if err != nil || len(rest) > 0 || c.Annotations[annotation] != rpc.Name {
		t.Fatalf("%s %s is not the command of %s", noun, verb, rpc.Name)
	}
	return c
}

// TestEveryRPCHasACommand checks that each field of a request has a flag, whose help has the words
// of the contract.
func TestEveryRPCHasACommand(t *testing.T) {
	root := tree()
	for _, rpc := range contract.RPCs() {
		c := commandOf(t, root, rpc)
		if c.Short == "" || !strings.Contains(c.Long, comment(rpc.Method)) {
			t.Errorf("the help of %s lacks the comment of %s:\n%s", c.CommandPath(), rpc.Name, c.Long)
		}
		given := map[string]string{}
		for _, f := range fieldFlags(rpc.Request.Descriptor(), rpc.HTTP.Method == "PATCH") {
			given[string(f.path[0].Name())] += " " + f.name
			flag := c.Flags().Lookup(f.name)
			if words := comment(f.field()); flag == nil || words == "" ||
				!strings.Contains(flag.Usage, strings.ReplaceAll(words, "\n\n", " ")) {
				t.Errorf("%s has the flag --%s: %+v, want the words %q", c.CommandPath(), f.name, flag, words)
			}
		}
		for i := range rpc.Request.Descriptor().Fields().Len() {
			if f := rpc.Request.Descriptor().Fields().Get(i); given[string(f.Name())] == "" {
				t.Errorf("%s has no flag for %s", c.CommandPath(), f.Name())
			}
		}
	}
}

func TestFlagsHaveTheNamesThatPeopleExpect(t *testing.T) {
	root := tree()
	for line, flags := range map[string]string{
		"licenses list":           "parent user-id status start-time end-time page-size page-token all limit",
		"sites disable":           "name service message validate-only request-id",
		"sites update":            "name display-name policy-id update-mask",
		"site-orders create":      "display-name fairplay-certificate-private-key-uri",
		"product-licenses create": "user product renewal-recurring purchase-price-amount",
		"integration update":      "token-duration license-callback-url",
	} {
		c, _, err := root.Find(strings.Fields(line))
		if err != nil {
			t.Fatal(err)
		}
		for name := range strings.FieldsSeq(flags) {
			if c.Flags().Lookup(name) == nil {
				t.Errorf("%s has no flag --%s", line, name)
			}
		}
	}
}

// An example is a call that the OpenAPI document shows, and that works in a fresh sandbox.
type example struct {
	path  string // with ids
	query url.Values
	body  string
}

// examples returns the example of each RPC, by method and pattern of the path.
func examples(t *testing.T) map[string]example {
	t.Helper()
	var document struct {
		Paths map[string]map[string]struct {
			Parameters []struct {
				In, Name string
				Example  any
			}
			RequestBody struct {
				Content map[string]struct{ Example json.RawMessage }
			}
		}
	}
	if err := json.Unmarshal(gen.OpenAPI, &document); err != nil {
		t.Fatal(err)
	}
	all := map[string]example{}
	for path, operations := range document.Paths {
		for method, op := range operations {
			body := op.RequestBody.Content["application/json"].Example
			e := example{path: path, query: url.Values{}, body: string(body)}
			for _, p := range op.Parameters {
				text, ok := p.Example.(string)
				if number, isNumber := p.Example.(float64); isNumber {
					text, ok = strconv.Itoa(int(number)), true
				}
				switch {
				case !ok:
				case p.In == "path":
					e.path = strings.ReplaceAll(e.path, "{"+p.Name+"}", text)
				case p.In == "query":
					e.query.Set(p.Name, text)
				}
			}
			pattern := regexp.MustCompile(`\{[^}]*\}`).ReplaceAllString(path, "*")
			all[strings.ToUpper(method)+" "+pattern] = e
		}
	}
	return all
}

// flagOf returns the flag of a query parameter.
func flagOf(t *testing.T, rpc *contract.RPC, parameter string) string {
	t.Helper()
	for _, f := range fieldFlags(rpc.Request.Descriptor(), false) {
		var names []string
		for _, field := range f.path {
			names = append(names, field.JSONName())
		}
		if strings.Join(names, ".") == parameter {
			return f.name
		}
	}
	t.Fatalf("%s has no flag for the parameter %s", rpc.Name, parameter)
	return ""
}

// TestJSONIsTheBodyOfREST makes each call of the OpenAPI document as a command and over REST.
// Changes have the same request id, so that the second call returns the first one's result.
func TestJSONIsTheBodyOfREST(t *testing.T) {
	s := startSandbox(t)
	shown := examples(t)
	latency := regexp.MustCompile(`"latency":"[^"]*"`)
	// A pass over a vendor changes an archive, and a viewer is erased once.
	moving := regexp.MustCompile(`"backfill":(\{[^}]*\}|null)|"(state|\w+Time|lag|lateness)":("[^"]*"|null)|` +
		`"(licenseCount|rowCount)":\d+`)
	_, first := fetch(t, "POST", s.rest+"/v1/vendors/ncp/sites/drm-20240304012233-WmRpa:disable", "{}")
	_, mutations := fetch(t, "GET", s.rest+"/v1/mutations", "")
	mutation := regexp.MustCompile(`mutations/[-0-9a-f]+`).FindString(mutations)
	if mutation == "" {
		t.Fatal(first, mutations)
	}
	for _, rpc := range contract.RPCs() {
		e, ok := shown[rpc.HTTP.Method+" "+rpc.HTTP.Pattern]
		if !ok {
			t.Fatalf("the OpenAPI document has no example of %s", rpc.Name)
		}
		e.path = strings.ReplaceAll(e.path, "mutations/{mutation}", mutation)
		noun, verb := place(rpc)
		args := []string{noun, verb, "-o", "json", "--retries", "0"}
		if rpc.Resource != "" {
			name, _, _ := strings.Cut(strings.TrimPrefix(e.path, "/v1/"), ":")
			if rpc.Resource == "parent" || strings.HasPrefix(string(rpc.Method.Name()), "GetFairPlay") {
				name = name[:strings.LastIndexByte(name, '/')]
			}
			args = append(args, name)
		}
		for parameter, values := range e.query {
			args = append(args, "--"+flagOf(t, rpc, parameter), values[0])
		}
		if e.body != "" {
			args = append(args, "--json", "-")
		}
		var header []string
		if has := rpc.Request.Descriptor().Fields().ByName("request_id") != nil; has {
			id := uuid.NewString()
			args, header = append(args, "--request-id", id), []string{"Idempotency-Key", id}
		}
		out, errs, err := run(t.Context(), e.body, args...)
		code, body := fetch(t, rpc.HTTP.Method, s.rest+e.path+"?"+e.query.Encode(), e.body, header...)
		if code >= 400 {
			reason := regexp.MustCompile(`"reason":"([A-Z_]+)"`).FindStringSubmatch(body)
			if err == nil || reason == nil || !strings.Contains(err.Error(), "reason: "+reason[1]) {
				t.Errorf("%q: %v, and REST returns %s", args, err, body)
			}
			continue
		}
		for _, text := range []*string{&out, &body} {
			*text = latency.ReplaceAllString(*text, `"latency":""`)
			if strings.Contains(e.path, "archive") || rpc.Method.Parent().Name() == "ViewerService" {
				*text = moving.ReplaceAllString(*text, "")
			}
		}
		if err != nil || out != body {
			t.Errorf("%q: %v\n%s\nprints %s\nREST returns %s", args, err, errs, out, body)
		}
		if strings.Contains(body, `", "`) {
			t.Errorf("REST writes spaces: %s", body)
		}
	}
}

func TestEveryColumnIsAField(t *testing.T) {
	for _, rpc := range contract.RPCs() {
		rows := rowsField(rpc.Response.Descriptor())
		if rows == nil {
			continue
		}
		want := len(columns[rows.Message().Name()])
		if got := columnsOf(rows.Message(), false); len(got) != want {
			t.Errorf("a table of %s has %d columns, and columns has %d", rows.Message().Name(), len(got), want)
		}
	}
}
