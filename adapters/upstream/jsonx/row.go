package jsonx

import (
	"errors"
	"reflect"
	"strconv"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// A Row is an element of a vendor's list. If a value of the row does not fit, the row keeps what
// fits, and the rest of the list is decoded all the same.
type Row[R any] struct {
	Value R
	// Misfit is the first value that does not fit, or nil. A row with a misfit must be refused by
	// name wherever its values are shown.
	Misfit *Misfit

	list  string // the path of the list, or of the row if index is negative
	index int
}

// Rows are the rows of a vendor's list.
type Rows[R any] []Row[R]

// Path returns the path of the row, such as "data[3]".
func (r *Row[R]) Path() string {
	if r.index < 0 {
		return r.list
	}
	return r.list + "[" + strconv.Itoa(r.index) + "]"
}

// UnmarshalJSONFrom decodes the next value.
func (r *Row[R]) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	value, err := d.ReadValue()
	if err != nil {
		return err
	}
	*r = Row[R]{}
	r.place(path(string(d.StackPointer())), -1)
	if to := reflect.ValueOf(&r.Value).Elem(); readersOf(to.Type()).read(value, to) {
		return nil
	}
	return r.decode(value)
}

// place sets the place of the row.
func (r *Row[R]) place(list string, index int) { r.list, r.index = list, index }

// decode decodes the value of a row.
func (r *Row[R]) decode(value jsontext.Value) error {
	r.Value = *new(R)
	err := Unmarshal(r.Path(), value, &r.Value)
	if err == nil || !errors.As(err, &r.Misfit) {
		return err
	}
	// What fits may name the row.
	var again R
	if json.Unmarshal(value, &again, recording(func(*Misfit) {})) == nil {
		r.Value = again
	}
	return nil
}

// Holds returns the type of the row's value, whose members the row has.
func (Row[R]) Holds() reflect.Type { return reflect.TypeFor[R]() }

// Lacks returns the misfit of a row without the value of this name.
func (r *Row[R]) Lacks(name string) *Misfit {
	return &Misfit{Path: under(r.Path(), name), Expected: "an id"}
}
