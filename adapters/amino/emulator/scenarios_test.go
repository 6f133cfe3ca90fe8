package emulator_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/drmhub/drmhub/adapters/amino/emulator"
	"github.com/drmhub/drmhub/adapters/twin"
	"github.com/drmhub/drmhub/adapters/twin/twintest"
)

// TestScenarios plays the files of testdata/scenarios. README.md in that folder explains their
// lines.
func TestScenarios(t *testing.T) {
	twintest.RunScenarios(t, func(t *testing.T, lines []string, values map[string]string) {
		p := &player{t: t, known: values}
		for _, p.line = range lines {
			p.play()
		}
		if len(p.requests) > 0 {
			t.Errorf("the scenario has no reply to %q", p.requests)
		}
	})
}

// A player plays one scenario with an emulator of its own.
type player struct {
	t        *testing.T
	line     string
	clock    *twin.Clock
	shop     *emulator.Emulator
	requests []string          // they await the line with their reply
	known    map[string]string // the values of $name
}

var (
	replyStatus = regexp.MustCompile(`^\d{3}$`)
	errorCode   = regexp.MustCompile(`^[A-Z_]+$`)
	placeholder = regexp.MustCompile(`^\$\w+$`)
)

func (p *player) play() {
	p.t.Helper()
	word, rest, _ := strings.Cut(p.line, " ")
	if p.shop == nil {
		var options emulator.Options
		if word == "options" {
			p.decode(rest, &options)
		}
		p.clock = twin.FrozenClock(now)
		options.Clock = p.clock
		p.shop = shop(options)
	}
	switch {
	case replyStatus.MatchString(word):
		for _, request := range p.requests {
			p.send(request, word, rest)
		}
		p.requests = nil
	case word == "options":
	case word == "license":
		var license emulator.License
		p.decode(p.fill(rest), &license)
		p.shop.PutLicenses(license)
	case word == "users":
		p.shop.PutUsers(strings.Fields(rest)...)
	case word == "irdeto":
		var order emulator.IrdetoOrder
		p.decode(rest, &order)
		p.shop.OrderIrdeto(order)
	case word == "clock":
		after, err := time.ParseDuration(rest)
		if err != nil {
			p.t.Fatal(err)
		}
		p.clock.Set(now.Add(after))
		p.wantConsistent()
	case word == "holds":
		p.wantHeld(rest)
	case word == "effects":
		if got := effects(p.shop); got != p.fill(rest) {
			p.t.Errorf("the effects are %s, want %s", got, p.fill(rest))
		}
	default:
		p.requests = append(p.requests, p.line)
	}
}

func (p *player) decode(text string, into any) {
	p.t.Helper()
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		p.t.Fatalf("%s: %v", p.line, err)
	}
}

// fill replaces each $name that has a value.
func (p *player) fill(text string) string { return twintest.Expand(text, p.known) }

// send sends a request and checks the reply.
func (p *player) send(line, status, want string) {
	p.t.Helper()
	method, path, body := p.parse(p.fill(line))
	held, done := len(p.shop.Licenses()), effects(p.shop)
	r := request(p.t, method, base+path, body)
	admin := strings.HasPrefix(path, "/_twin/")
	if admin {
		r = request(p.t, method, path, body)
	}
	got := do(p.t, p.shop, r)
	if fmt.Sprint(got.Status) != status {
		p.t.Errorf("%s: %d %s, want %s %s", line, got.Status, got.Text, status, want)
		return
	}
	switch code, _, _ := strings.Cut(want, " "); {
	case want == "":
		if got.Text != "" || got.Header.Get("Content-Type") != "" {
			p.t.Errorf("%s: the reply has a body: %s", line, got.Text)
		}
	case errorCode.MatchString(code):
		if got.code(p.t) != code {
			p.t.Errorf("%s: %s, want %s", line, got.Text, code)
		}
		stays := got.Status < 500 && !strings.Contains(path, "/batch_")
		if stays && (len(p.shop.Licenses()) != held || effects(p.shop) != done) {
			p.t.Errorf("%s: it is refused and takes effect: %s", line, effects(p.shop))
		}
	case strings.HasPrefix(want, "= "):
		if text := "= " + strings.TrimSpace(got.Text); text != p.fill(want) {
			p.t.Errorf("%s:\ngot  %s\nwant %s", line, text, p.fill(want))
		}
	case strings.HasPrefix(want, "~ "):
		if !strings.Contains(got.Text, want[2:]) {
			p.t.Errorf("%s: %s, want %s in it", line, got.Text, want[2:])
		}
	default:
		p.wantData(line, got, want, admin)
	}
	if got.Status == 201 && !strings.Contains(path, "/batch_") {
		if read := call(p.t, p.shop, "GET", path+"/"+got.one(p.t, 201).ID, ""); read.Text != got.Text {
			p.t.Errorf("%s: it reads back as %s, and was %s", line, read.Text, got.Text)
		}
	}
}

