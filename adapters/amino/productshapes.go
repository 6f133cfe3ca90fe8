package amino

import (
	"cmp"

	"github.com/go-json-experiment/json/jsontext"
	"google.golang.org/protobuf/proto"

	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// The values of Config.ProductShape.
const (
	shapeCurrent = "current"
	shapeOlder   = "older"
)

// productAttributes are the attributes of a product, in the two forms that AminoTV's page has had.
// It is nil or empty where AminoTV does not show an attribute. The current form also has is_premium
// and auto_grant_on_signup, which the contract lacks.
type productAttributes struct {
	Title           string           `json:"title,omitzero"` // current
	Name            string           `json:"name,omitzero"`  // older
	Description     string           `json:"description,omitzero"`
	IsBuyable       *bool            `json:"is_buyable,omitzero"`
	IsUserVisible   *bool            `json:"is_user_visible,omitzero"`        // current
	IsVisible       *bool            `json:"is_visible,omitzero"`             // older
	Recurring       *bool            `json:"recurring,omitzero"`              // older
	LicenseDefaults *licenseDefaults `json:"license_defaults,omitzero"`       // current
	PriceRecord     *priceRecord     `json:"price_record,omitzero"`           // current
	PriceAmount     *int32           `json:"price_currency_amount,omitzero"`  // older, in cents
	PriceCurrency   string           `json:"price_currency_iso4217,omitzero"` // older
}

type priceRecord struct {
	Amount   *int32 `json:"amount"` // cents, as in the older form
	Currency string `json:"currency"`
}

// licenseDefaults are what a product gives its licenses. The contract lacks the other members, such
// as duration, the length of a period. A change keeps them.
type licenseDefaults struct {
	AutoRenew *bool          `json:"auto_renew"`
	Others    jsontext.Value `json:",embed"`
}

// shaped are the attributes that have other names in each form.
type shaped struct {
	name               string
	visible, recurring *bool
	price              *pb.Price
}

func (a *productAttributes) current() shaped {
	s := shaped{name: a.Title, visible: a.IsUserVisible}
	if a.LicenseDefaults != nil {
		s.recurring = a.LicenseDefaults.AutoRenew
	}
	if a.PriceRecord != nil {
		s.price = price(a.PriceRecord.Amount, a.PriceRecord.Currency)
	}
	return s
}

func (a *productAttributes) older() shaped {
	return shaped{a.Name, a.IsVisible, a.Recurring, price(a.PriceAmount, a.PriceCurrency)}
}

// or returns s with the attributes of other that s lacks.
func (s shaped) or(other shaped) shaped {
	return shaped{
		cmp.Or(s.name, other.name), cmp.Or(s.visible, other.visible), cmp.Or(s.recurring, other.recurring),
		cmp.Or(s.price, other.price),
	}
}

// product returns the product that AminoTV shows. It reads each attribute in either form, and first
// in the form that drmhub writes.
func (a *Adapter) product(row productResource) *pb.Product { return a.productOr(row, nil) }

// productOr is product with the values of another product where AminoTV shows none.
func (a *Adapter) productOr(row productResource, other *pb.Product) *pb.Product {
	attributes := &row.Attributes
	shown := attributes.current().or(attributes.older())
	if a.config.ProductShape == shapeOlder {
		shown = attributes.older().or(attributes.current())
	}
	return &pb.Product{
		Name:        a.productName(row.ID),
		DisplayName: cmp.Or(shown.name, other.GetDisplayName()),
		Description: cmp.Or(attributes.Description, other.GetDescription()),
		Buyable:     *cmp.Or(attributes.IsBuyable, new(other.GetBuyable())),
		Visible:     *cmp.Or(shown.visible, new(other.GetVisible())),
		Price:       cmp.Or(shown.price, proto.CloneOf(other.GetPrice())),
		Recurring:   *cmp.Or(shown.recurring, new(other.GetRecurring())),
	}
}

// productBody returns the attributes of a product to create.
func (a *Adapter) productBody(p *pb.Product) productAttributes {
	body := productAttributes{Description: p.GetDescription(), IsBuyable: new(p.GetBuyable())}
	if a.config.ProductShape == shapeOlder {
		body.Name, body.IsVisible, body.Recurring = p.GetDisplayName(), new(p.GetVisible()), new(p.GetRecurring())
		if p.GetPrice() != nil {
			body.PriceAmount, body.PriceCurrency = &p.Price.Amount, p.GetPrice().GetCurrency()
		}
		return body
	}
	body.Title, body.IsUserVisible = p.GetDisplayName(), new(p.GetVisible())
	body.LicenseDefaults = &licenseDefaults{AutoRenew: new(p.GetRecurring())}
	body.PriceRecord = priceRecordOf(p.GetPrice())
	return body
}

func priceRecordOf(p *pb.Price) *priceRecord {
	if p == nil {
		return nil
	}
	return &priceRecord{&p.Amount, p.GetCurrency()}
}

// setAttribute adds the attribute of a changed field. An empty one is null, as AminoTV shows it.
// AminoTV may replace a record as a whole, so a record is sent with all that defaults, the present
// one, holds.
func (a *Adapter) setAttribute(attributes map[string]any, field string, p *pb.Product, defaults *licenseDefaults) {
	older := a.config.ProductShape == shapeOlder
	set := func(current, name string, value any) {
		if older {
			current = name
		}
		attributes[current] = value
	}
	switch field {
	case "display_name":
		set("title", "name", orNull(p.GetDisplayName()))
	case "description":
		set("description", "description", orNull(p.GetDescription()))
	case "buyable":
		set("is_buyable", "is_buyable", p.GetBuyable())
	case "visible":
		set("is_user_visible", "is_visible", p.GetVisible())
	case "recurring":
		set("license_defaults", "recurring", p.GetRecurring())
		if !older {
			attributes["license_defaults"] = licenseDefaults{new(p.GetRecurring()), defaults.others()}
		}
	case "price":
		set("price_record", "price_currency_amount", nil)
		if older {
			attributes["price_currency_iso4217"] = nil
		}
		switch price := p.GetPrice(); {
		case price != nil && older:
			attributes["price_currency_amount"] = price.GetAmount()
			attributes["price_currency_iso4217"] = price.GetCurrency()
		case price != nil:
			attributes["price_record"] = priceRecordOf(price)
		}
	}
}

func orNull(text string) any {
	if text == "" {
		return nil
	}
	return text
}

func (d *licenseDefaults) others() jsontext.Value {
	if d == nil {
		return nil
	}
	return d.Others
}
