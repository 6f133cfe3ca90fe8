package wiretest

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/drmhub/drmhub/adapters/mutation"
	"github.com/drmhub/drmhub/adapters/twin"
	"github.com/drmhub/drmhub/adapters/twin/twintest"
)

// Scenarios says how the scenarios of one vendor are run. SCENARIOS.md explains their lines.
type Scenarios struct {
	// Root is the path before the paths of the scenarios.
	Root string
	// New returns a setter of the adapter's settings, and a function that connects the adapter to
	// the vendor.
	New func(t *testing.T) (set func(key, value string) error, connect func(http.RoundTripper) any)
	// Reply reads a reply of the vendor. The replies "cut" and "nothing" are the same for all.
	Reply func(t *testing.T, text string) Reply
	// Header is sent with every reply.
	Header map[string]string
	// JSONType is the Content-Type of a body in JSON. Other bodies are forms.
	JSONType string
	// Values are the values that each scenario knows.
	Values map[string]string
	// UsualQuery names the query parameters of most calls. They are checked if a scenario has them.
	UsualQuery []string
}

// Run runs the scenarios in testdata/scenarios, each in a bubble of time.
func (v Scenarios) Run(t *testing.T) {
	twintest.RunScenarios(t, func(t *testing.T, lines []string, values map[string]string) {
		synctest.Test(t, func(t *testing.T) { v.run(t, lines, values) })
	})
}

func (v Scenarios) run(t *testing.T, lines []string, values map[string]string) {
	s := &scenario{Scenarios: v, t: t, values: values}
	s.set, s.connect = v.New(t)
	maps.Copy(s.values, v.Values)
	for _, line := range lines {
		if line = twintest.Expand(line, s.values); line[0] != '#' {
			s.step(line)
		}
	}
	if s.call == "" || s.expects != nil || s.planned != nil {
		t.Error("the scenario does not end with what the call returns")
	}
}

// An exchange is a request that the adapter must make, as detailed as the line says, and the
// vendor's reply.
type exchange struct{ name, query, body, reply string }

// A scenario is one run of a scenario's lines.
type scenario struct {
	Scenarios
	t       *testing.T
	set     func(key, value string) error
	connect func(http.RoundTripper) any
	values  map[string]string
	call    string // the line of the call
	log     *mutation.Memory
	dryRun  *mutation.DryRun
	planned []string
	expects []exchange
}

func (s *scenario) step(line string) {
	word, rest, _ := strings.Cut(line, " ")
	rest = strings.TrimSpace(rest)
	name, value, _ := strings.Cut(rest, " ")
	switch word {
	case "config":
		if err := s.set(name, value); err != nil {
			s.t.Fatal(err)
		}
	case "wait":
		d, err := time.ParseDuration(rest)
		if err != nil {
			s.t.Fatal(err)
		}
		time.Sleep(d)
	case "GET", "POST", "PUT", "PATCH", "DELETE":
		s.expects = append(s.expects, s.exchange(word, rest))
	case "plans":
		s.planned = append(s.planned, rest)
	case "step":
		want, known := states[value]
		if got := s.log.Get(name).State; got != want || !known {
			s.t.Errorf("the step %s is %v, want %s", name, got, value)
		}
	case "=", "~", "!":
		s.run(word, rest)
	case "again": // the call before, as the same mutation
	default:
		s.call, s.log = line, mutation.NewMemory()
	}
}

var states = map[string]mutation.State{
	"NotSent": mutation.NotSent, "Sent": mutation.Sent, "Done": mutation.Done,
	"Refused": mutation.Refused, "Unverifiable": mutation.Unverifiable,
}

// exchange reads a line such as GET /path?query body > reply.
func (s *scenario) exchange(method, text string) exchange {
	request, reply, _ := strings.Cut(text, " > ")
	target, body, _ := strings.Cut(strings.TrimSpace(request), " ")
	path, query, asks := strings.Cut(target, "?")
	if asks {
		values, err := url.ParseQuery(query)
		if err != nil {
			s.t.Fatal(err)
		}
		query = "?" + values.Encode()
	}
	root := s.Root
	if outside, ok := strings.CutPrefix(path, "//"); ok {
		root, path = "", "/"+outside
	}
	return exchange{method + " " + root + path, query, strings.TrimSpace(body), reply}
}

// run makes the call, and demands the requests and the result.
func (s *scenario) run(kind, want string) {
	replies := map[string][]Reply{}
	for _, e := range s.expects {
		reply := Cut
		switch e.reply {
		case "cut":
		case "nothing":
			reply = OK("")
		default:
			reply = s.Reply(s.t, e.reply)
		}
		replies[e.name] = append(replies[e.name], reply)
	}
	vendor := NewServer(s.t, replies)
	vendor.Header = s.Header
	got, err := s.invoke(s.connect(twin.Transport(vendor)))
	s.wantRequests(vendor.All())
	if s.dryRun == nil && s.planned != nil {
		s.t.Error("only a dry run plans requests")
	}
	switch {
	case kind == "!":
		s.wantError(err, want)
	case err != nil:
		s.t.Fatalf("%s: %v", s.call, err)
	default:
		s.wantResponse(got, want, kind == "=")
	}
	if s.dryRun != nil {
		wantLines(s.t, s.call+" would send", s.dryRun.Requests(), s.planned)
	}
	s.expects, s.planned, s.dryRun = nil, nil, nil
}

// invoke calls the method that the scenario names: as a mutation, in a dry run, or bare.
func (s *scenario) invoke(adapter any) (proto.Message, error) {
	mode, call, _ := strings.Cut(s.call, " ")
	ctx := s.t.Context()
	switch mode {
	case "dry":
		ctx, s.dryRun = mutation.WithDryRun(ctx)
	case "bare":
	default:
		call, ctx = s.call, mutation.NewContext(ctx, s.log)
	}
	name, text, _ := strings.Cut(call, " ")
	method := reflect.ValueOf(adapter).MethodByName(name)
	if !method.IsValid() {
		s.t.Fatalf("the adapter has no method %q", name)
	}
	request := reflect.New(method.Type().In(1).Elem())
	message, _ := reflect.TypeAssert[proto.Message](request)
	s.parse(text, message)
	results := method.Call([]reflect.Value{reflect.ValueOf(ctx), request})
	response, _ := reflect.TypeAssert[proto.Message](results[0])
	err, _ := reflect.TypeAssert[error](results[1])
	return response, err
}

// shown returns a request as detailed as the exchange is.
func (s *scenario) shown(r Request, e exchange) string {
	shown := r.Name
	if e.query != "" {
		for _, name := range s.UsualQuery {
			if !strings.Contains(e.query, name+"=") {
				r.Query.Del(name)
			}
		}
		shown += "?" + r.Query.Encode()
	}
	if e.body == "" {
		return shown
	}
	body, typ := r.Body, "application/x-www-form-urlencoded"
	switch {
	case body == "":
		body, typ = "-", ""
	case body[0] == '{':
		typ = s.JSONType
	}
	if got := r.Header.Get("Content-Type"); got != typ {
		body += fmt.Sprintf(" as %q", got)
	}
	return shown + " " + body
}
