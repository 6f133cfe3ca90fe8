package amino

import (
	"math"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/drmhub/drmhub/adapters/upstream/jsonx"
)

// resource is a JSON:API resource, as AminoTV's pages show licenses and products.
type resource[Attributes, Relationships any] struct {
	Type          string        `json:"type"`
	ID            string        `json:"id,omitzero"`
	Attributes    Attributes    `json:"attributes"`
	Relationships Relationships `json:"relationships,omitzero"`
}

func (r resource[Attributes, Relationships]) id() string { return r.ID }

// identified is a resource of any type.
type identified interface{ id() string }

type (
	licenseResource = resource[licenseAttributes, licenseRelationships]
	productResource = resource[productAttributes, struct{}]
)

// The types of resources.
const (
	licenseType = "License"
	productType = "Product"
	userType    = "User"
)

type licenseAttributes struct {
	Status         string          `json:"status,omitzero"`
	StartDate      *epoch          `json:"start_date,omitzero"`
	StopDate       *epoch          `json:"stop_date,omitzero"`
	OrderID        string          `json:"order_id,omitzero"`
	RenewRecord    *renewRecord    `json:"renew_record,omitzero"`
	PurchaseRecord *purchaseRecord `json:"purchase_record,omitzero"`
}

type renewRecord struct {
	Recurring  *bool  `json:"recurring,omitzero"`
	ExpiryDate *epoch `json:"expiry_date,omitzero"`
}

type purchaseRecord struct {
	PriceAmount       *int32 `json:"price_currency_amount,omitzero"` // cents
	PriceCurrency     string `json:"price_currency_iso4217,omitzero"`
	PurchaseTimestamp *epoch `json:"purchase_timestamp,omitzero"`
	PaymentMethod     string `json:"payment_method,omitzero"`
}

type licenseRelationships struct {
	User    relationship `json:"user"`
	Product relationship `json:"product"`
}

type relationship struct {
	Data struct {
		Type string `json:"type"`
		ID   string `json:"id"`
	} `json:"data"`
}

func related(kind, id string) relationship {
	var r relationship
	r.Data.Type, r.Data.ID = kind, id
	return r
}

// epoch is a time in whole seconds since 1970, or noTime.
type epoch int64

const noTime epoch = math.MinInt64

// UnmarshalJSONFrom refuses a time after the year 9999, which is probably in milliseconds.
func (e *epoch) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	var at jsonx.Time
	if err := at.UnmarshalJSONFrom(d); err != nil {
		return err
	}
	*e = noTime
	if at.Text == "" {
		return nil
	}
	seconds, ok := jsonx.WholeNumber(at.Text)
	if !ok {
		other, err := at.In(time.UTC)
		if err != nil || other.IsZero() {
			return err
		}
		seconds = other.Unix()
	}
	if err := (&timestamppb.Timestamp{Seconds: seconds}).CheckValid(); err != nil {
		return &jsonx.Misfit{Path: at.Path, Expected: "a time in seconds since 1970"}
	}
	*e = epoch(seconds)
	return nil
}

// epochOf returns a time in whole seconds. AminoTV keeps no fractions.
func epochOf(t *timestamppb.Timestamp) *epoch {
	if t == nil {
		return nil
	}
	e := epoch(t.GetSeconds())
	return &e
}

func (e *epoch) timestamp() *timestamppb.Timestamp {
	if e == nil || *e == noTime {
		return nil
	}
	return &timestamppb.Timestamp{Seconds: int64(*e)}
}

// end returns the time of an end, which is nil if there is no end: 0 or less says so too.
func (e *epoch) end() *timestamppb.Timestamp {
	if e == nil || *e <= 0 {
		return nil
	}
	return e.timestamp()
}

// listDocument is the response of a list. Data is nil if the response is not a list.
type listDocument[Row any] struct {
	Data *[]Row `json:"data"`
}

// document is the response with one resource: {"data":{…}}, or {"data":[{…}]}, as AminoTV's pages
// show it.
type document[Row any] struct {
	Data Row
	one  bool // the response has exactly one resource
}

// UnmarshalJSONFrom reads either form.
func (d *document[Row]) UnmarshalJSONFrom(from *jsontext.Decoder) error {
	var envelope struct {
		Data jsontext.Value `json:"data"`
	}
	if err := json.UnmarshalDecode(from, &envelope); err != nil {
		return err
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
	}
	return nil
}
