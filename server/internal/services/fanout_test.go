package services_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/drmhub/drmhub/adapters"
	"github.com/drmhub/drmhub/adapters/adaptertest"
	"github.com/drmhub/drmhub/adapters/twin"
	"github.com/drmhub/drmhub/adapters/upstream"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/vendors"
)

func repeated(n int, a adapters.Adapter) []vendors.Vendor {
	var all []vendors.Vendor
	for i := range n {
		all = append(all, configured(fmt.Sprintf("v%03d", i), a))
	}
	return all
}

func TestManyVendorsAreAskedAtOnceButNotAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var now, most atomic.Int32
		slow := listing(func(*pb.ListLicensesRequest) (*pb.ListLicensesResponse, error) {
			if n := now.Add(1); n > most.Load() {
				most.Store(n)
			}
			time.Sleep(time.Second)
			now.Add(-1)
			return &pb.ListLicensesResponse{}, nil
		})
		conn, _ := serve(t, repeated(8+8+7, slow)...)
		began := time.Now()
		if _, err := list(t.Context(), conn, &pb.ListLicensesRequest{Parent: "vendors/-/sites/-"}); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began); took != 3*time.Second || most.Load() != 8 {
			t.Errorf("took %v with %d at once, want 3 rounds with at most 8", took, most.Load())
		}
	})
}

func TestOneCallIsBounded(t *testing.T) {
	for name, c := range map[string]struct {
		vendors int
		full    bool   // each returns a full page
		token   string // of each vendor's page
		calls   int32  // at most
	}{
		"a vendor that fills the page":             {50, true, "more", 8},
		"a vendor that finds nothing and has more": {30, false, "more", 8},
		"hundreds of vendors that hold nothing":    {500, false, "", 208},
	} {
		var asked atomic.Int32
		vendor := listing(func(req *pb.ListLicensesRequest) (*pb.ListLicensesResponse, error) {
			asked.Add(1)
			page := &pb.ListLicensesResponse{NextPageToken: c.token}
			if c.full {
				page.Licenses = make([]*pb.License, req.GetPageSize())
			}
			return page, nil
		})
		conn, _ := serve(t, repeated(c.vendors, vendor)...)
		page, err := list(t.Context(), conn, &pb.ListLicensesRequest{Parent: "vendors/-/sites/-", PageSize: 40})
		if err != nil || page.GetNextPageToken() == "" || asked.Load() > c.calls {
			t.Errorf("%s: %d calls, token %q, %v", name, asked.Load(), page.GetNextPageToken(), err)
		}
		if full := len(page.GetLicenses()) == 40; full != c.full {
			t.Errorf("%s: %d rows", name, len(page.GetLicenses()))
		}
	}
}

// stalling returns an account with these sites, whose reads get no response.
func stalling(id string, sites ...string) vendors.Vendor {
	a := newAccount(id)
	for _, site := range sites {
		a.put(site, 1)
	}
	a.FailReads(adaptertest.Stalled)
	return a.configured()
}

