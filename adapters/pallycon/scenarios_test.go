package pallycon_test

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"
	_ "time/tzdata"

	"github.com/drmhub/drmhub/adapters/adaptertest/wiretest"
	"github.com/drmhub/drmhub/adapters/pallycon"
)

func TestScenarios(t *testing.T) {
	wiretest.Scenarios{
		Root: "/api/v2",
		New: func(t *testing.T) (set func(key, value string) error, connect func(http.RoundTripper) any) {
			c := config()
			set = func(key, value string) error { return setConfig(&c, key, value) }
			return set, func(vendor http.RoundTripper) any { return adapterTo(t, c, vendor) }
		},
		Reply:      scenarioReply,
		Header:     map[string]string{"Content-Type": jsonType},
		JSONType:   jsonType,
		Values:     map[string]string{"forty": forty()},
		UsualQuery: []string{"api_code", "site_id", "page_unit", "page_index"},
	}.Run(t)
}

// forty returns forty rows of the license history, one a second.
func forty() string {
	var rows []string
	for i := range 40 {
		rows = append(rows, fmt.Sprintf(
			`{"user_id":"u%d","device_id":"d%[1]d","cid":"c%[1]d","reg_time":"202003022359%02[1]d"}`, 59-i))
	}
	return strings.Join(rows, ",")
}

// setConfig changes a setting.
func setConfig(c *pallycon.Config, key, value string) (err error) {
	switch key {
	case "license_base_url":
		c.LicenseBaseURL = value
	case "page_index_base":
		c.PageIndexBase, err = strconv.Atoi(value)
	case "parameter_encoding":
		c.ParameterEncoding = pallycon.ParameterEncoding(value)
	case "time_zone":
		c.TimeZone, err = time.LoadLocation(value)
	case "to_inclusive":
		c.ToInclusive, err = strconv.ParseBool(value)
	default:
		err = fmt.Errorf("the scenarios have no setting %q", key)
	}
	return err
}

// scenarioReply returns the reply that a line says.
func scenarioReply(t *testing.T, text string) wiretest.Reply {
	word, rest, _ := strings.Cut(text, " ")
	switch {
	case word == "ok":
		data, count, counts := strings.Cut(rest, " of ")
		if counts {
			data += `,"count":` + count
		}
		return wiretest.OK(`{"error_code":"0000","data":` + data + `}`)
	case word == "dated":
		date, dated, _ := strings.Cut(rest, " ")
		at, err := time.Parse(time.RFC3339, date)
		if err != nil {
			t.Fatal(err)
		}
		reply := scenarioReply(t, dated)
		reply.Header = map[string]string{"Content-Type": jsonType, "Date": at.Format(http.TimeFormat)}
		return reply
	case word == "no":
		return wiretest.OK(`{"error_code":"` + rest + `","error_message":"no"}`)
	case word == "status":
		return wiretest.StatusAndBody(t, rest)
	case !strings.HasSuffix(word, ".json"):
		return wiretest.OK(text)
	}
	body := fixture(t, word)
	for change := range strings.FieldsSeq(rest) {
		if change == "repaired" { // the guide prints one brace too many
			body = strings.TrimSuffix(strings.TrimSpace(body), "}")
			continue
		}
		from, to, _ := strings.Cut(change, "=>")
		if !strings.Contains(body, from) {
			t.Fatalf("%s does not hold %s", word, from)
		}
		body = strings.Replace(body, from, to, 1)
	}
	return wiretest.OK(body)
}
