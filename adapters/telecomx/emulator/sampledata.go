package emulator

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/drmhub/drmhub/adapters/twin"
)

// Customers of the sample data, besides the first user's own. That is a broadband company with
// about 740 accounts.
const (
	// SampleHotel is a business customer with an account for each room.
	SampleHotel = "60d21b4667d0d8992e610c85"
	// SampleHousehold is a private customer. All slots of its account are held.
	SampleHousehold = "61a7f0c3e4b05d2c9a6f1e37"
)

const aDay = 24 * time.Hour

// fillSampleData fills the server for a sandbox. The data depends on the day alone, so that a
// sandbox that is started again an hour later has the same.
func (e *Emulator) fillSampleData(seed uint64) {
	today := e.Clock().Now().Truncate(aDay)
	e.PutCustomers(
		Customer{SampleHotel, []string{FeatureBusiness}},
		Customer{SampleHousehold, []string{FeaturePrivate}},
	)
	e.PutAccounts(subscribers(twin.Rand(seed, "subscribers"), e.customer, today)...)
	e.PutAccounts(hotelRooms(twin.Rand(seed, "hotel rooms"), today)...)
	e.PutAccounts(household(twin.Rand(seed, "household"), today))
}

// subscribers returns the accounts of a broadband company, oldest first. The usernames are e-mail
// addresses or subscriber numbers.
func subscribers(random *rand.Rand, customer string, today time.Time) []Account {
	var usernames []string
	for i := range 25 {
		usernames = append(usernames, fmt.Sprintf("tester%02d", i+1))
	}
	for i := range 60 {
		usernames = append(usernames, fmt.Sprintf("family%03d@kids.example", i+1))
	}
	for _, i := range random.Perm(len(firstNames) * len(lastNames))[:530] {
		first, last := firstNames[i%len(firstNames)], lastNames[i/len(firstNames)]
		usernames = append(usernames, first+"."+last+"@fjordnet.example")
	}
	for i := range 125 {
		usernames = append(usernames, fmt.Sprintf("%010d", 5_600_000_000+int64(i)*613_651+random.Int64N(600_000)))
	}
	random.Shuffle(len(usernames), func(i, j int) { usernames[i], usernames[j] = usernames[j], usernames[i] })

	accounts := make([]Account, len(usernames))
	for i, username := range usernames {
		a := &accounts[i]
		*a = Account{Customer: customer, Username: username, Password: newPassword(random)}
		a.Created = today.Add(-aDay - time.Duration(random.Int64N(int64(3*365*aDay))))
		for range random.IntN(6) {
			a.Devices = append(a.Devices, sampleDevice(random, a.Created, today))
		}
		slices.SortFunc(a.Devices, func(a, b Device) int { return a.Bound.Compare(b.Bound) })
	}
	slices.SortFunc(accounts, func(a, b Account) int { return a.Created.Compare(b.Created) })
	return accounts
}

// sampleDevice returns a device that was bound between the start and yesterday. Some were removed
// within their binding, so that their slots are held.
func sampleDevice(random *rand.Rand, start, today time.Time) Device {
	d := Device{ID: hex(random, 24), Bound: start.Add(time.Duration(random.Int64N(int64(today.Sub(start)))))}
	if release := d.Bound.Add(Binding); random.Float64() < 0.1 && release.After(today.Add(aDay)) {
		d.Expires = release
	}
	switch kind := random.Float64(); {
	case kind < 0.4:
		d.Type = DeviceIOS
		d.Model = pick(random, "iPhone 12", "iPhone 14", "iPhone 15 Pro", "iPad Air", "iPad (9th generation)")
	case kind < 0.75:
		d.Type, d.Model = DeviceAndroid, pick(random, "SM-S911B", "SM-A546B", "SM-X200", "Pixel 8", "moto g54", "")
	default:
		d.Type, d.Model = DeviceWeb, pick(random, "Chrome", "Chrome", "Edge", "Firefox", "Safari")
		return d // browsers have no name
	}
	d.Name = pick(random,
		"Stue", "Køkken", "Sommerhus", "Mormors tablet", "Børneværelse", "Annas mobil", "Far & mor", "")
	return d
}

// hotelRooms returns the accounts of a hotel.
func hotelRooms(random *rand.Rand, today time.Time) []Account {
	var accounts []Account
	opened := today.Add(-200 * aDay).Add(9 * time.Hour)
	for floor := 1; floor <= 4; floor++ {
		for room := 1; room <= 9; room++ {
			number := fmt.Sprintf("%d%02d", floor, room)
			created := opened.Add(time.Duration(len(accounts)) * 3 * time.Minute)
			accounts = append(accounts, Account{
				Customer: SampleHotel, Username: "room-" + number + "@harbour-hotel.example",
				Password: newPassword(random), Created: created,
				Devices: []Device{{
					ID: hex(random, 24), Type: DeviceAndroid, Model: "Hospitality TV 43",
					Name: "Room " + number, Bound: created.Add(time.Hour),
				}},
			})
		}
	}
	return accounts
}

// household returns a private account with four devices. The binding of a telephone is over. A
// browser and a tablet are bound. Another telephone was removed, and holds its slot.
func household(random *rand.Rand, today time.Time) Account {
	device := func(kind, model, name string, days int) Device {
		bound := today.AddDate(0, 0, -days).Add(19 * time.Hour)
		return Device{ID: hex(random, 24), Type: kind, Model: model, Name: name, Bound: bound}
	}
	a := Account{
		Customer: SampleHousehold, Username: "birthe@holm.example",
		Password: newPassword(random), Created: today.AddDate(0, 0, -400),
		Devices: []Device{
			device(DeviceIOS, "iPhone 12", "Birthes mobil", 380),
			device(DeviceAndroid, "SM-A546B", "Oles mobil", 60),
			device(DeviceWeb, "Chrome", "", 40),
			device(DeviceIOS, "iPad Air", "Stue", 20),
		},
	}
	a.Devices[1].Expires = a.Devices[1].Bound.Add(Binding)
	return a
}

func pick(random *rand.Rand, choices ...string) string { return choices[random.IntN(len(choices))] }

// firstNames and lastNames are the names of the subscribers, in the characters of a username.
var (
	firstNames = []string{
		"anna", "peter", "mette", "lars", "kirsten", "jens", "hanne", "michael", "lone", "henrik", "susanne", "thomas",
		"maja", "jonas", "freja", "emil", "ida", "oscar", "clara", "noah", "alma", "victor", "ella", "malthe",
	}
	lastNames = []string{
		"nielsen", "jensen", "hansen", "pedersen", "andersen", "christensen", "larsen",
		"soerensen", "rasmussen", "petersen",
		"madsen", "kristensen", "olsen", "thomsen", "christiansen", "poulsen", "johansen",
		"knudsen", "mortensen", "moeller",
		"jakobsen", "lund", "holst", "dahl", "winther",
	}
)
