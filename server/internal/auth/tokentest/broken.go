package tokentest

import (
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"strings"

	"github.com/drmhub/drmhub/server/internal/auth/token"
)

// broken returns the tokens whose text is not that of the signed one, or whose parts are no
// objects.
func broken() []Row {
	const header = `{"alg":"ES256","kid":"es256"}`
	claims := "{" + strings.Join(Claims(), ",") + "}"
	good := signed("ES256", Key("es256"), header, claims)
	parts := strings.Split(good, ".")
	text, signature := parts[0]+"."+parts[1], parts[2]
	with := func(header, claims string) string { return signed("ES256", Key("es256"), header, claims) }
	other := Sign("ES256", "es256", map[string]any{"sub": "other"})
	rows := []Row{
		{Name: "no signature", Token: text + "."},
		{Name: "a signature of zeros", Token: text + "." + encode(strings.Repeat("\x00", 64))},
		{Name: "a signature of ones", Token: text + "." + encode(strings.Repeat("\xff", 64))},
		{Name: "a signature in ASN.1", Token: text + "." + asn1Signature(text)},
		{Name: "half a signature", Token: text + "." + signature[:40]},
		{Name: "a longer signature", Token: text + "." + signature[:84] + encode("\x00\x00\x00")},
		{Name: "the signature of another token", Token: text + "." + other[strings.LastIndex(other, ".")+1:]},
		{Name: "other claims", Token: parts[0] + "." + strings.Split(other, ".")[1] + "." + signature},
		{Name: "EdDSA with zeros", Token: zeros("EdDSA", "eddsa", claims, 64)},
		{Name: "RS256 with zeros", Token: zeros("RS256", "rs256", claims, 256)},
		{Name: "HS256 without a signature", Token: zeros("HS256", "hs256", claims, 0)},
	}
	for i := range rows {
		rows[i].Reason = token.BadSignature
	}
	for name, text := range map[string]string{
		"empty":                  "",
		"one part":               "x",
		"dots alone":             "..",
		"two parts":              text,
		"four parts":             good + ".",
		"a part before":          "." + good,
		"encrypted":              good + ".a.b",
		"many dots":              strings.Repeat(".", token.MaxSize),
		"two tokens":             good + "," + good,
		"white space inside":     parts[0] + ". " + parts[1] + "." + signature,
		"a line end inside":      text + "." + signature[:9] + "\n" + signature[9:],
		"padding":                good + "=",
		"bits that do not count": text + "." + otherBits(signature),
		"not URL-safe":           text + "." + strings.Repeat("+", 86),
		"not base64":             text + ".!",
		"a NUL":                  good + "\x00",
		"huge":                   with(header, claims+strings.Repeat(" ", token.MaxSize)),
		"more than 8 KiB":        with(header, `{"more":"`+strings.Repeat("x", 6200)+`",`+claims[1:]),
		"data after the claims":  with(header, claims+"{}"),
		"data after the header":  with(header+"{}", claims),
		"claims of null":         with(header, "null"),
		"claims in a list":       with(header, "["+claims+"]"),
		"claims as text":         with(header, `"`+encode(claims)+`"`),
		"claims of a number":     with(header, "1"),
		"no claims":              with(header, ""),
		"a comma too much":       with(header, claims[:len(claims)-1]+",}"),
		"a comment":              with(header, "/**/"+claims),
		"a byte order mark":      with(header, "\ufeff"+claims),
		"a header of null":       with("null", claims),
		"a header in a list":     with("["+header+"]", claims),
		"no header":              with("", claims),
		"claims without an end":  with(header, claims[:len(claims)-1]+`,"x":`+strings.Repeat("[", 3000)),
	} {
		rows = append(rows, Row{Name: name, Token: text, Reason: token.Malformed})
	}
	return rows
}

// zeros returns a token whose signature is zeros.
func zeros(alg, kid, claims string, length int) string {
	header := `{"alg":"` + alg + `","kid":"` + kid + `"}`
	return encode(header) + "." + encode(claims) + "." + encode(strings.Repeat("\x00", length))
}

// asn1Signature returns a signature that is right, in the form of X.509 instead of JWT's.
func asn1Signature(text string) string {
	digest := sha256.Sum256([]byte(text))
	signature, err := ecdsa.SignASN1(rand.Reader, Key("es256").(*ecdsa.PrivateKey), digest[:])
	if err != nil {
		panic(err)
	}
	return encode(string(signature))
}

// otherBits returns another text that lenient decoders read as the same bytes: 64 bytes leave four
// bits of the last letter unused.
func otherBits(signature string) string {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	last := strings.IndexByte(letters, signature[len(signature)-1])
	changed := signature[:len(signature)-1] + letters[last+1:last+2]
	a, _ := base64.RawURLEncoding.DecodeString(signature)
	if b, err := base64.RawURLEncoding.DecodeString(changed); err != nil || string(a) != string(b) {
		panic("the texts have other bytes")
	}
	return changed
}
