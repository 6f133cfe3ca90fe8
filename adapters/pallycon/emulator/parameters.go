package emulator

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"mime"
	"mime/multipart"
	"net/http"
	"net/mail"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// day is the form of from and to (YYYY-MM-DD).
const day = time.DateOnly

// parameter is a parameter of a call and the form its value must have.
type parameter struct {
	name string
	form func(value string) bool
}

var (
	siteID          = parameter{"site_id", anything}
	serviceCode     = parameter{"service_code", oneOf(ServiceDRM, ServiceFWM)}
	changeType      = parameter{"request_type", oneOf(ChangeResume, ChangeSuspend, ChangeExtendTrial)}
	cancelType      = parameter{"request_type", oneOf(changeCancel)}
	requestMessage  = parameter{"request_message", anything}
	requestGroupID  = parameter{"request_group_id", anything}
	from            = parameter{"from", isDay}
	to              = parameter{"to", isDay}
	searchStatus    = parameter{"search_status", oneOf(StatusSuccess, StatusFail)}
	searchCondition = parameter{"search_condition", oneOf("cid", "drm_type", "user_id", "device_id", "device_model")}
	searchKeyword   = parameter{"search_keyword", anything}
	pageUnit        = parameter{"page_unit", isInteger(1, 1000)}
	// its first value is checked with its use
	pageIndex = parameter{"page_index", isInteger(0, 1_000_000_000)}

	serviceName = parameter{"service_name", anything}
	// its words are settings, and checked with its use
	orderStatus   = parameter{"req_status", anything}
	searchType    = parameter{"search_type", oneOf("account_id", "site_id")}
	memberEmail   = parameter{"member_email", isEmail}
	memberSeq     = parameter{"member_seq", isInteger(1, math.MaxInt32)}
	memberStatus  = parameter{"member_status", oneOf(MemberActive, MemberInactive)}
	groupSeq      = parameter{"group_seq", isInteger(1, math.MaxInt32)}
	contentID     = parameter{"cid", anything}
	targetDate    = parameter{"target_date", isDay}
	lastCreated   = parameter{"last_created_time_cid", isSecond}
	lastUpdate    = parameter{"last_update_time", isSecond}
	licenseURL    = parameter{"license_callback_url", isURL}
	packageURL    = parameter{"package_callback_url", isURL}
	tokenDuration = parameter{"token_duration", isInteger(1, math.MaxInt32)}

	// What is wrong with these must not be told by showing them: they are checked with their use.
	applicationKey = parameter{"ask", anything}
	keyPassword    = parameter{"key_pw", anything}
	fpsCertificate = parameter{"fps_cert", anything}
	privateKey     = parameter{"private_key", anything}
)

// files are the names of the parameters that are files.
var files = []string{fpsCertificate.name, privateKey.name}

func anything(string) bool { return true }

func oneOf(values ...string) func(string) bool {
	return func(v string) bool { return slices.Contains(values, v) }
}

func isDay(v string) bool {
	_, err := time.Parse(day, v)
	return err == nil
}

func isSecond(v string) bool {
	_, err := time.Parse(secondLayout, v)
	return err == nil && len(v) == len(secondLayout) // Parse takes a fraction of a second too
}

func isEmail(v string) bool {
	a, err := mail.ParseAddress(v)
	return err == nil && a.Address == v
}

func isURL(v string) bool {
	u, err := url.Parse(v)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != ""
}

func isInteger(lowest, highest int) func(string) bool {
	return func(v string) bool {
		n, err := strconv.Atoi(v)
		return err == nil && strconv.Itoa(n) == v && lowest <= n && n <= highest
	}
}

// parameters are the parameters of one request by name. Those not given, or empty, are "".
type parameters map[string]string

// integer is the value of a parameter whose form is isInteger, or otherwise where it was not given.
func (p parameters) integer(name string, otherwise int) int {
	n, err := strconv.Atoi(p[name])
	if err != nil {
		return otherwise
	}
	return n
}

