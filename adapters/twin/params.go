package twin

import (
	"slices"
	"strconv"
)

// A Param is a parameter of a vendor's call.
type Param struct {
	// Name is the parameter's name.
	Name string
	// Form reports whether a value that is not empty has the right form.
	Form func(value string) bool
}

// NewParam returns a parameter.
func NewParam(name string, form func(value string) bool) Param { return Param{name, form} }

// AnyText accepts every value.
func AnyText(string) bool { return true }

// OneOf returns a form that accepts these values only.
func OneOf(values ...string) func(string) bool {
	return func(v string) bool { return slices.Contains(values, v) }
}

// Integer returns a form that accepts the integers from lowest to highest, without leading zeros
// or a plus sign.
func Integer(lowest, highest int64) func(string) bool {
	return func(v string) bool {
		n, err := strconv.ParseInt(v, 10, 64)
		return err == nil && strconv.FormatInt(n, 10) == v && lowest <= n && n <= highest
	}
}

// FindParam returns the parameter of that name and reports whether there is one.
func FindParam(params []Param, name string) (Param, bool) {
	i := slices.IndexFunc(params, func(p Param) bool { return p.Name == name })
	if i < 0 {
		return Param{}, false
	}
	return params[i], true
}

// Params are the values of one request's parameters by name. A parameter that is not given is "".
type Params map[string]string

// Int returns the value of a parameter whose form is Integer, or otherwise if it is not given.
func (p Params) Int(name string, otherwise int) int {
	n, err := strconv.Atoi(p[name])
	if err != nil {
		return otherwise
	}
	return n
}