func TestAVendorThatStallsDoesNotKeepTheRowsOfOthers(t *testing.T) {
	many := make([]string, 40)
	for i := range many {
		many[i] = fmt.Sprintf("s%02d", i)
	}
	down := newAccount("x")
	down.FailReads(adaptertest.Down)
	unnamed := stallingBelow{stalling("a").Adapter, many}
	for name, c := range map[string]struct {
		vendors     []vendors.Vendor
		parent      string
		rows        int
		unreachable []string
		parts       int // how many parts of the time are lost
	}{
		"the first one": {
			[]vendors.Vendor{stalling("a", "s"), holding("b", "s", 2).configured(), holding("c", "s", 2).configured()},
			"vendors/-/sites/s", 4, []string{"vendors/a/sites/s"}, 1,
		},
		"two of them, one after the other and one that is down": {
			[]vendors.Vendor{
				stalling("a", "s"), holding("b", "s", 2).configured(), stalling("c", "s"), down.configured(),
			},
			"vendors/-/sites/s", 2, []string{"vendors/a/sites/s", "vendors/c/sites/s", "vendors/x/sites/s"}, 1,
		},
		"one that does not name its sites": {
			[]vendors.Vendor{stalling("a", "s"), holding("b", "s", 2).configured()},
			"vendors/-/sites/-", 2, []string{"vendors/a"}, 1,
		},
		"one with many sites": {
			[]vendors.Vendor{configured("a", unnamed), holding("b", "s", 2).configured()},
			"vendors/-/sites/-", 2, withPrefix("vendors/a/sites/", many), 1,
		},
	} {
		const usual = 30 * time.Second
		for deadline, total := range map[time.Duration]time.Duration{10 * time.Second: 10 * time.Second, 0: usual} {
			synctest.Test(t, func(t *testing.T) {
				ctx, began := t.Context(), time.Now()
				if deadline > 0 {
					limited, cancel := context.WithTimeout(ctx, deadline)
					defer cancel()
					ctx = limited
				}
				conn, _ := serve(t, c.vendors...)
				page, err := list(ctx, conn, &pb.ListLicensesRequest{Parent: c.parent})
				if err != nil || len(page.GetLicenses()) != c.rows || page.GetNextPageToken() != "" ||
					!slices.Equal(page.GetUnreachable(), c.unreachable) {
					t.Errorf("%s: %v, %v", name, page, err)
				}
				if took, part := time.Since(began), total*9/10*4/10; took != time.Duration(c.parts)*part {
					t.Errorf("%s took %v of %v", name, took, total)
				}
			})
		}
	}
}

func TestManyVendorsThatStallDoNotKeepTheRowsOfAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all := []vendors.Vendor{holding("a", "s", 2).configured()}
		for i := range 40 { // so many that a fixed part of the time for each would be more than all of it
			all = append(all, stalling(fmt.Sprintf("v%02d", i), "s"))
		}
		conn, _ := serve(t, all...)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		page, err := list(ctx, conn, &pb.ListLicensesRequest{Parent: "vendors/-/sites/-"})
		if err != nil || len(page.GetLicenses()) != 2 || len(page.GetUnreachable()) != 40 {
			t.Errorf("%v, %v", page, err)
		}
	})
}

func withPrefix(prefix string, all []string) (with []string) {
	for _, one := range all {
		with = append(with, prefix+one)
	}
	return with
}

// stallingBelow is an adapter that names its sites, and whose other reads get no response.
type stallingBelow struct {
	adapters.Adapter
	sites []string
}

func (s stallingBelow) SiteNames(context.Context) ([]string, error) {
	return withPrefix("vendors/a/sites/", s.sites), nil
}
func (s stallingBelow) ListLicenses(
	ctx context.Context, req *pb.ListLicensesRequest,
) (*pb.ListLicensesResponse, error) {
	return s.Adapter.(adapters.LicenseLister).ListLicenses(ctx, req)
}

func TestOneSiteThatStallsIsTheOnlyOneUnreachable(t *testing.T) {
	var sites []string
	for i := range 20 {
		sites = append(sites, fmt.Sprintf("s%02d", i))
	}
	for _, reads := range []int{1, 2, 32} {
		for _, odd := range []string{"vendors/a/sites/s00", "vendors/a/sites/s03", "vendors/a/sites/s19"} {
			synctest.Test(t, func(t *testing.T) {
				a := configured("a", oddSite{stallingBelow{stalling("a").Adapter, sites}, odd})
				a.Account = upstream.NewAccount("a")
				a.Account.Configure(upstream.Lane{Reads: reads, Writes: 1}, upstream.DefaultBreaker())
				conn, _ := serve(t, a)
				page, err := list(t.Context(), conn, &pb.ListLicensesRequest{Parent: "vendors/a/sites/-"})
				if err != nil || len(page.GetLicenses()) != 19 || !slices.Equal(page.GetUnreachable(), []string{odd}) {
					t.Errorf("%d reads: %v, %v", reads, page, err)
				}
			})
		}
	}
}

// oddSite is an adapter that does not respond for one of its sites.
type oddSite struct {
	stallingBelow
	odd string
}