// parse returns the request of a line. Some lines are a short form of one.
func (p *player) parse(line string) (method, path, body string) {
	method, rest, _ := strings.Cut(line, " ")
	switch method {
	case "issue":
		words := strings.SplitN(rest+"  ", " ", 3)
		return "POST", "/licenses", data(licenseOf(words[0], words[1], strings.TrimSpace(words[2])))
	case "altered":
		part, other, _ := strings.Cut(rest, " =>")
		return "POST", "/licenses", strings.Replace(data(licenseOf("u", "free", "")), part, strings.TrimSpace(other), 1)
	}
	path, body, _ = strings.Cut(rest, " ")
	return method, path, body
}

// wantData checks the resources of a reply: their ids, or the fields that the scenario shows.
func (p *player) wantData(line string, got reply, want string, admin bool) {
	p.t.Helper()
	if rows, listed := strings.CutPrefix(want, "ids"); listed {
		if all := ids(got.list(p.t, got.Status)); all != strings.TrimSpace(p.fill(rows)) {
			p.t.Errorf("%s: the rows are %s, want %s", line, all, p.fill(rows))
		}
		return
	}
	var wanted, body any
	p.decode(want, &wanted)
	if err := json.Unmarshal([]byte(got.Text), &body); err != nil {
		p.t.Fatalf("%s: %s: %v", line, got.Text, err)
	}
	if !admin {
		body = body.(map[string]any)["data"]
	}
	if !p.match(wanted, body) {
		p.t.Errorf("%s:\ngot  %s\nwant %s", line, got.Text, want)
	}
}

// match reports whether a value has all that is wanted. An object may have more fields. A new $name
// takes the value that it meets.
func (p *player) match(wanted, got any) bool {
	switch wanted := wanted.(type) {
	case map[string]any:
		object, _ := got.(map[string]any)
		for name, value := range wanted {
			if held, there := object[name]; !there || !p.match(value, held) {
				return false
			}
		}
		return object != nil
	case []any:
		list, _ := got.([]any)
		for i, value := range wanted {
			if i >= len(list) || !p.match(value, list[i]) {
				return false
			}
		}
		return len(list) == len(wanted)
	case string:
		if placeholder.MatchString(wanted) && p.known[wanted[1:]] == "" {
			p.known[wanted[1:]], _ = got.(string)
		}
		return p.fill(wanted) == got
	}
	return reflect.DeepEqual(wanted, got)
}

// wantHeld checks the users of the licenses, and after a bar those of the entitlements if they
// differ.
func (p *player) wantHeld(want string) {
	p.t.Helper()
	var held, entitled []string
	for _, l := range p.shop.Licenses() {
		held = append(held, l.UserID)
	}
	for _, e := range p.shop.Entitlements() {
		entitled = append(entitled, e.UserID)
	}
	licenses, entitlements, differ := strings.Cut(want, "|")
	if !differ {
		entitlements = licenses
	}
	same := func(got []string, want string) bool { return strings.Join(got, " ") == strings.TrimSpace(want) }
	if !same(held, licenses) || !same(entitled, entitlements) {
		p.t.Errorf("the users are %q, at Irdeto %q, want %s", held, entitled, want)
	}
}

// wantConsistent checks that every call shows the same of a license.
func (p *player) wantConsistent() {
	p.t.Helper()
	rows := call(p.t, p.shop, "GET", "/licenses", "").list(p.t, 200)
	for i, l := range p.shop.Licenses() {
		one := call(p.t, p.shop, "GET", "/licenses/"+l.ID, "").one(p.t, 200)
		if !reflect.DeepEqual(one, rows[i]) || one.Attributes["status"] != l.Status {
			p.t.Errorf("after %s: one call returns %v, another %v, and Go %v", p.line, one, rows[i], l)
		}
	}
}
