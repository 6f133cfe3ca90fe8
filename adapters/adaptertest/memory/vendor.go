package memory

import (
	"cmp"
	"context"
	"crypto/rand"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/drmhub/drmhub/adapters/adaptertest"
	"github.com/drmhub/drmhub/adapters/mutation"
	"github.com/drmhub/drmhub/adapters/names"
	"github.com/drmhub/drmhub/adapters/secret"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// Vendor is the vendor's side: what it holds, and how it fails. It speaks the contract's own
// messages and names, so that the adapter has nothing to translate.
type Vendor struct {
	Sites           *Collection[*pb.Site]
	Changes         *Collection[*pb.StatusChange]
	Orders          *Collection[*pb.SiteOrder]
	Integrations    *Collection[*pb.Integration]
	Members         *Collection[*pb.Member]
	Accounts        *Collection[*pb.DrmAccount]
	Products        *Collection[*pb.Product]
	ProductLicenses *Collection[*pb.ProductLicense]
	Licenses        *Rows[*pb.License]
	Packagings      *Rows[*pb.Packaging]

	id  string // of the vendor account
	key secret.Text

	mu          sync.Mutex
	bound       map[string]*timestamppb.Timestamp // until when, by the name of a device
	issued      int                               // ids
	writes      int
	readFault   adaptertest.Fault
	writeFaults []adaptertest.WriteFault
}

// NewVendor returns a vendor that holds nothing and accepts this key. It is configured as the
// vendor account of this id.
func NewVendor(id string, key secret.Text) *Vendor {
	v := &Vendor{id: id, key: key, bound: map[string]*timestamppb.Timestamp{}}
	v.Sites = &Collection[*pb.Site]{vendor: v, name: func(s *pb.Site) string { return v.siteName(s.GetSiteId()) }}
	v.Integrations = &Collection[*pb.Integration]{vendor: v}
	v.Changes = &Collection[*pb.StatusChange]{vendor: v, name: func(c *pb.StatusChange) string {
		return c.GetSite() + "/statusChanges/" + v.newID()
	}}
	v.Orders = numbered(v, names.SiteOrder, v.completeOrder)
	v.Members = numbered(v, names.Member, v.completeMember)
	v.Accounts = &Collection[*pb.DrmAccount]{
		vendor:   v,
		name:     func(a *pb.DrmAccount) string { return names.DrmAccount.Name(v.id, a.GetUsername()) },
		complete: v.completeAccount,
	}
	v.Products = numbered[*pb.Product](v, names.Product, nil)
	v.ProductLicenses = numbered(v, names.ProductLicense, v.completeProductLicense)
	v.Licenses = &Rows[*pb.License]{v, map[string][]*pb.License{}}
	v.Packagings = &Rows[*pb.Packaging]{v, map[string][]*pb.Packaging{}}
	return v
}

// PutSites adds sites, each with an integration.
func (v *Vendor) PutSites(sites ...*pb.Site) {
	v.Sites.Put(sites...)
	for _, s := range sites {
		key := &pb.Integration_Credential{Id: "key", Value: "the key of " + s.GetSiteId()}
		v.Integrations.Put(&pb.Integration{
			Name:          names.Integration.Name(v.id, s.GetSiteId()),
			Credentials:   []*pb.Integration_Credential{key, {Id: "spare_key"}},
			Iv:            "0123456789abcdef",
			TokenDuration: durationpb.New(10 * time.Minute),
		})
	}
}

func (v *Vendor) siteName(id string) string { return names.Site.Name(v.id, id) }

func (v *Vendor) newID() string {
	v.issued++
	return strconv.Itoa(v.issued)
}

func (v *Vendor) completeOrder(o *pb.SiteOrder) error {
	o.State = cmp.Or(o.GetState(), pb.SiteOrder_PENDING)
	orderWord(o)
	return nil
}

// orderWord gives an order the vendor's own word for its state.
func orderWord(o *pb.SiteOrder) *pb.SiteOrder {
	o.VendorStatus = strings.ToLower(o.GetState().String())
	return o
}

func (v *Vendor) completeMember(m *pb.Member) error {
	m.State = cmp.Or(m.GetState(), pb.Member_ACTIVE)
	return nil
}

// customers are the vendor's. The first one is the adapter's own.
var customers = []string{"acme", "emca"}

func (v *Vendor) completeAccount(a *pb.DrmAccount) error {
	a.Customer = cmp.Or(a.GetCustomer(), customers[0])
	a.Password = cmp.Or(a.GetPassword(), rand.Text())
	a.CreateTime = cmp.Or(a.GetCreateTime(), timestamppb.Now())
	return nil
}

// completeProductLicense refuses a license to an unknown product. The product says what a license
// leaves out.
func (v *Vendor) completeProductLicense(l *pb.ProductLicense) error {
	p, err := v.Products.find(l.GetProduct())
	if err != nil {
		return err
	}
	if l.GetVendorStatus() == "" {
		l.Status = cmp.Or(l.GetStatus(), pb.ProductLicense_ACTIVE)
	}
	l.StartTime = cmp.Or(l.GetStartTime(), timestamppb.Now())
	l.Renewal = cmp.Or(l.GetRenewal(), &pb.ProductLicense_Renewal{})
	l.Renewal.Recurring = cmp.Or(l.Renewal.Recurring, new(p.GetRecurring()))
	l.Purchase = cmp.Or(l.GetPurchase(), &pb.ProductLicense_Purchase{})
	l.Purchase.Price = cmp.Or(l.Purchase.GetPrice(), proto.CloneOf(p.GetPrice()))
	l.Purchase.Time = cmp.Or(l.Purchase.GetTime(), timestamppb.Now())
	licenseWord(l)
	return nil
}

// licenseWord gives a license the vendor's own word for its status.
func licenseWord(l *pb.ProductLicense) *pb.ProductLicense {
	if l.GetStatus() != pb.ProductLicense_STATUS_UNSPECIFIED {
		l.VendorStatus = strings.ToLower(l.GetStatus().String())
	}
	return l
}

// Approve approves a site's change that is pending, as a person at the vendor would.
func (v *Vendor) Approve(siteID string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, c := range v.Changes.held {
		if c.GetSite() == v.siteName(siteID) && c.GetState() == pb.StatusChange_PENDING {
			c.State = pb.StatusChange_APPROVED
		}
	}
}

// BindDevice binds a device to an account for 90 days.
func (v *Vendor) BindDevice(username string, device *pb.DrmAccountDevice) {
	v.mu.Lock()
	defer v.mu.Unlock()
	account, err := v.Accounts.find(names.DrmAccount.Name(v.id, username))
	if err != nil {
		panic(err)
	}
	v.bound[device.GetName()] = timestamppb.New(time.Now().AddDate(0, 0, 90))
	account.Devices = append(account.Devices, proto.CloneOf(device))
}

// RemoveDevice removes a device from an account. A bound one needs force, and then RemoveDevice
// returns until when its slot is held.
func (v *Vendor) RemoveDevice(
	ctx context.Context, account, device string, force bool,
) (until *timestamppb.Timestamp, err error) {
	err = v.Accounts.Change(ctx, account, func(a *pb.DrmAccount) error {
		i := slices.IndexFunc(a.GetDevices(), func(d *pb.DrmAccountDevice) bool { return d.GetName() == device })
		if i < 0 {
			return v.explain(notFound)
		}
		if until = v.bound[device]; until != nil && !force {
			return v.explain(stillBound)
		}
		a.Devices = slices.Delete(a.Devices, i, i+1)
		return nil
	})
	return until, err
}

// numbered returns a collection of things that get a number as their id.
func numbered[M mutation.Resource](v *Vendor, form names.Pattern, complete func(M) error) *Collection[M] {
	name := func(M) string { return form.Name(v.id, v.newID()) }
	return &Collection[M]{vendor: v, name: name, complete: complete}
}
