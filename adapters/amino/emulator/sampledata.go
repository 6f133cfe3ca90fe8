package emulator

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/drmhub/drmhub/adapters/twin"
)

// sampleProduct is a product and how it sells.
type sampleProduct struct {
	Product
	days  int     // of one period or purchase; 0 is without end
	share float64 // of the users who have it
}

var sampleProducts = []sampleProduct{
	{Product{
		Name: "Free channels", Description: "Twelve public channels",
		Visible: true, PriceCurrency: "EUR",
	}, 0, 0.9},
	{Product{
		Name: "Family TV", Description: "Sixty channels, seven days back",
		Buyable: true, Visible: true, Recurring: true, PriceAmount: 1299, PriceCurrency: "EUR",
	}, 30, 0.6},
	{Product{
		Name: "Sports", Description: "All leagues, live",
		Buyable: true, Visible: true, Recurring: true, PriceAmount: 1999, PriceCurrency: "EUR",
	}, 30, 0.3},
	{Product{
		Name: "Kids & Songs", Description: "For ages 3 to 10",
		Buyable: true, Visible: true, Recurring: true, PriceAmount: 499, PriceCurrency: "EUR",
	}, 30, 0.25},
	{Product{
		Name: "Year pass", Description: "Everything, twelve months",
		Buyable: true, Visible: true, PriceAmount: 14900, PriceCurrency: "EUR",
	}, 365, 0.1},
	{Product{
		Name: "Cinema night", Description: "One film, 48 hours",
		Buyable: true, Visible: true, PriceAmount: 399, PriceCurrency: "EUR",
	}, 2, 0.25},
	{Product{Name: "Staff preview", Description: "Not for sale"}, 0, 0.05},
}

// sampleStatuses are the statuses of licenses other than ACTIVE, with their shares.
var sampleStatuses = []struct {
	status string
	share  float64
}{
	{StatusSuspended, 0.05},
	{StatusSuspendedAdmin, 0.02},
	{StatusProcessing, 0.02},
	{StatusCheckInvalid, 0.02},
	{StatusOrderError, 0.02},
	{StatusExpired, 0.02},
}

// sampleUsers returns the viewers, whom the sandbox's other vendors know too.
func sampleUsers() []string {
	var users []string
	for i := range 25 {
		users = append(users, fmt.Sprintf("tester%02d", i+1))
	}
	for i := range 60 {
		users = append(users, fmt.Sprintf("family%03d@kids.example", i+1))
	}
	return users
}

// fillSampleData fills the server for a sandbox with the sales of the thirteen months up to
// yesterday.
func (e *Emulator) fillSampleData(seed uint64) {
	random := twin.Rand(seed, "licenses")
	today := e.Clock().Now().Truncate(24 * time.Hour)
	users := sampleUsers()
	e.PutUsers(users...)
	for _, p := range sampleProducts {
		e.PutProducts(p.Product)
	}
	products := e.Products()
	var sold []License
	for _, user := range users {
		for i, p := range sampleProducts {
			if random.Float64() < p.share {
				age := time.Duration(1+random.IntN(395)) * 24 * time.Hour
				bought := today.Add(-age).Add(time.Duration(random.IntN(24*3600)) * time.Second)
				p.ID = products[i].ID
				sold = append(sold, p.sell(random, user, bought))
			}
		}
	}
	slices.SortStableFunc(sold, func(a, b License) int { return a.PurchaseTimestamp.Compare(b.PurchaseTimestamp) })
	for i := range sold {
		sold[i].OrderID = fmt.Sprintf("order-%06d", 100_001+i)
	}
	e.PutLicenses(sold...)
}

// sell returns the license of a user who bought the product at that time.
func (p sampleProduct) sell(random *rand.Rand, user string, bought time.Time) License {
	l := License{
		Status: drawStatus(random), StartDate: bought, Recurring: p.Recurring,
		PriceAmount: p.PriceAmount, PriceCurrency: p.PriceCurrency,
		PurchaseTimestamp: bought, UserID: user, ProductID: p.ID,
	}
	if p.PriceAmount > 0 {
		l.PaymentMethod = "billing"
	}
	lasts := time.Duration(p.days) * 24 * time.Hour
	// A canceled license ends with some period, which may be in the past or in the future.
	canceled := random.Float64() < 0.25
	switch {
	case p.Recurring && canceled:
		l.Recurring = false
		l.StopDate = bought.Add(time.Duration(1+random.IntN(14)) * lasts)
	case p.Recurring:
		l.ExpiryDate = bought.Add(lasts)
	case p.days > 0:
		l.StopDate = bought.Add(lasts)
	}
	return l
}

func drawStatus(random *rand.Rand) string {
	at := random.Float64()
	for _, s := range sampleStatuses {
		if at -= s.share; at < 0 {
			return s.status
		}
	}
	return StatusActive
}