// readParameters collects the parameters of r wherever they stand: in the path, in the query, and
// for POST and PUT in the body too.
func (e *Emulator) readParameters(c call, r *http.Request) (parameters, error) {
	invalid := func(err error) error {
		return failure{e.assumed.Codes.InvalidParameter, "the request cannot be read: " + err.Error()}
	}
	values := map[string][]string{}
	if site := r.PathValue("site_id"); site != "" {
		values["site_id"] = []string{site}
	}
	if r.Method == http.MethodGet || e.takes(EncodingQuery) {
		query, err := url.ParseQuery(r.URL.RawQuery)
		if err != nil {
			return nil, invalid(err)
		}
		join(values, query)
	}
	if r.Method != http.MethodGet {
		body, err := e.readBody(c, r)
		if err != nil {
			return nil, invalid(err)
		}
		join(values, body)
	}
	given := parameters{}
	for name, all := range values {
		if len(all) > 1 {
			return nil, invalid(fmt.Errorf("%s is given %d times", name, len(all)))
		}
		given[name] = all[0]
	}
	return given, nil
}

func join(values, more map[string][]string) {
	for name, all := range more {
		values[name] = append(values[name], all...)
	}
}

// takes reports whether parameters in that encoding are seen.
func (e *Emulator) takes(encoding Encoding) bool {
	return e.assumed.OnlyEncoding == "" || e.assumed.OnlyEncoding == encoding
}

// readBody reads the parameters in a form or JSON body, or in a multipart one for a call that takes
// files.
func (e *Emulator) readBody(c call, r *http.Request) (url.Values, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil || len(body) == 0 {
		return nil, err
	}
	media, options, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil {
		return nil, fmt.Errorf("its Content-Type: %w", err)
	}
	switch {
	case c.takesFiles():
		if media == "multipart/form-data" {
			return readParts(multipart.NewReader(bytes.NewReader(body), options["boundary"]))
		}
	case media == "application/x-www-form-urlencoded" && e.takes(EncodingForm):
		return url.ParseQuery(string(body))
	case media == "application/json" && e.takes(EncodingJSON):
		return readJSON(body)
	}
	return nil, nil // a body that the server does not look at
}

// readParts reads a multipart body. A file has a file name, and nothing else has one.
func readParts(parts *multipart.Reader) (url.Values, error) {
	values := url.Values{}
	for {
		part, err := parts.NextPart()
		if err == io.EOF { //nolint:errorlint // A wrapped io.EOF is a body that ends too early.
			return values, nil
		}
		if err != nil {
			return nil, err
		}
		content, err := io.ReadAll(part)
		if err != nil {
			return nil, err
		}
		name := part.FormName()
		switch isFile := part.FileName() != ""; {
		case isFile && !slices.Contains(files, name):
			return nil, fmt.Errorf("%q is a file", name)
		case !isFile && slices.Contains(files, name):
			return nil, fmt.Errorf("%s is no file", name)
		}
		values.Add(name, string(content))
	}
}

// readJSON reads a flat JSON object of strings and numbers.
func readJSON(body []byte) (url.Values, error) {
	var object map[string]json.RawMessage
	if err := json.Unmarshal(body, &object); err != nil {
		return nil, err
	}
	values := url.Values{}
	for name, raw := range object {
		var text string
		var number json.Number
		switch {
		case string(raw) == "null":
			return nil, errors.New(name + " is null")
		case json.Unmarshal(raw, &text) == nil:
			values.Set(name, text)
		case json.Unmarshal(raw, &number) == nil:
			values.Set(name, number.String())
		default:
			return nil, errors.New(name + " is neither text nor a number")
		}
	}
	return values, nil
}

// checkParameters refuses parameters that the call does not have, lacks, or cannot read.
func (e *Emulator) checkParameters(c call, given parameters) error {
	codes := e.assumed.Codes
	known := slices.Concat(c.required, c.optional)
	for _, name := range slices.Sorted(maps.Keys(given)) {
		isKnown := slices.ContainsFunc(known, func(p parameter) bool { return p.name == name })
		if name != "api_code" && !isKnown {
			return failure{codes.UnknownParameter, "unknown parameter " + name}
		}
	}
	for _, p := range c.required {
		if given[p.name] == "" {
			return failure{codes.MissingParameter, "missing parameter " + p.name}
		}
	}
	for _, p := range known {
		if value := given[p.name]; value != "" && !p.form(value) {
			return failure{codes.InvalidParameter, fmt.Sprintf("invalid parameter %s: %s", p.name, strings.ToValidUTF8(value, "?"))}
		}
	}
	return nil
}
