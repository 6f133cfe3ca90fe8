package emulator

import (
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/drmhub/drmhub/adapters/twin"
)

// event is an entry of a site's log.
type event struct {
	description string
	time        time.Time
}

// what has the log's words for the kinds of effects.
var what = map[string]string{
	EffectSiteCreated: "created", EffectSiteFinished: "ready", EffectSiteUpdated: "updated",
	EffectSiteEnabled: "enabled", EffectSiteDisabled: "disabled",
}

// note adds an entry to the log of s.
func (s *site) note(kind string, at time.Time) {
	s.events = append(s.events, event{fmt.Sprintf("Site %s %s.", s.SiteName, what[kind]), at})
}

// logRow is an entry in a response.
type logRow struct {
	SiteID      string `json:"siteId"`
	Description string `json:"description"`
	Timestamp   int64  `json:"timestamp"`
}

// listSiteLog serves "Get site log", newest first.
func (e *Emulator) listSiteLog(_ *http.Request, q twin.Params) (response, error) {
	first, size, err := e.page(q)
	if err != nil {
		return response{}, err
	}
	e.mu.RLock()
	defer e.mu.RUnlock()
	s, err := e.siteOf(q["siteId"])
	if err != nil {
		return response{}, err
	}
	rows := make([]logRow, 0, len(s.events))
	for _, entry := range slices.Backward(s.events) {
		rows = append(rows, logRow{s.SiteID, entry.description, entry.time.UnixMilli()})
	}
	return pageOf(e, rows, first, size), nil
}
