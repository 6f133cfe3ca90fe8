package validation

import "strings"

// forms says in words what a pattern of the contract matches.
var forms = map[string]string{
	"^[0-9]{4}-[0-9]{2}-[0-9]{2}$":    "must be a date such as 2026-10-31, in the form YYYY-MM-DD",
	"^[1-9][0-9]{3}-(0[1-9]|1[0-2])$": "must be a month such as 2026-10, in the form YYYY-MM",
	"^[0-9]{1,12}(\\.[0-9]{1,9})?$":   "must be a decimal number such as 0.0125, with at most 9 decimal digits",
	"^[0-9a-fA-F]{32}$":               "must be an MD5: 32 hexadecimal digits",
	"^[A-Z]{3}$":                      "must be the code of a currency: three capital letters, such as EUR",
	"^[a-zA-Z0-9._@-]{6,}$":           `must be 6 or more characters of a-z, A-Z, 0-9, ".", "_", "@" and "-"`,
}

// form says what a text that does not match a pattern must be. The patterns of names have "[^/]+"
// for each id.
func form(pattern string) string {
	if words, known := forms[pattern]; known {
		return words
	}
	name := strings.ReplaceAll(strings.Trim(pattern, "^$"), "[^/]+", "*")
	if strings.ContainsAny(name, `[](){}+?\|^$`) {
		return "has another form than the comment on this field describes"
	}
	return "must have the form " + name
}
