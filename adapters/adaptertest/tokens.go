package adaptertest

import (
	"strings"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/drmhub/drmhub/adapters"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

var tokenPromises = []Promise{
	{"a page token goes on with another page_size", needs(licenseLister), tokenWithAnotherSize},
	{"a page token belongs to its request", needs(licenseLister), tokenOfAnotherRequest},
	{"a page token belongs to its method", needs(licenseLister, licenseStreamer, siteLister), tokenOfAnotherMethod},
	{"ListLicenses refuses what is no page token", needs(licenseLister), listRefusesGarbage},
	{"StreamLicenses refuses what is no page token", needs(licenseStreamer), streamRefusesGarbage},
	{"ListSites refuses what is no page token", needs(siteLister), sitesRefuseGarbage},
}

// noTokens are no page tokens, made out of one that is.
func noTokens(token string) map[string]string {
	return map[string]string{
		"a word":              "next",
		"a control character": "\x00",
		"another alphabet":    "페이지",
		"base64 alone":        "AAAAAAAAAAAAAAAAAAAAAAAAAAAA",
		"a cut token":         token[:len(token)/2],
		"a longer token":      token + "AAAA",
		"a changed token":     token[:len(token)-4] + swapCase(token[len(token)-4:]),
		"a very long one":     strings.Repeat("A", 1<<20),
	}
}

func swapCase(s string) string {
	if up := strings.ToUpper(s); up != s {
		return up
	}
	return strings.ToLower(s)
}

// token is a page token of a list of the site's licenses.
func (s *site) token(t T, filter *pb.LicenseFilter) string {
	t.Helper()
	res, err := s.listPage(t.Context(), filter, 5, "")
	if err != nil || res.GetNextPageToken() == "" {
		t.Fatalf("ListLicenses, page 0 of size 5 of %d rows: the token is %q, %v", len(s.held(filter)), res.GetNextPageToken(), err)
	}
	return res.GetNextPageToken()
}

func tokenWithAnotherSize(t T, h Harness) {
	s := newSite(t, h)
	s.put(history(30)...)
	first, err := s.listPage(t.Context(), nil, 5, "")
	if err != nil {
		t.Fatalf("page_size 5: %v", err)
	}
	for _, size := range []int32{3, 1, 1000} {
		rest := s.listFrom(t, first.GetNextPageToken(), nil, nil, size)
		sameRows(t, "page_size 5, then another", append(rest, first.GetLicenses()...), s.held(nil))
	}
}

func tokenOfAnotherRequest(t T, h Harness) {
	sites := newSites(t, h, 2)
	for _, s := range sites {
		s.put(history(30)...)
	}
	s := sites[0]
	whole, filtered := s.token(t, nil), s.token(t, &pb.LicenseFilter{UserId: "viewer"})
	for what, c := range map[string]struct {
		token  string
		filter *pb.LicenseFilter
	}{
		"a condition more":       {whole, &pb.LicenseFilter{UserId: "viewer"}},
		"a condition less":       {filtered, nil},
		"another value":          {filtered, &pb.LicenseFilter{UserId: "Viewer"}},
		"another condition":      {filtered, &pb.LicenseFilter{DeviceId: "viewer"}},
		"a time more":            {filtered, &pb.LicenseFilter{UserId: "viewer", EndTime: timestamppb.New(midnight)}},
		"an enum condition more": {whole, &pb.LicenseFilter{Status: pb.License_SUCCESS}},
	} {
		_, err := s.listPage(t.Context(), c.filter, 5, c.token)
		wantTokenRefused(t, what, err)
	}
	if len(sites) > 1 {
		_, err := sites[1].listPage(t.Context(), nil, 5, whole)
		wantTokenRefused(t, "another site", err)
	}
}

func tokenOfAnotherMethod(t T, h Harness) {
	s := newSite(t, h)
	s.put(history(30)...)
	token := s.token(t, nil)
	_, err := s.stream(t.Context(), nil, token, nil)
	wantTokenRefused(t, "StreamLicenses, with a token of ListLicenses", err)
	_, err = h.Adapter.(adapters.SiteLister).ListSites(t.Context(), &pb.ListSitesRequest{Parent: vendorName(h), PageToken: token})
	wantTokenRefused(t, "ListSites, with a token of ListLicenses", err)
}

func listRefusesGarbage(t T, h Harness) {
	s := newSite(t, h)
	s.put(history(30)...)
	for what, token := range noTokens(s.token(t, nil)) {
		_, err := s.listPage(t.Context(), nil, 5, token)
		wantTokenRefused(t, what, err)
	}
}

func streamRefusesGarbage(t T, h Harness) {
	s := newSite(t, h)
	s.put(history(1001)...)
	messages, err := s.stream(t.Context(), nil, "", nil)
	if err != nil || len(messages) < 2 || messages[0].GetNextPageToken() == "" {
		t.Fatalf("StreamLicenses of %d rows: %d messages, %v; want two with a token between them", len(s.rows), len(messages), err)
	}
	for what, token := range noTokens(messages[0].GetNextPageToken()) {
		_, err := s.stream(t.Context(), nil, token, nil)
		wantTokenRefused(t, what, err)
	}
}

func sitesRefuseGarbage(t T, h Harness) {
	newSites(t, h, len(siteIDs))
	a := h.Adapter.(adapters.SiteLister)
	first, err := a.ListSites(t.Context(), &pb.ListSitesRequest{Parent: vendorName(h), PageSize: 1})
	if err != nil {
		t.Fatalf("ListSites: %v", err)
	}
	token := first.GetNextPageToken()
	if token == "" { // the vendor can hold one site only
		token = strings.Repeat("A", 64)
	}
	for what, token := range noTokens(token) {
		_, err := a.ListSites(t.Context(), &pb.ListSitesRequest{Parent: vendorName(h), PageToken: token})
		wantTokenRefused(t, what, err)
	}
}
