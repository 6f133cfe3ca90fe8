package twin_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/drmhub/drmhub/adapters/twin"
	"github.com/drmhub/drmhub/adapters/twin/twintest"
)

func TestAdmin(t *testing.T) {
	text, err := os.ReadFile("testdata/admin.txt")
	if err != nil {
		t.Fatal(err)
	}
	approve := func(w http.ResponseWriter, _ *http.Request) {
		twin.WriteError(w, http.StatusTeapot, errors.New("teapot"))
	}
	for line := range strings.Lines(string(text)) {
		call, want, row := strings.Cut(strings.TrimSpace(line), " => ")
		if !row {
			continue
		}
		tw := newTwin(twin.Options{
			Clock: twin.FrozenClock(now),
			Admin: map[string]http.HandlerFunc{"POST /_twin/approve": approve},
		})
		send(tw, "POST", "/x?a=1", "", "body")
		tw.Faults().Add(twin.Fault{Kind: twin.FaultDelay, Path: "/slow", Delay: 1500 * time.Millisecond})
		words := append(strings.SplitN(call, " ", 3), "")
		got := twintest.Admin(t, tw, words[0], words[1], words[2])
		status, parts, _ := strings.Cut(want, " ")
		if fmt.Sprint(got.Status) != status || got.Status == 200 && !json.Valid([]byte(got.Text)) {
			t.Errorf("%s: %d %s, want %s", call, got.Status, got.Text, status)
		}
		for part := range strings.SplitSeq(parts, " | ") {
			if !strings.Contains(got.Text, part) {
				t.Errorf("%s: %s lacks %s", call, got.Text, part)
			}
		}
	}
}

func TestAFaultOrderedByAdminIsTheOneOrderedFromGo(t *testing.T) {
	tw := newTwin(twin.Options{})
	tw.Faults().Add(twin.Fault{
		Kind: twin.FaultReplace, Method: "PUT", Path: "/a", Skip: 1, Times: 2, Delay: time.Second,
		Status: 503, Header: map[string]string{"Retry-After": "3"}, Body: "busy",
	})
	twintest.Admin(t, tw, "POST", "faults", `{"kind":"replace","method":"PUT","path":"/a","skip":1,"times":2,`+
		`"delay":"1s","status":503,"header":{"Retry-After":"3"},"body":"busy"}`)
	list := tw.Faults().List()
	if len(list) != 2 || !reflect.DeepEqual(list[0].Fault, list[1].Fault) {
		t.Errorf("faults in force: %+v", list)
	}
}

func TestAdminCallsAreNotHitAndNotRecorded(t *testing.T) {
	tw := newTwin(twin.Options{})
	tw.Faults().Add(twin.Fault{Kind: twin.FaultCut})
	got := twintest.Admin(t, tw, "GET", "ledger", "")
	if got.Status != 200 || strings.TrimSpace(got.Text) != `{"requests":[],"effects":[]}` {
		t.Errorf("%d %s", got.Status, got.Text)
	}
}
