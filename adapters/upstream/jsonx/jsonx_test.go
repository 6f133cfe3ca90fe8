package jsonx_test

import (
	"testing"

	"github.com/go-json-experiment/json"

	"github.com/drmhub/drmhub/adapters/upstream/jsonx"
)

func TestText(t *testing.T) {
	for value, want := range map[string]jsonx.Text{
		`"E\u0031"`:            "E1",
		`""`:                   "",
		`281004`:               "281004",
		`-1.50e3`:              "-1.50e3",
		`12345678901234567890`: "12345678901234567890",
		`true`:                 "",
		`null`:                 "",
		`{"code":"E1"}`:        "",
		`["E1"]`:               "",
	} {
		got := struct{ Code, Next jsonx.Text }{Code: "of before"}
		err := json.Unmarshal([]byte(`{"Code":`+value+`,"Next":"n"}`), &got)
		if err != nil || got.Code != want || got.Next != "n" {
			t.Errorf("%s: %q, then %q, %v; want %q", value, got.Code, got.Next, err, want)
		}
	}
}

func TestTextRefusesWhatIsNotJSON(t *testing.T) {
	for _, value := range []string{``, `"open`, `"\xff"`, `01`, `E1`, `{`} {
		var got jsonx.Text
		if err := json.Unmarshal([]byte(value), &got); err == nil {
			t.Errorf("%s: %q and no error", value, got)
		}
	}
}
