package emulator

import (
	"fmt"
	"maps"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// maxPageSize is the most rows that a request may ask for.
const maxPageSize = 100

// parameter is a parameter of a query and the form its value must have.
type parameter struct {
	name string
	form func(value string) bool
}

var (
	siteID = parameter{"siteId", anything}
	// its first value is checked with its use
	pageNo   = parameter{"pageNo", isInteger(0, 1_000_000_000)}
	pageSize = parameter{"pageSize", isInteger(1, maxPageSize)}
	// its words differ by generation, and are checked with its use
	searchCondition = parameter{"searchCondition", anything}
	searchKeyword   = parameter{"searchKeyword", anything}
	startTime       = parameter{"startTime", isInteger(0, math.MaxInt64)}
	endTime         = parameter{"endTime", isInteger(0, math.MaxInt64)}
	status          = parameter{"status", oneOf(StatusSuccess, StatusFail)}
)

func anything(string) bool { return true }

func oneOf(values ...string) func(string) bool {
	return func(v string) bool { return slices.Contains(values, v) }
}

func isInteger(lowest, highest int64) func(string) bool {
	return func(v string) bool {
		n, err := strconv.ParseInt(v, 10, 64)
		return err == nil && strconv.FormatInt(n, 10) == v && lowest <= n && n <= highest
	}
}

// query are the parameters of one request, by their names of 2026. Those not given, or empty, are
// "".
type query map[string]string

// integer is the value of a parameter whose form is isInteger, or otherwise where it was not given.
func (q query) integer(p parameter, otherwise int) int {
	n, err := strconv.Atoi(q[p.name])
	if err != nil {
		return otherwise
	}
	return n
}

// instant is the value of a parameter in epoch milliseconds; zero where it was not given.
func (q query) instant(p parameter) time.Time {
	n, err := strconv.ParseInt(q[p.name], 10, 64)
	if err != nil {
		return time.Time{}
	}
	return time.UnixMilli(n)
}

// readQuery collects the parameters of r, and refuses those that the call does not have, lacks, or
// cannot read.
func (e *Emulator) readQuery(c call, r *http.Request) (query, error) {
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, InvalidParameter.saying("the query cannot be read: " + err.Error())
	}
	known := slices.Concat(c.required, c.optional)
	given := query{}
	for _, sent := range slices.Sorted(maps.Keys(values)) {
		name, heeded := e.assumed.Generation.parameter(sent)
		if !heeded {
			continue
		}
		value := values[sent][0]
		prior, again := given[name]
		at := slices.IndexFunc(known, func(p parameter) bool { return p.name == name })
		switch {
		case at < 0:
			return nil, InvalidParameter.saying("unknown parameter " + sent)
		case len(values[sent]) > 1 || again && prior != value:
			return nil, InvalidParameter.saying(sent + " is given more than once")
		case value != "" && !known[at].form(value):
			return nil, InvalidParameter.saying(fmt.Sprintf("invalid parameter %s: %s", sent, strings.ToValidUTF8(value, "?")))
		}
		given[name] = value
	}
	for _, p := range c.required {
		if given[p.name] == "" {
			return nil, InvalidParameter.saying("missing parameter " + p.name)
		}
	}
	return given, nil
}

// parameter is the name of 2026 for the name of a parameter, and whether the server of that
// generation heeds it.
func (g Generation) parameter(name string) (string, bool) {
	switch name {
	case "pageSizeNo":
		return "pageSize", g != Generation2026
	case "pageSize":
		return name, g != Generation2023
	}
	return name, true
}

// condition is the name of 2026 for a search condition, and whether the server of that generation
// knows it.
func (g Generation) condition(name string) (string, bool) {
	switch name {
	case "drm_type":
		return "drmType", g != Generation2026
	case "drmType":
		return name, g != Generation2023
	case "contentId", "userId", "deviceId", "deviceModel":
		return name, true
	}
	return name, false
}

// page is the position of the first row that the request wants, and how many rows.
func (e *Emulator) page(q query) (first, size int, err error) {
	base := 1
	if e.assumed.ZeroBasedPages {
		base = 0
	}
	size = min(q.integer(pageSize, e.assumed.DefaultPageSize), e.assumed.PageCap)
	index := q.integer(pageNo, base)
	if index < base {
		return 0, 0, InvalidParameter.saying(fmt.Sprintf("invalid parameter pageNo: the first page is %d", base))
	}
	return (index - base) * size, size, nil
}

// listing is the answer with these rows, of total that match.
func listing[R any](e *Emulator, rows []R, total int) answer {
	if e.assumed.TotalIsPage {
		total = len(rows)
	}
	// a slice that is not nil, or no rows would be null
	return answer{append([]R{}, rows...), &total}
}

// pageOf is the answer with up to size of the rows, after the first ones.
func pageOf[R any](e *Emulator, rows []R, first, size int) answer {
	total := len(rows)
	return listing(e, rows[min(first, total):min(first+size, total)], total)
}
