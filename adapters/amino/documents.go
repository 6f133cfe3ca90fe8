package amino

import (
	"reflect"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/drmhub/drmhub/adapters/upstream/jsonx"
)

// listDocument is the response of a list.
type listDocument[Row any] struct {
	Data listData[Row] `json:"data"`
	// Errors is not empty if AminoTV refuses the call with the status of a success.
	Errors []struct{} `json:"errors"`
}

// listData are the rows of a list. null, "" and {} say that there are none.
type listData[Row any] struct {
	rows jsonx.Rows[Row]
	told bool // the response has data
}

// Holds returns the type of the rows.
func (listData[Row]) Holds() reflect.Type { return reflect.TypeFor[[]Row]() }

// Usual returns the rows.
func (l *listData[Row]) Usual() any { return &l.rows }

// SetUsual notes that the response has data.
func (l *listData[Row]) SetUsual() bool {
	l.told = true
	return true
}

// UnmarshalJSONFrom reads the rows. A row that cannot be read leaves the others readable.
func (l *listData[Row]) UnmarshalJSONFrom(from *jsontext.Decoder) error {
	l.told = true
	return json.UnmarshalDecode(from, &l.rows)
}

// document is the response with one resource: {"data":{…}}, or {"data":[{…}]}, as AminoTV's pages
// show it.
type document[Row any] struct {
	Data Row
	one  bool // the response has exactly one resource
	// id is all that the response says. Only a read shows whether it is the id of the resource.
	id string
}

// Holds returns the members that any form has.
func (document[Row]) Holds() reflect.Type {
	return reflect.TypeFor[struct {
		Data Row    `json:"data"`
		ID   string `json:"id"`
	}]()
}

// UnmarshalJSONFrom reads any form.
func (d *document[Row]) UnmarshalJSONFrom(from *jsontext.Decoder) error {
	value, err := from.ReadValue()
	if err != nil {
		return err
	}
	var envelope struct {
		Data jsontext.Value `json:"data"`
		ID   jsontext.Value `json:"id"`
	}
	switch value.Kind() {
	case '{':
		if err := json.Unmarshal(value, &envelope, jsontext.AllowInvalidUTF8(true)); err != nil {
			return err
		}
	case '"', '0':
		envelope.ID = value
	}
	switch envelope.Data.Kind() {
	case '{':
		d.one = true
		return jsonx.Unmarshal("data", envelope.Data, &d.Data)
	case '[':
		var rows []Row
		if err := jsonx.Unmarshal("data", envelope.Data, &rows); err != nil {
			return err
		}
		if d.one = len(rows) == 1; d.one {
			d.Data = rows[0]
		}
	case '"', '0':
		envelope.ID = envelope.Data
		fallthrough
	case jsontext.KindInvalid:
		if kind := envelope.ID.Kind(); kind == '"' || kind == '0' {
			return jsonx.Unmarshal("id", envelope.ID, &d.id)
		}
	}
	return nil
}