func (o oddSite) ListLicenses(ctx context.Context, req *pb.ListLicensesRequest) (*pb.ListLicensesResponse, error) {
	if req.GetParent() == o.odd {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return &pb.ListLicensesResponse{Licenses: []*pb.License{{Site: req.GetParent()}}}, nil
}

// A vendor whose lane has few places is asked for its sites in turn, and each site has time enough.
func TestAListIsNotRefusedBecauseOfItself(t *testing.T) {
	sites := []string{"s0", "s1", "s2", "s3", "s4", "s5", "s6", "s7"}
	for _, reads := range []int{1, 2, 3, 8, 32} {
		synctest.Test(t, func(t *testing.T) {
			account := upstream.NewAccount("a")
			account.Configure(upstream.Lane{Reads: reads, Writes: 1, Timeout: time.Minute}, upstream.DefaultBreaker())
			slow := func(http.ResponseWriter, *http.Request) { time.Sleep(2 * time.Second) }
			vendor := twin.Transport(http.HandlerFunc(slow))
			client, err := upstream.New(upstream.Options{
				BaseURL: "http://vendor.test", Connection: upstream.Connection{Account: account, Transport: vendor},
			})
			if err != nil {
				t.Fatal(err)
			}
			a := configured("a", throughLane{stallingBelow{bare{}, sites}, client})
			a.Account = account
			conn, _ := serve(t, a)
			began := time.Now()
			page, err := list(t.Context(), conn, &pb.ListLicensesRequest{Parent: "vendors/a/sites/-"})
			if err != nil || len(page.GetLicenses()) != len(sites) || page.GetUnreachable() != nil {
				t.Errorf("%d reads: %v, %v", reads, page, err)
			}
			rounds := (len(sites) + reads - 1) / reads
			if took := time.Since(began); took != time.Duration(rounds)*2*time.Second {
				t.Errorf("%d reads: took %v, want %d rounds", reads, took, rounds)
			}
		})
	}
}

// throughLane is an adapter that makes one request for each list.
type throughLane struct {
	stallingBelow
	client *upstream.Client
}

func (a throughLane) ListLicenses(
	ctx context.Context, req *pb.ListLicensesRequest,
) (*pb.ListLicensesResponse, error) {
	_, err := a.client.Read(ctx, upstream.Request{Path: "/licenses"}, nil)
	return &pb.ListLicensesResponse{Licenses: []*pb.License{{Site: req.GetParent()}}}, err
}

func TestAVendorThatFillsThePageDoesNotWaitForOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		conn, _ := serve(t, holding("a", "s", 9).configured(), stalling("b", "s"))
		began := time.Now()
		page, err := list(t.Context(), conn, &pb.ListLicensesRequest{Parent: "vendors/-/sites/s", PageSize: 5})
		if err != nil || len(page.GetLicenses()) != 5 || page.GetUnreachable() != nil || time.Since(began) != 0 {
			t.Errorf("after %v: %v, %v", time.Since(began), page, err)
		}
	})
}

func TestACallerGetsTheErrorWhereEveryVendorStalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		conn, _ := serve(t, stalling("a", "s"), stalling("b", "s"))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := list(ctx, conn, &pb.ListLicensesRequest{Parent: "vendors/-/sites/s"})
		wantError(t, err, codes.Unavailable, pb.ErrorReason_VENDOR_UNAVAILABLE, "a")

		ctx, cancel = context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		_, err = list(ctx, conn, &pb.ListLicensesRequest{Parent: "vendors/-/sites/-"})
		wantError(t, err, codes.Canceled, pb.ErrorReason_CALL_CANCELLED, "")
	})
}

func TestAnAdapterThatPanicsFailsOneCall(t *testing.T) {
	conn, log := serve(t, configured("v", listing(func(*pb.ListLicensesRequest) (*pb.ListLicensesResponse, error) {
		panic("boo")
	})))
	_, err := list(t.Context(), conn, &pb.ListLicensesRequest{Parent: "vendors/-/sites/-"})
	wantError(t, err, codes.Internal, pb.ErrorReason_INTERNAL_FAILURE, "")
	if got := log.String(); !strings.Contains(got, "boo") || !strings.Contains(got, "fanout_test.go") {
		t.Errorf("the log does not say what happened and where: %s", got)
	}
}
