package amino

import (
	"errors"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/drmhub/drmhub/adapters/upstream/jsonx"
)

// resource is a JSON:API resource, as AminoTV's pages show licenses and products.
type resource[A attributes, Relationships any] struct {
	Type          string        `json:"type"`
	ID            string        `json:"id,omitzero"`
	Attributes    A             `json:"attributes"`
	Relationships Relationships `json:"relationships,omitzero"`
}

// attributes are those of a license or of a product.
type attributes interface {
	resourceType() string
	misfit() *jsonx.Misfit // the first value that cannot be read, or nil
}

// identified is a resource of any type.
type identified interface {
	id() string
	misfit() *jsonx.Misfit
}

func (r resource[A, Relationships]) id() string { return r.ID }

// misfit returns the first value that does not fit, with its path in the resource. A resource of
// another type is no answer to what was asked. One without a type may be.
func (r resource[A, Relationships]) misfit() *jsonx.Misfit {
	if want := r.Attributes.resourceType(); r.Type != "" && !strings.EqualFold(r.Type, want) {
		return &jsonx.Misfit{Path: "type", Expected: want}
	}
	return r.Attributes.misfit()
}

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

func (licenseAttributes) resourceType() string { return licenseType }

func (productAttributes) resourceType() string { return productType }

func (productAttributes) misfit() *jsonx.Misfit { return nil }

// Identities take the place of attributes where only the existence of a resource matters.
type (
	licenseIdentity struct{}
	productIdentity struct{}
)

func (licenseIdentity) resourceType() string { return licenseType }

func (productIdentity) resourceType() string { return productType }

func (licenseIdentity) misfit() *jsonx.Misfit { return nil }

func (productIdentity) misfit() *jsonx.Misfit { return nil }

type licenseAttributes struct {
	Status         string          `json:"status,omitzero"`
	StartDate      *epoch          `json:"start_date,omitzero"`
	StopDate       *epoch          `json:"stop_date,omitzero"`
	OrderID        shownText       `json:"order_id,omitzero"`
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

func (a licenseAttributes) misfit() *jsonx.Misfit {
	if a.OrderID.misfit != nil {
		return a.OrderID.misfit
	}
	times := []*epoch{a.StartDate, a.StopDate}
	if a.RenewRecord != nil {
		times = append(times, a.RenewRecord.ExpiryDate)
	}
	if a.PurchaseRecord != nil {
		times = append(times, a.PurchaseRecord.PurchaseTimestamp)
	}
	for _, at := range times {
		if at != nil && at.misfit != nil {
			return at.misfit
		}
	}
	return nil
}

type licenseRelationships struct {
	User    relationship `json:"user"`
	Product relationship `json:"product"`
}

// relationship names a resource. Data is nil if AminoTV does not name it: JSON:API lets a
// relationship have links alone, whose form AminoTV's pages do not give.
type relationship struct {
	Data *identifier `json:"data"`
}

type identifier struct {
	Type string `json:"type"`
	ID   string `json:"id"`
}

func related(kind, id string) relationship { return relationship{&identifier{kind, id}} }

// id returns the id of the named resource, or "".
func (r relationship) id() string {
	if r.Data == nil {
		return ""
	}
	return r.Data.ID
}

// shownText is a text of which it matters whether AminoTV shows it. null says that it does not
// exist.
type shownText struct {
	text   string
	shown  bool
	misfit *jsonx.Misfit
}

// UnmarshalJSONFrom reads a text or a number. Another value leaves the rest readable.
func (t *shownText) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	var value jsonx.Time // which is a text or a number, and knows its path
	err := value.UnmarshalJSONFrom(d)
	t.SetPlain(value)
	if _, misfit := errors.AsType[*jsonx.Misfit](err); misfit {
		*t = shownText{misfit: &jsonx.Misfit{Path: value.Path, Expected: "text"}}
		return nil
	}
	return err
}

// SetPlain sets the text.
func (t *shownText) SetPlain(value jsonx.Time) bool {
	*t = shownText{text: value.Text, shown: true}
	return true
}

// MarshalJSONTo writes the text.
func (t shownText) MarshalJSONTo(to *jsontext.Encoder) error {
	return to.WriteToken(jsontext.String(t.text))
}

// epoch is a time in whole seconds since 1970. A value that is no time leaves the rest readable.
type epoch struct {
	seconds int64
	none    bool // AminoTV shows no time
	misfit  *jsonx.Misfit
}

// UnmarshalJSONFrom reads a time in seconds, as documented, and in the other usual forms.
func (e *epoch) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	var at jsonx.Time
	err := at.UnmarshalJSONFrom(d)
	*e = epoch{none: true}
	if errors.As(err, &e.misfit) {
		return nil
	}
	e.SetPlain(at)
	return err
}

// SetPlain sets the time, or the misfit of a text that is no time.
func (e *epoch) SetPlain(at jsonx.Time) bool {
	*e = epoch{none: true}
	if at.Text == "" {
		return true
	}
	var ok bool
	if e.seconds, e.none, ok = seconds(at.Text); !ok {
		e.none, e.misfit = true, &jsonx.Misfit{Path: at.Path, Expected: "a time"}
	}
	return true
}

// The first and the last second of the years 1 to 9999.
const (
	firstSecond = -62_135_596_800
	lastSecond  = 253_402_300_799
)

// seconds returns a time in seconds since 1970. A number after the year 9999 is one in
// milliseconds. none says that the text means no time.
func seconds(text string) (n int64, none, ok bool) {
	n, isWhole := jsonx.WholeNumber(text)
	if f, err := strconv.ParseFloat(text, 64); !isWhole && err == nil && math.Abs(f) < lastSecond {
		n, isWhole = int64(f), true
	}
	if isWhole && n <= lastSecond {
		return n, false, n >= firstSecond
	}
	at, ok := jsonx.ParseTime(text, time.UTC)
	return at.Unix(), at.IsZero(), ok
}

// MarshalJSONTo writes the time in seconds, as documented.
func (e *epoch) MarshalJSONTo(to *jsontext.Encoder) error {
	return to.WriteToken(jsontext.Int(e.seconds))
}

// epochOf returns a time in whole seconds. AminoTV keeps no fractions.
func epochOf(t *timestamppb.Timestamp) *epoch {
	if t == nil {
		return nil
	}
	return &epoch{seconds: t.GetSeconds()}
}

func (e *epoch) timestamp() *timestamppb.Timestamp {
	if e == nil || e.none {
		return nil
	}
	return &timestamppb.Timestamp{Seconds: e.seconds}
}

// end returns the time of an end, which is nil if there is no end: 0 or less says so too.
func (e *epoch) end() *timestamppb.Timestamp {
	if e == nil || e.seconds <= 0 {
		return nil
	}
	return e.timestamp()
}
