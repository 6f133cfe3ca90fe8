package adaptertest

import (
	"strings"

	"google.golang.org/protobuf/types/known/timestamppb"

	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

var tokenPromises = []Promise{
	{"a page token goes on with another page_size", needs("ListLicenses"), tokenWithAnotherSize},
	{"a page token belongs to its request", needs("ListLicenses"), tokenOfAnotherRequest},
	{"a page token belongs to its method", needs("ListLicenses", "StreamLicenses", "ListSites"), tokenOfAnotherMethod},
	{"ListLicenses refuses what is no page token", needs("ListLicenses"), listRefusesGarbage},
	{"StreamLicenses refuses what is no page token", needs("StreamLicenses"), streamRefusesGarbage},
	{"ListSites refuses what is no page token", needs("ListSites"), sitesRefuseGarbage},
}

// noTokens returns texts that are no page tokens, made of one that is.
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

func tokenWithAnotherSize(t T, h Harness) {
	s := newSite(t, h)
	s.put(history(30)...)
	first, token, _, err := s.licenses(nil).page(t.Context(), 5, "")
	if err != nil {
		t.Fatalf("page_size 5: %v", err)
	}
	for _, size := range []int32{3, 1, 1000} {
		rest := s.licenses(nil).from(t, token, nil, size)
		sameRows(t, "page_size 5, then another", append(rest, first...), s.held(nil))
	}
}

func tokenOfAnotherRequest(t T, h Harness) {
	sites := newSites(t, h, 2)
	for _, s := range sites {
		s.put(history(30)...)
	}
	s := sites[0]
	whole, filtered := s.licenses(nil).token(t), s.licenses(&pb.LicenseFilter{UserId: "viewer"}).token(t)
	midnight := timestamppb.New(midnight)
	for what, c := range map[string]struct {
		token  string
		filter *pb.LicenseFilter
	}{
		"a condition more":       {whole, &pb.LicenseFilter{UserId: "viewer"}},
		"a condition less":       {filtered, nil},
		"another value":          {filtered, &pb.LicenseFilter{UserId: "Viewer"}},
		"another condition":      {filtered, &pb.LicenseFilter{DeviceId: "viewer"}},
		"a time more":            {filtered, &pb.LicenseFilter{UserId: "viewer", EndTime: midnight}},
		"an enum condition more": {whole, &pb.LicenseFilter{Status: pb.License_SUCCESS}},
	} {
		s.licenses(c.filter).refusesToken(t, what, c.token)
	}
	if len(sites) > 1 {
		sites[1].licenses(nil).refusesToken(t, "another site", whole)
	}
}

func tokenOfAnotherMethod(t T, h Harness) {
	s := newSite(t, h)
	s.put(history(30)...)
	token := s.licenses(nil).token(t)
	_, err := s.stream(t.Context(), nil, token, nil)
	wantTokenRefused(t, "StreamLicenses, with a token of ListLicenses", err)
	listSites(h).refusesToken(t, "a token of ListLicenses", token)
}

func listRefusesGarbage(t T, h Harness) {
	s := newSite(t, h)
	s.put(history(30)...)
	s.licenses(nil).refusesTokens(t, nil)
}

func streamRefusesGarbage(t T, h Harness) {
	s := newSite(t, h)
	s.put(history(1001)...)
	messages, err := s.stream(t.Context(), nil, "", nil)
	if err != nil || len(messages) < 2 || messages[0].GetNextPageToken() == "" {
		t.Fatalf("StreamLicenses of %d rows: %d messages, %v; want two with a token between them",
			len(s.rows), len(messages), err)
	}
	for what, token := range noTokens(messages[0].GetNextPageToken()) {
		_, err := s.stream(t.Context(), nil, token, nil)
		wantTokenRefused(t, what, err)
	}
}

func sitesRefuseGarbage(t T, h Harness) {
	newSites(t, h, len(siteIDs))
	_, token, _, err := listSites(h).page(t.Context(), 1, "")
	if err != nil {
		t.Fatalf("ListSites: %v", err)
	}
	if token == "" { // The vendor can hold one site only.
		token = strings.Repeat("A", 64)
	}
	for what, token := range noTokens(token) {
		listSites(h).refusesToken(t, what, token)
	}
}
