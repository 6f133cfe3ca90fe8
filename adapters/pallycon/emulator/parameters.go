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
	"strings"
	"time"

	"github.com/drmhub/drmhub/adapters/twin"
)

// day is the form of from and to (YYYY-MM-DD).
const day = time.DateOnly

var (
	siteID          = twin.NewParam("site_id", twin.AnyText)
	serviceCode     = twin.NewParam("service_code", twin.OneOf(ServiceDRM, ServiceFWM))
	changeType      = twin.NewParam("request_type", twin.OneOf(ChangeResume, ChangeSuspend, ChangeExtendTrial))
	cancelType      = twin.NewParam("request_type", twin.OneOf(changeCancel))
	requestMessage  = twin.NewParam("request_message", twin.AnyText)
	requestGroupID  = twin.NewParam("request_group_id", twin.AnyText)
	from            = twin.NewParam("from", isDay)
	to              = twin.NewParam("to", isDay)
	searchStatus    = twin.NewParam("search_status", twin.OneOf(StatusSuccess, StatusFail))
	searchCondition = twin.NewParam("search_condition",
		twin.OneOf("cid", "drm_type", "user_id", "device_id", "device_model"))
	searchKeyword = twin.NewParam("search_keyword", twin.AnyText)
	pageUnit      = twin.NewParam("page_unit", twin.Integer(1, 1000))
	// Its minimum is a setting, and is checked later.
	pageIndex = twin.NewParam("page_index", twin.Integer(0, 1_000_000_000))

	serviceName = twin.NewParam("service_name", twin.AnyText)
	// Its words are settings, and are checked later.
	orderStatus   = twin.NewParam("req_status", twin.AnyText)
	searchType    = twin.NewParam("search_type", twin.OneOf("account_id", "site_id"))
	memberEmail   = twin.NewParam("member_email", isEmail)
	memberSeq     = twin.NewParam("member_seq", twin.Integer(1, math.MaxInt32))
	memberStatus  = twin.NewParam("member_status", twin.OneOf(MemberActive, MemberInactive))
	groupSeq      = twin.NewParam("group_seq", twin.Integer(1, math.MaxInt32))
	contentID     = twin.NewParam("cid", twin.AnyText)
	targetDate    = twin.NewParam("target_date", isDay)
	lastCreated   = twin.NewParam("last_created_time_cid", isSecond)
	lastUpdate    = twin.NewParam("last_update_time", isSecond)
	licenseURL    = twin.NewParam("license_callback_url", isURL)
	packageURL    = twin.NewParam("package_callback_url", isURL)
	tokenDuration = twin.NewParam("token_duration", twin.Integer(1, math.MaxInt32))

	// These are checked later, because a failure must not show them.
	applicationKey = twin.NewParam("ask", twin.AnyText)
	keyPassword    = twin.NewParam("key_pw", twin.AnyText)
	fpsCertificate = twin.NewParam("fps_cert", twin.AnyText)
	privateKey     = twin.NewParam("private_key", twin.AnyText)
)

// files are the names of the parameters that are files.
var files = []string{fpsCertificate.Name, privateKey.Name}

func isDay(v string) bool {
	_, err := time.Parse(day, v)
	return err == nil
}

func isSecond(v string) bool {
	_, err := time.Parse(secondLayout, v)
	return err == nil && len(v) == len(secondLayout) // Parse accepts a fraction of a second, too.
}

func isEmail(v string) bool {
	a, err := mail.ParseAddress(v)
	return err == nil && a.Address == v
}

func isURL(v string) bool {
	u, err := url.Parse(v)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != ""
}

// readParameters returns the parameters of r: those in the path and the query and, for POST and
// PUT, in the body.
func (e *Emulator) readParameters(c call, r *http.Request) (twin.Params, error) {
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
	given := twin.Params{}
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

// takes reports whether the server reads parameters in that encoding.
func (e *Emulator) takes(encoding Encoding) bool {
	return e.assumed.OnlyEncoding == "" || e.assumed.OnlyEncoding == encoding
}

// readBody reads the parameters of a form or JSON body. For a call that takes files, it reads a
// multipart body.
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
	return nil, nil // The server ignores other bodies.
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
			return nil, fmt.Errorf("%s must be a file", name)
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
			return nil, errors.New(name + " must be text or a number")
		}
	}
	return values, nil
}

// checkParameters refuses parameters that the call does not have, lacks, or cannot read.
func (e *Emulator) checkParameters(c call, given twin.Params) error {
	codes := e.assumed.Codes
	known := slices.Concat(c.required, c.optional)
	for _, name := range slices.Sorted(maps.Keys(given)) {
		if _, isKnown := twin.FindParam(known, name); name != "api_code" && !isKnown {
			return failure{codes.UnknownParameter, "unknown parameter " + name}
		}
	}
	for _, p := range c.required {
		if given[p.Name] == "" {
			return failure{codes.MissingParameter, "missing parameter " + p.Name}
		}
	}
	for _, p := range known {
		if value := given[p.Name]; value != "" && !p.Form(value) {
			shown := strings.ToValidUTF8(value, "?")
			return failure{codes.InvalidParameter, fmt.Sprintf("invalid parameter %s: %s", p.Name, shown)}
		}
	}
	return nil
}
