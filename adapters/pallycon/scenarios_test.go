package pallycon_test

import (
	"fmt"
	"net/url"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	_ "time/tzdata"

	"google.golang.org/protobuf/proto"

	"github.com/drmhub/drmhub/adapters/adaptertest/wiretest"
	"github.com/drmhub/drmhub/adapters/mutation"
	"github.com/drmhub/drmhub/adapters/pallycon"
	"github.com/drmhub/drmhub/adapters/twin"
	"github.com/drmhub/drmhub/adapters/twin/twintest"
)

// TestScenarios runs the files in testdata/scenarios. README.md in that folder says how to read
// them.
func TestScenarios(t *testing.T) {
	twintest.RunScenarios(t, func(t *testing.T, lines []string, values map[string]string) {
		synctest.Test(t, func(t *testing.T) {
			s := &scenario{t: t, config: config(), values: values}
			s.values["forty"] = forty()
			for _, line := range lines {
				if line = twintest.Expand(line, s.values); line[0] != '#' {
					s.step(line)
				}
			}
			if s.call == "" || s.expects != nil || s.planned != nil {
				t.Error("the scenario does not end with what the call returns")
			}
		})
	})
}

// An exchange is a request that the adapter must make, as detailed as the line says, and the
// vendor's reply.
type exchange struct{ name, query, body, reply string }

// A scenario is one run of a scenario's lines.
type scenario struct {
	t       *testing.T
	config  pallycon.Config
	values  map[string]string
	call    string // the line of the call
	log     *mutation.Memory
	dryRun  *mutation.DryRun
	planned []string
	expects []exchange
}

// forty returns forty rows of the license history, one a second.
func forty() string {
	var rows []string
	for i := range 40 {
		rows = append(rows, fmt.Sprintf(`{"reg_time":"202003022359%02d"}`, 59-i))
	}
	return strings.Join(rows, ",")
}

func (s *scenario) step(line string) {
	word, rest, _ := strings.Cut(line, " ")
	rest = strings.TrimSpace(rest)
	name, value, _ := strings.Cut(rest, " ")
	switch word {
	case "config":
		s.set(name, value)
	case "wait":
		d, err := time.ParseDuration(rest)
		if err != nil {
			s.t.Fatal(err)
		}
		time.Sleep(d)
	case "GET", "POST", "PUT":
		request, reply, _ := strings.Cut(rest, " > ")
		target, body, _ := strings.Cut(strings.TrimSpace(request), " ")
		path, query, asks := strings.Cut(target, "?")
		if asks {
			values, err := url.ParseQuery(query)
			if err != nil {
				s.t.Fatal(err)
			}
			query = "?" + values.Encode()
		}
		s.expects = append(s.expects, exchange{word + " /api/v2" + path, query, strings.TrimSpace(body), reply})
	case "plans":
		s.planned = append(s.planned, rest)
	case "step":
		states := map[string]mutation.State{"Sent": mutation.Sent, "Done": mutation.Done}
		if got := s.log.Get(name).State; got != states[value] {
			s.t.Errorf("the step %s is %v, want %s", name, got, value)
		}
	case "=", "~", "!":
		s.run(word, rest)
	case "again": // the call before, as the same mutation
	default:
		s.call, s.log = line, mutation.NewMemory()
	}
}

func (s *scenario) set(key, value string) {
	var err error
	switch key {
	case "page_index_base":
		s.config.PageIndexBase, err = strconv.Atoi(value)
	case "parameter_encoding":
		s.config.ParameterEncoding = pallycon.ParameterEncoding(value)
	case "time_zone":
		s.config.TimeZone, err = time.LoadLocation(value)
	case "to_inclusive":
		s.config.ToInclusive, err = strconv.ParseBool(value)
	default:
		s.t.Fatalf("the scenarios have no setting %q", key)
	}
	if err != nil {
		s.t.Fatal(err)
	}
}

// reply returns the reply that a line says.
func (s *scenario) reply(text string) wiretest.Reply {
	word, rest, _ := strings.Cut(text, " ")
	switch {
	case word == "cut":
		return wiretest.Cut
	case word == "nothing":
		return wiretest.OK("")
	case word == "ok":
		data, count, counts := strings.Cut(rest, " of ")
		if counts {
			data += `,"count":` + count
		}
		return wiretest.OK(`{"error_code":"0000","data":` + data + `}`)
	case word == "no":
		return wiretest.OK(`{"error_code":"` + rest + `","error_message":"no"}`)
	case !strings.HasSuffix(word, ".json"):
		return wiretest.OK(text)
	}
	body := fixture(s.t, word)
	for change := range strings.FieldsSeq(rest) {
		if change == "repaired" { // the guide prints one brace too many
			body = strings.TrimSuffix(strings.TrimSpace(body), "}")
			continue
		}
		from, to, _ := strings.Cut(change, "=>")
		if !strings.Contains(body, from) {
			s.t.Fatalf("%s does not hold %s", word, from)
		}
		body = strings.Replace(body, from, to, 1)
	}
	return wiretest.OK(body)
}

// run makes the call, and demands the requests and the result.
func (s *scenario) run(kind, want string) {
	replies := map[string][]wiretest.Reply{}
	for _, e := range s.expects {
		replies[e.name] = append(replies[e.name], s.reply(e.reply))
	}
	vendor := wiretest.NewServer(s.t, replies)
	vendor.Header = map[string]string{"Content-Type": jsonType}
	got, err := s.invoke(adapterTo(s.t, s.config, twin.Transport(vendor)))
	s.wantRequests(vendor.All())
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
func (s *scenario) invoke(a *pallycon.Adapter) (proto.Message, error) {
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
	method := reflect.ValueOf(a).MethodByName(name)
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
