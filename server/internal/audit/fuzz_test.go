package audit

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"
)

// No other lines pass for those that were written.
func FuzzLines(f *testing.F) {
	subjects := []string{"", "ann", "bob", "eve"} // by position
	var last Event
	var out bytes.Buffer
	for position := 1; position < len(subjects); position++ {
		e := Event{Chain: "a", Position: int64(position), Subject: subjects[position], PreviousHash: last.Hash}
		e.Time = time.Unix(1779019200, 123456000).UTC()
		e.Hash = e.sum()
		NewSink(&out, nil).Record(e)
		last = e
	}
	f.Add(out.Bytes())
	f.Add(bytes.ReplaceAll(out.Bytes(), []byte("bob"), []byte("mallory")))
	f.Add([]byte("{}\n"))
	f.Fuzz(func(t *testing.T, content []byte) {
		var all lines
		if err := all.read("audit.jsonl", bytes.NewReader(content)); err != nil || len(all.walks) != 1 {
			return
		}
		w := all.walks[0]
		w.flush()
		if chain := w.end(); chain.Damage != "" || chain.Head != last.Hash {
			return
		} else if chain.Events != 3 {
			t.Errorf("%d events pass for 3: %s", chain.Events, content)
		}
		for line := range strings.Lines(string(content)) {
			if strings.TrimSpace(line) == "" {
				continue
			}
			var e Event // as a reader takes it that is less strict
			if json.Unmarshal([]byte(line), &e) != nil || e.Subject != subjects[e.Position] {
				t.Errorf("passes with the line %s", line)
			}
		}
	})
}
