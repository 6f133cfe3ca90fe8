package tokentest

import (
	"crypto/x509"
	_ "embed" // for table.txt
	"encoding/base64"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/drmhub/drmhub/server/internal/auth/token"
)

// A Row is a token of the table.
type Row struct {
	Name  string
	Token string
	// Reason says why the token is refused. It is empty for a good token.
	Reason token.Reason
}

//go:embed table.txt
var table string

// Table returns good tokens and attacks, for a verifier with Keys, the set JWKS and a leeway of 30
// seconds. Their times are relative to now.
func Table() []Row {
	var rows []Row
	for line := range strings.Lines(table) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			rows = append(rows, rowOf(line))
		}
	}
	return append(rows, broken()...)
}

func rowOf(line string) Row {
	cells := append(strings.Split(line, " | "), "", "")
	for i, cell := range cells {
		cells[i] = strings.TrimSpace(cell)
	}
	reason := token.Reason(cells[0])
	if reason == "good" {
		reason = ""
	}
	by := strings.Fields(cells[2] + " ")
	alg, kid, key := by[0], by[1], by[1]
	if len(by) > 2 {
		key = by[2]
	}
	header := changed([]string{
		member("alg", `"`+alg+`"`), member("typ", `"JWT"`), member("kid", `"`+kid+`"`),
	}, cells[3])
	claims := changed(Claims(), cells[4])
	return Row{Name: cells[1], Token: signed(alg, keyFor(alg, key), header, claims), Reason: reason}
}

// Claims returns the claims that every token needs, as members of a JSON object.
func Claims() []string {
	return []string{
		member("iss", `"`+Issuer+`"`), member("aud", `"`+Audience+`"`), member("sub", `"billing"`),
		member("exp", strconv.FormatInt(time.Now().Add(time.Hour).Unix(), 10)),
	}
}

func member(name, value string) string { return `"` + name + `":` + value }

// changed returns a JSON object of members after the changes of a cell.
func changed(members []string, cell string) string {
	for change := range strings.SplitSeq(cell, " ; ") {
		name, value, _ := strings.Cut(strings.TrimSpace(change), "=")
		if name == "" {
			continue
		}
		added := member(strings.TrimLeft(name, "+-"), expand(value))
		if !strings.HasPrefix(name, "+") {
			prefix := member(strings.TrimLeft(name, "-"), "")
			var rest []string
			for _, m := range members {
				if !strings.HasPrefix(m, prefix) {
					rest = append(rest, m)
				}
			}
			members = rest
		}
		if !strings.HasPrefix(name, "-") {
			members = append(members, added)
		}
	}
	return "{" + strings.Join(members, ",") + "}"
}

var (
	moment   = regexp.MustCompile(`@(-?[0-9]+)`)
	repeated = regexp.MustCompile(`<(.)\*([0-9]+)>`)
)

// expand replaces the short forms of the table.
func expand(value string) string {
	value = moment.ReplaceAllStringFunc(value, func(s string) string {
		seconds, _ := strconv.Atoi(s[1:])
		if seconds > 1e6 { // milliseconds
			return strconv.FormatInt(time.Now().UnixMilli()+int64(seconds), 10)
		}
		return strconv.FormatInt(time.Now().Unix()+int64(seconds), 10)
	})
	value = repeated.ReplaceAllStringFunc(value, func(s string) string {
		parts := repeated.FindStringSubmatch(s)
		times, _ := strconv.Atoi(parts[2])
		return strings.Repeat(parts[1], times)
	})
	return strings.NewReplacer(`\xff`, "\xff", "{JWK}", JWK("nobody", nil)).Replace(value)
}

// keyFor returns the key that a row signs with.
func keyFor(alg, name string) any {
	form, kid, other := strings.Cut(name, ":")
	switch {
	case alg == "none":
		return jwt.UnsafeAllowNoneSignatureType
	case name == "empty":
		return []byte{}
	case !other:
		return Key(name)
	case form == "pem":
		return PublicPEM(kid)
	case form == "jwk":
		return []byte(JWK(kid, nil))
	}
	der, err := x509.MarshalPKIXPublicKey(Public(kid))
	if err != nil {
		panic(err)
	}
	return der
}

// Signed returns a token of a key with these texts as header and claims.
func Signed(alg, kid, header, claims string) string { return signed(alg, Key(kid), header, claims) }

func signed(alg string, key any, header, claims string) string {
	text := encode(header) + "." + encode(claims)
	signature, err := jwt.GetSigningMethod(alg).Sign(text, key)
	if err != nil {
		panic(fmt.Sprintf("%s: %v", header, err))
	}
	return text + "." + encode(string(signature))
}

func encode(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }
