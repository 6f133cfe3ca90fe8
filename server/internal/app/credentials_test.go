package app_test

import (
	"crypto/sha256"
	"crypto/tls"
	"encoding/base64"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/status"

	"github.com/drmhub/drmhub/adapters/apierror"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/auth/tokentest"
	"github.com/drmhub/drmhub/server/internal/certs/certstest"
	"github.com/drmhub/drmhub/server/internal/config"
	"github.com/drmhub/drmhub/server/internal/rpcerror"
)

// TestWhereATokenCounts sends a token in ways that count and in others. $ is the token. All
// refusals are the same.
func TestWhereATokenCounts(t *testing.T) {
	h := start(t, guarded)
	token, getCaller := tokentest.Sign("ES256", "es256", nil), parse("GetCaller {}")
	_, refusal := h.whole(t, getCaller)
	if !strings.Contains(refusal, "Www-Authenticate:[Bearer]") {
		t.Errorf("no challenge: %s", refusal)
	}
	for want, rows := range map[string][]string{
		"OK": {"Bearer $", "bearer $", "BEARER $", "Bearer   $"},
		"TOKEN_INVALID": {
			"Basic $", "Token $", "$", "Bearer$", "Bearer", " ", "Bearer $ x", "Bearer x $", "Bearer $,Bearer $",
			"Bearer $|Bearer $", "Bearer $|Basic x", "Basic x|Bearer $", "|Bearer $", "Bearer $|",
		},
	} {
		for _, row := range rows {
			who := h.with(t, strings.Split(strings.ReplaceAll(row, "$", token), "|")...)
			if reason, text := who.whole(t, getCaller); reason != want || want != "OK" && text != refusal {
				t.Errorf("%q: %s %s", row, reason, text)
			}
		}
	}
	for _, header := range []string{
		"Cookie: access_token=$", "Cookie: Authorization=Bearer $", "X-Authorization: Bearer $", "Access-Token: $",
		"Grpc-Metadata-Authorization: Bearer $", "Proxy-Authorization: Bearer $", "Authorization-Bearer: $",
	} {
		name, value, _ := strings.Cut(strings.ReplaceAll(header, "$", token), ": ")
		for _, query := range []string{"", "?access_token=" + token} {
			if code, _, body := h.rest(t, "GET /v1/caller"+query, "", name, value); code != http.StatusUnauthorized {
				t.Errorf("%s %s: %d %s", header, query, code, body)
			}
		}
	}
}

// garbled sends bytes that are no request.
type garbled struct{ encoding.CodecV2 }

func (garbled) Marshal(any) (mem.BufferSlice, error) {
	return mem.BufferSlice{mem.SliceBuffer("\xff")}, nil
}

func TestAnUnreadableRequestOfNobodyIsUnauthenticated(t *testing.T) {
	h := start(t, guarded)
	as := grpc.ForceCodecV2(garbled{rpcerror.Codec()})
	for who, want := range map[*testServer]codes.Code{
		h: codes.Unauthenticated, h.as(t, `{"sub":"s"}`): codes.PermissionDenied,
		h.as(t, everything): codes.InvalidArgument,
	} {
		_, err := pb.NewSiteServiceClient(who.conn).GetSite(t.Context(), &pb.GetSiteRequest{}, as)
		if status.Code(err) != want {
			t.Errorf("%v, want %v", err, want)
		}
	}
}

// A secured server takes client certificates of an authority at both listeners.
type secured struct {
	*testServer
	own, clients *certstest.Authority
}

func secure(t *testing.T, clients ...config.Client) secured {
	t.Helper()
	s := secured{own: certstest.NewAuthority(t, "servers"), clients: certstest.NewAuthority(t, "clients")}
	s.testServer = start(t, guarded, withTLS(s.own, s.clients, certstest.Files(t.TempDir())),
		func(_ *testing.T, h *testServer) { h.cfg.Auth.Clients = clients })
	return s
}

// callers returns functions that get the caller over gRPC and over REST, with a certificate and a
// token. They return the subject, or the reason of the refusal. The connections stay open.
func (s secured) callers(t *testing.T, certificate tls.Certificate, token string) []func() string {
	t.Helper()
	settings := &tls.Config{RootCAs: s.own.Pool(), MinVersion: tls.VersionTLS12}
	if certificate.Certificate != nil {
		settings.Certificates = []tls.Certificate{certificate}
	}
	conn, err := grpc.NewClient(s.GRPCAddr(), grpc.WithTransportCredentials(credentials.NewTLS(settings)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	var values []string
	if token != "" {
		values = []string{"Bearer " + token}
	}
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: settings}}
	t.Cleanup(client.CloseIdleConnections)
	overGRPC := func() string {
		c, err := pb.NewCallerServiceClient(conn).GetCaller(authorized(t.Context(), values), &pb.GetCallerRequest{})
		if status.Code(err) == codes.Unavailable {
			return "no connection"
		}
		if err != nil {
			return apierror.Convert(err).Reason.String()
		}
		return c.GetSubject()
	}
	overREST := func() string {
		req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://"+s.HTTPAddr()+"/v1/caller", nil)
		req.Header["Authorization"] = values
		res, err := client.Do(req)
		if err != nil {
			return "no connection"
		}
		defer func() { _ = res.Body.Close() }()
		body, _ := io.ReadAll(res.Body)
		if res.StatusCode != http.StatusOK {
			return failure(t, string(body)).Details[0].Reason
		}
		c := &pb.Caller{}
		fromJSON(t, string(body), c)
		return c.GetSubject()
	}
	return []func() string{overGRPC, overREST}
}

