package upstream

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/drmhub/drmhub/adapters/secret"
)

// curl returns the request that Write would send, as one ASCII line for a shell. Every secret is
// redacted, and so are the credentials that Sign adds.
func (c *Client) curl(ctx context.Context, req Request) (string, error) {
	r, err := c.buildRedacted(ctx, req)
	if err != nil {
		return "", err
	}
	secrets := req.Secrets
	if c.opts.Secrets != nil {
		secrets = slices.Concat(secrets, c.opts.Secrets())
	}
	line := []string{"curl"}
	add := func(option, word string) { line = append(line, option, quote(secret.Clean(word, secrets...))) }
	target := r.URL.String()
	if strings.ContainsAny(target, "[]{}") { // curl expands these
		line = append(line, "--globoff")
	}
	add("--request "+r.Method, target)
	for _, name := range slices.Sorted(maps.Keys(r.Header)) {
		for _, value := range r.Header[name] {
			switch {
			case name == "User-Agent" && value == userAgent, name == "Content-Type" && req.Body.parts != nil:
				// curl sends its own
			case value == "":
				add("--header", name+";") // with a colon, curl would drop it
			default:
				add("--header", name+": "+value)
			}
		}
	}
	switch {
	case req.Body.parts != nil:
		for _, p := range req.Body.parts {
			add(formOption(p, secrets))
		}
	case req.Body.content != nil:
		add("--data-raw", string(req.Body.content)) // --data would read a file for a leading "@"
	}
	return strings.Join(line, " "), nil
}

// buildRedacted returns the HTTP request with every header that is sent. The credentials that Sign
// adds are redacted.
func (c *Client) buildRedacted(ctx context.Context, req Request) (*http.Request, error) {
	r, err := c.build(ctx, req, true)
	if err != nil {
		return nil, err
	}
	host, header, rawQuery := r.Host, r.Header.Clone(), r.URL.RawQuery
	if c.opts.Sign != nil && !req.Unsigned {
		if err := c.opts.Sign(ctx, r); err != nil {
			return nil, err
		}
	}
	hideSigned(r.Header, header)
	if r.URL.RawQuery != rawQuery {
		// what cannot be parsed is dropped, since it may be a credential
		plain, _ := url.ParseQuery(rawQuery)
		query := r.URL.Query()
		hideSigned(query, plain)
		r.URL.RawQuery = readable(query)
	}
	r.Header.Del("Host") // net/http uses r.Host
	if r.Host != host {
		r.Header.Set("Host", r.Host)
	}
	// curl does not send this header by itself, and some servers require it
	if req.Body.content == nil && r.Method != http.MethodDelete {
		r.Header.Set("Content-Length", "0")
	}
	return r, nil
}

// hideSigned redacts the headers or parameters that the signature added or changed.
func hideSigned[Values http.Header | url.Values](signed, plain Values) {
	for name, values := range signed {
		if !slices.Equal(values, plain[name]) {
			signed[name] = []string{secret.Redacted}
		}
	}
}

// readable returns the encoded query, with the brackets around "redacted" unescaped.
func readable(query url.Values) string {
	return strings.NewReplacer("+", "%20", url.QueryEscape(secret.Redacted), secret.Redacted).Replace(query.Encode())
}

// formOption returns the curl option that sends a part of a multipart body. A file is given by its
// name, without its content.
func formOption(p Part, secrets []secret.Text) (option, word string) {
	if p.FileName != "" {
		contentType := cmp.Or(p.ContentType, "application/octet-stream")
		return "--form", fmt.Sprintf("%s=@%s;type=%s", p.Name, inForm(p.FileName), contentType)
	}
	text := secret.Clean(string(p.Content), secrets...)
	if text != "" && slices.ContainsFunc(secrets, func(s secret.Text) bool { return s.Reveal() == text }) {
		text = secret.Redacted // Clean skips secrets that are too short to find in other text
	}
	if p.ContentType != "" {
		return "--form", fmt.Sprintf("%s=%s;type=%s", p.Name, inForm(text), p.ContentType)
	}
	return "--form-string", p.Name + "=" + text
}

// inForm quotes a text so that curl's --form takes semicolons, commas and an "@" literally.
func inForm(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}

// quote returns word quoted for a shell, in printable ASCII, since the line is sent in a header. A
// shell drops what follows a NUL.
func quote(word string) string {
	if !strings.ContainsFunc(word, func(r rune) bool { return r < ' ' || r > '~' }) {
		return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
	}
	var b strings.Builder
	for _, c := range []byte(word) {
		switch {
		case c == '\'' || c == '\\':
			b.WriteByte('\\')
			b.WriteByte(c)
		case c < ' ' || c > '~':
			fmt.Fprintf(&b, `\x%02x`, c)
		default:
			b.WriteByte(c)
		}
	}
	return "$'" + b.String() + "'"
}
