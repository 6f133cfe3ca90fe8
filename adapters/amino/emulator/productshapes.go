package emulator

// The attributes of a product have had two forms on the vendor's page. Assumptions.OlderProducts
// chooses the older one. A server takes and shows one form alone.

// currentAttributes are the attributes of a product in the current form.
type currentAttributes struct {
	Title           *string         `json:"title"`
	Description     *string         `json:"description"`
	PriceRecord     *priceRecord    `json:"price_record"`
	LicenseDefaults licenseDefaults `json:"license_defaults"`
	IsPremium       bool            `json:"is_premium"`
	AutoGrant       bool            `json:"auto_grant_on_signup"`
	IsUserVisible   bool            `json:"is_user_visible"`
	IsBuyable       bool            `json:"is_buyable"`
}

type priceRecord struct {
	Amount   int64  `json:"amount"`
	Currency string `json:"currency"`
}

type licenseDefaults struct {
	Duration  *int64 `json:"duration"`
	AutoRenew bool   `json:"auto_renew"`
}

func (p Product) current() currentAttributes {
	shown := currentAttributes{
		Title: orNull(p.Name), Description: orNull(p.Description),
		LicenseDefaults: licenseDefaults{orNull(p.Duration), p.Recurring},
		IsPremium:       p.Premium, AutoGrant: p.AutoGrant, IsUserVisible: p.Visible, IsBuyable: p.Buyable,
	}
	if p.PriceCurrency != "" {
		shown.PriceRecord = &priceRecord{p.PriceAmount, p.PriceCurrency}
	}
	return shown
}

// olderAttributes are the attributes of a product in the older form.
type olderAttributes struct {
	Name          *string `json:"name"`
	Description   *string `json:"description"`
	IsBuyable     bool    `json:"is_buyable"`
	IsVisible     bool    `json:"is_visible"`
	Recurring     bool    `json:"recurring"`
	PriceAmount   *int64  `json:"price_currency_amount"`
	PriceCurrency *string `json:"price_currency_iso4217"`
}

func (p Product) older() olderAttributes {
	shown := olderAttributes{
		Name: orNull(p.Name), Description: orNull(p.Description),
		IsBuyable: p.Buyable, IsVisible: p.Visible, Recurring: p.Recurring,
	}
	shown.PriceAmount, shown.PriceCurrency = priceOrNull(p.PriceAmount, p.PriceCurrency)
	return shown
}

// readCurrent sets the attributes that a resource gives in the current form. A record that is given
// takes the place of the whole record that there was.
func (p *Product) readCurrent(a *attributes) {
	a.text("title", &p.Name)
	a.text("description", &p.Description)
	a.flag("is_premium", &p.Premium)
	a.flag("auto_grant_on_signup", &p.AutoGrant)
	a.flag("is_user_visible", &p.Visible)
	a.flag("is_buyable", &p.Buyable)
	if _, given := a.given["price_record"]; given {
		p.PriceAmount, p.PriceCurrency = 0, ""
		record := a.inner("price_record", "amount", "currency")
		record.price("amount", "currency", &p.PriceAmount, &p.PriceCurrency)
		a.err = record.err
	}
	if _, given := a.given["license_defaults"]; given && a.err == nil {
		p.Duration, p.Recurring = 0, false
		record := a.inner("license_defaults", "duration", "auto_renew")
		record.seconds("duration", &p.Duration)
		record.flag("auto_renew", &p.Recurring)
		a.err = record.err
	}
}

// readOlder sets the attributes that a resource gives in the older form.
func (p *Product) readOlder(a *attributes) {
	a.text("name", &p.Name)
	a.text("description", &p.Description)
	a.flag("is_buyable", &p.Buyable)
	a.flag("is_visible", &p.Visible)
	a.flag("recurring", &p.Recurring)
	a.price("price_currency_amount", "price_currency_iso4217", &p.PriceAmount, &p.PriceCurrency)
}

var (
	currentNames = []string{
		"title", "description", "price_record", "license_defaults", "is_premium", "auto_grant_on_signup",
		"is_user_visible", "is_buyable",
	}
	olderNames = []string{
		"name", "description", "is_buyable", "is_visible", "recurring", "price_currency_amount",
		"price_currency_iso4217",
	}
)
