package cli

import (
	"slices"
	"strings"
	"unicode"

	"github.com/drmhub/drmhub/server/internal/contract"
)

// place returns the command of an RPC, by its path: the last collection is the noun, and the verb
// is the path's own ("disable") or the first word of the method ("list").
func place(rpc *contract.RPC) (noun, verb string) {
	path, verb, custom := strings.Cut(strings.TrimPrefix(rpc.HTTP.Pattern, "/v1/"), ":")
	for _, segment := range slices.Backward(strings.Split(path, "/")) {
		if segment != "*" {
			noun = kebab(segment)
			break
		}
	}
	if !custom {
		verb, _, _ = strings.Cut(kebab(string(rpc.Method.Name())), "-")
	}
	return noun, kebab(verb)
}

// kebab returns a name such as siteOrders or page_size as words with dashes between them.
func kebab(name string) string {
	var out strings.Builder
	for i, r := range name {
		switch {
		case r == '_':
			out.WriteByte('-')
		case unicode.IsUpper(r) && i > 0:
			out.WriteByte('-')
			out.WriteRune(unicode.ToLower(r))
		default:
			out.WriteRune(unicode.ToLower(r))
		}
	}
	return out.String()
}
