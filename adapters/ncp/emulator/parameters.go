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

	"github.com/drmhub/drmhub/adapters/twin"
)

// maxPageSize is the most rows that a request may ask for.
const maxPageSize = 100

var (
	siteID = twin.NewParam("siteId", twin.AnyText)
	// Emulator.page checks the first value of pageNo.
	pageNo   = twin.NewParam("pageNo", twin.Integer(0, 1_000_000_000))
	pageSize = twin.NewParam("pageSize", twin.Integer(1, maxPageSize))
	// Generation.condition checks the values of searchCondition.
	searchCondition = twin.NewParam("searchCondition", twin.AnyText)
	searchKeyword   = twin.NewParam("searchKeyword", twin.AnyText)
	startTime       = twin.NewParam("startTime", twin.Integer(0, math.MaxInt64))
	endTime         = twin.NewParam("endTime", twin.Integer(0, math.MaxInt64))
	status          = twin.NewParam("status", twin.OneOf(StatusSuccess, StatusFail))
)

// instant returns the value of a parameter in epoch milliseconds, or zero if it is not given.
func instant(q twin.Params, p twin.Param) time.Time {
	n, err := strconv.ParseInt(q[p.Name], 10, 64)
	if err != nil {
		return time.Time{}
	}
	return time.UnixMilli(n)
}

// readQuery returns the parameters of r. It refuses unknown, missing and invalid parameters.
func (e *Emulator) readQuery(c call, r *http.Request) (twin.Params, error) {
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, InvalidParameter.saying("the query cannot be read: " + err.Error())
	}
	known := slices.Concat(c.required, c.optional)
	given := twin.Params{}
	for _, sent := range slices.Sorted(maps.Keys(values)) {
		name, used := e.assumed.Generation.parameter(sent)
		if !used {
			continue
		}
		value := values[sent][0]
		prior, again := given[name]
		param, isKnown := twin.FindParam(known, name)
		switch {
		case !isKnown:
			return nil, InvalidParameter.saying("unknown parameter " + sent)
		case len(values[sent]) > 1 || again && prior != value:
			return nil, InvalidParameter.saying(sent + " is given more than once")
		case value != "" && !param.Form(value):
			return nil, InvalidParameter.saying("invalid parameter " + sent + ": " + strings.ToValidUTF8(value, "?"))
		}
		given[name] = value
	}
	for _, p := range c.required {
		if given[p.Name] == "" {
			return nil, InvalidParameter.saying("missing parameter " + p.Name)
		}
	}
	return given, nil
}

// parameter returns the name of a parameter in 2026, and whether the server uses it.
func (g Generation) parameter(name string) (string, bool) {
	switch name {
	case "pageSizeNo":
		return "pageSize", g != Generation2026
	case "pageSize":
		return name, g != Generation2023
	}
	return name, true
}

// condition returns the name of a search condition in 2026, and whether the server knows it.
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

// page returns the position of the first row that the request asks for, and the number of rows.
func (e *Emulator) page(q twin.Params) (first, size int, err error) {
	base := 1
	if e.assumed.ZeroBasedPages {
		base = 0
	}
	size = min(q.Int(pageSize.Name, e.assumed.DefaultPageSize), e.assumed.PageCap)
	index := q.Int(pageNo.Name, base)
	if index < base {
		return 0, 0, InvalidParameter.saying(fmt.Sprintf("invalid parameter pageNo: the first page is %d", base))
	}
	return (index - base) * size, size, nil
}

// listing returns the response with these rows. total is the number of rows that match.
func listing[R any](e *Emulator, rows []R, total int) response {
	if e.assumed.TotalIsPage {
		total = len(rows)
	}
	return response{append([]R{}, rows...), &total} // JSON shows a nil slice as null.
}

// pageOf returns the response with up to size of the rows, from the position first on.
func pageOf[R any](e *Emulator, rows []R, first, size int) response {
	total := len(rows)
	return listing(e, rows[min(first, total):min(first+size, total)], total)
}
