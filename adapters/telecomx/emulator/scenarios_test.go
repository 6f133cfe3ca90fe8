package emulator_test

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/drmhub/drmhub/adapters/telecomx/emulator"
	"github.com/drmhub/drmhub/adapters/twin/twintest"
)

// TestScenarios runs testdata/scenarios. The README there explains the lines.
func TestScenarios(t *testing.T) {
	twintest.RunScenarios(t, func(t *testing.T, lines []string, values map[string]string) {
		s := &scenario{t: t, Emulator: server(emulator.Options{}), values: values, header: http.Header{}}
		s.token = emulator.DefaultMachineToken
		for _, line := range lines {
			s.step(twintest.Expand(line, s.values))
		}
	})
}

type scenario struct {
	t *testing.T
	*emulator.Emulator
	values map[string]string // tokens by the name of their login
	token  string            // of the calls that follow
	header http.Header
	call   string
	got    reply
}

func (s *scenario) step(line string) {
	word, rest, _ := strings.Cut(line, " ")
	words := strings.Fields(rest)
	switch word {
	case "options":
		var o emulator.Options
		twintest.Decode(s.t, rest, &o)
		s.Emulator = server(o)
	case "account":
		var a emulator.Account
		twintest.Decode(s.t, rest, &a)
		s.PutAccounts(a)
	case "user":
		var u emulator.User
		twintest.Decode(s.t, rest, &u)
		s.PutUsers(u)
	case "customer":
		var c emulator.Customer
		twintest.Decode(s.t, rest, &c)
		s.PutCustomers(c)
	case "advance":
		d, err := time.ParseDuration(rest)
		if err != nil {
			s.t.Fatal(err)
		}
		s.Clock().Advance(d)
	case "login":
		s.login(words)
	case "as":
		token, isLogin := s.values[rest]
		if s.token = rest; isLogin {
			s.token = token
		}
	case "header":
		name, value, _ := strings.Cut(rest, ": ")
		s.header.Set(name, value)
	case "password":
		s.ChangePassword(words[0], words[1])
	case "revoke":
		s.RevokeTokens()
	case "GET", "POST", "PUT", "DELETE":
		s.send(word, rest)
	case "effects":
		if got := twintest.Effects(s.Ledger()); got != rest {
			s.t.Errorf("%s: the effects are %q, want %q", s.call, got, rest)
		}
	case "logins":
		if got := strconv.Itoa(s.Logins()); got != rest {
			s.t.Errorf("%s logins, want %s", got, rest)
		}
	case "admits":
		s.wantAdmitted(words[0], words[2:])
	default:
		s.wantReply(word, rest)
	}
}

func (s *scenario) login(words []string) {
	if len(words) == 1 {
		words = append(words, emulator.DefaultUsername, emulator.DefaultPassword)
	}
	var given answer
	read(s.t, login(s.t, s, words[1], words[2]), &given)
	s.values[words[0]], s.values[strings.ToUpper(words[0])] = given.Token, strings.ToUpper(given.Token)
}

func (s *scenario) send(method, rest string) {
	target, body, _ := strings.Cut(rest, " ")
	path, query, _ := strings.Cut(target, "?")
	if s.token != "-" && path != "/auth/login" && !strings.HasPrefix(path, "/_twin/") {
		query = "token=" + url.QueryEscape(s.token) + "&" + query
	}
	r := request(s.t, method, path+"?"+strings.TrimSuffix(query, "&"), body)
	maps.Copy(r.Header, s.header)
	s.call, s.got = method+" "+rest, do(s.t, s, r)
}

// wantAdmitted demands that the call succeeded if level is among levels, and had no effect
// otherwise.
func (s *scenario) wantAdmitted(level string, levels []string) {
	if slices.Contains(levels, level) {
		s.wantReply("200", "")
		return
	}
	s.wantReply("403", "access_denied")
	s.step("effects")
}

// wantReply demands a status, and what follows it.
func (s *scenario) wantReply(status, rest string) {
	s.t.Helper()
	text, good := s.got.Text, strconv.Itoa(s.got.Status) == status
	form, want, _ := strings.Cut(rest, " ")
	switch {
	case rest == "":
	case form == "=":
		good = good && text == want
	case form == "~":
		good = good && strings.Contains(text, want)
	case form == "text":
		good = good && text == want && s.got.ContentType() == "text/plain; charset=utf-8"
	case rest[0] == '{':
		twintest.SameJSON(s.t, s.call, text, rest)
	default:
		good = good && text == `{"error":"`+rest+`"}` && s.got.ContentType() == jsonType
	}
	if !good {
		s.t.Errorf("%s: %d %s, want %s %s", s.call, s.got.Status, text, status, rest)
	}
}