func TestClientCertificates(t *testing.T) {
	const billing, dns, urn, refused = "spiffe://acme/billing", "billing.example", "urn:acme:billing", "TOKEN_INVALID"
	s := secure(t, config.Client{SAN: billing, Vendors: []string{"acme"}}, config.Client{SAN: dns},
		config.Client{SAN: urn})
	certificate := func(commonName string, sans ...string) tls.Certificate {
		return s.clients.Named(t, commonName, time.Hour, sans...)
	}
	bound := func(c tls.Certificate) string {
		hash := sha256.Sum256(c.Certificate[0])
		return tokentest.Sign("ES256", "es256", map[string]any{
			"cnf": map[string]string{"x5t#S256": base64.RawURLEncoding.EncodeToString(hash[:])},
		})
	}
	mine, other := certificate("x", billing), certificate("x", billing)
	past := s.clients.Named(t, "", -time.Minute, billing)
	sub := func(name string) string { return tokentest.Sign("ES256", "es256", map[string]any{"sub": name}) }
	for name, row := range map[string]struct {
		certificate tls.Certificate
		token, want string
	}{
		"a URI":                            {mine, "", billing},
		"a DNS name":                       {certificate("", dns), "", dns},
		"one of several":                   {certificate("", "x.example", "spiffe://acme/x", dns), "", dns},
		"a common name":                    {certificate(dns), "", refused},
		"a common name that is a URI":      {certificate(billing, "other.example"), "", refused},
		"a longer URI":                     {certificate("", billing+"/x"), "", refused},
		"a shorter URI":                    {certificate("", "spiffe://acme/bill"), "", refused},
		"a URI with a slash":               {certificate("", billing+"/"), "", refused},
		"a URI with an escape":             {certificate("", "spiffe://acme/%62illing"), "", refused},
		"a URI with a query":               {certificate("", billing+"?x"), "", refused},
		"a URI as a DNS name":              {certificate("", "dns:"+billing), "", refused},
		"a DNS name as a URI":              {certificate("", "uri:"+dns), "", refused},
		"a URI without a host":             {certificate("", urn), "", urn},
		"a token with a client's URN":      {certificate("", "x.example"), sub(urn), refused},
		"a subdomain":                      {certificate("", "x."+dns), "", refused},
		"a wildcard":                       {certificate("", "*.example"), "", refused},
		"no certificate":                   {tls.Certificate{}, "", refused},
		"a certificate of others":          {s.own.Named(t, "", time.Hour, billing), "", refused},
		"no name":                          {certificate(""), "", refused},
		"an end in the past":               {past, "", "no connection"},
		"a token too":                      {mine, sub("person"), "person"},
		"a bad token too":                  {mine, "x", refused},
		"a token with the name of its own": {mine, sub(billing), refused},
		"a token with a client's DNS name": {certificate("", "x.example"), sub(dns), refused},
		"a token in other letters":         {mine, sub("Billing.EXAMPLE"), refused},
		"a token that is bound to it":      {mine, bound(mine), "billing"},
		"a token of another certificate":   {other, bound(mine), refused},
		"its token without it":             {tls.Certificate{}, bound(mine), refused},
		"a token without a certificate":    {tls.Certificate{}, sub("person"), "person"},
	} {
		for _, call := range s.callers(t, row.certificate, row.token) {
			if got := call(); got != row.want {
				t.Errorf("%s: %s, want %s", name, got, row.want)
			}
		}
	}
}

// TestACertificateEnds keeps connections open until their certificate ends.
func TestACertificateEnds(t *testing.T) {
	const san = "spiffe://acme/brief"
	s := secure(t, config.Client{SAN: san})
	for face := range 2 {
		var call func() string
		var began string
		for life := 3 * time.Second; began != san && life < time.Minute; life *= 2 { // A slow machine calls late.
			call = s.callers(t, s.clients.Named(t, "", life, san), "")[face]
			began = call()
		}
		for began == san && call() == san {
			time.Sleep(50 * time.Millisecond) // until the certificate ends
		}
		if last := call(); began != san || last != "TOKEN_INVALID" {
			t.Errorf("first %s, then %s", began, last)
		}
	}
}
