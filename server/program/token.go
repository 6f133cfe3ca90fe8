package program

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/spf13/cobra"

	"github.com/drmhub/drmhub/server/internal/auth/roles"
	"github.com/drmhub/drmhub/server/internal/auth/token"
	"github.com/drmhub/drmhub/server/internal/cli"
	"github.com/drmhub/drmhub/server/internal/config"
)

const tokenHelp = `token signs a token for a machine, and prints it. The server accepts it if its configuration
has the public key. The token confers roles and scopes, everywhere or only at the vendors, sites and
customers that the flags name. It cannot be revoked before it ends, other than with its key.

A list has commas between its items, and its flag may be repeated. A flag with an empty list, such as
--vendors "", allows nothing. Without the flag, all is allowed. A comma in the name of a site is written %2C.`

// maxTokenTime bounds the life of a token.
const maxTokenTime = 10 * 365 * 24 * time.Hour

// grant is what the flags of "drmhub token" say.
type grant struct {
	keyFile, secretEnv, kid, alg string
	config, issuer, audience     string
	subject                      string
	roles, scopes                itemList
	vendors, sites, customers    itemList
	life                         time.Duration
}

// itemList is a list that may be absent, or present and empty.
type itemList struct {
	items []string
	given bool
}

func (l *itemList) String() string { return strings.Join(l.items, ",") }

// Type is the word for the value in the help.
func (l *itemList) Type() string { return "list" }

// Set adds the items of a flag.
func (l *itemList) Set(text string) error {
	l.given = true
	for item := range strings.SplitSeq(text, ",") {
		if item = strings.TrimSpace(item); item != "" {
			l.items = append(l.items, item)
		}
	}
	return nil
}

func tokenCommand() *cobra.Command {
	g := &grant{}
	c := &cobra.Command{
		Use:     "token --key FILE --kid ID --subject NAME",
		Short:   "Sign a token for a machine",
		Long:    tokenHelp,
		Example: "  drmhub token --key k2.pem --kid k2 --subject billing --roles viewer --config drmhub.yaml",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return cli.Usagef("token has no argument %q: put a list into one word, with commas", args[0])
			}
			return nil
		},
		RunE: func(c *cobra.Command, _ []string) error {
			if err := g.check(); err != nil {
				return cli.Usagef("%w", err)
			}
			return g.print(c.Context(), c.OutOrStdout(), c.ErrOrStderr())
		},
	}
	g.flags(c)
	return c
}

func (g *grant) flags(c *cobra.Command) {
	flags := c.Flags()
	flags.StringVar(&g.keyFile, "key", "", "the `file` of the private key, in PEM")
	flags.StringVar(&g.secretEnv, "secret-env", "",
		"the environment `variable` with the secret of an HS key, instead of --key")
	flags.StringVar(&g.kid, "kid", "", "the `id` of the key in the server's configuration")
	flags.StringVar(&g.alg, "alg", "",
		"the `algorithm`; by default that of the configuration, or the usual one of the key")
	flags.StringVar(&g.subject, "subject", "", "the `name` of the caller in records and logs")
	flags.Var(&g.roles, "roles", "the `list` of roles")
	flags.Var(&g.scopes, "scopes", "the `list` of scopes, such as sites:read")
	flags.Var(&g.vendors, "vendors", "the `list` of ids of the only vendors that the caller sees")
	flags.Var(&g.sites, "sites", "the `list` of names of the only sites, such as vendors/acme/sites/DEMO")
	flags.Var(&g.customers, "customers", "the `list` of ids of the only customers")
	flags.DurationVar(&g.life, "for", 720*time.Hour, "the `time` for which the token is valid")
	configFlag(c, &g.config, "the server's configuration `file`, for issuer, audience and roles")
	flags.StringVar(&g.issuer, "issuer", "", "the `issuer`, instead of the configuration's")
	flags.StringVar(&g.audience, "audience", "", "the `audience`, instead of the configuration's")
}

// print signs and prints a token that the server accepts.
func (g *grant) print(ctx context.Context, out, errs io.Writer) error {
	auth, err := g.auth()
	if err != nil {
		return err
	}
	private, key, err := g.key(auth)
	if err != nil {
		return err
	}
	verifier, err := verifierOf(key, auth)
	if err != nil {
		return err
	}
	signed, err := g.sign(private, key, auth)
	if err != nil {
		return err
	}
	claims, err := verifier.Verify(ctx, signed)
	if err != nil {
		return fmt.Errorf("the server would refuse this token, so it is not printed: %w", err)
	}
	fmt.Fprintf(errs, "The token of %s is valid until %s.\n", claims.Subject, claims.Expires.Format(time.RFC3339))
	fmt.Fprintln(out, signed)
	return nil
}

func (g *grant) check() error {
	switch {
	case (g.keyFile == "") == (g.secretEnv == ""):
		return errors.New("token needs either --key FILE or --secret-env NAME")
	case g.kid == "":
		return errors.New("token needs --kid, the id of the key in the server's configuration")
	case g.subject == "":
		return errors.New("token needs --subject, the name of the caller")
	case g.life < time.Second || g.life > maxTokenTime:
		return errors.New("--for must be between 1s and ten years, such as 720h")
	case !hasConfiguration(g.config) && (g.issuer == "" || g.audience == ""):
		return errors.New("token needs --config (or DRMHUB_CONFIG), or both --issuer and --audience")
	}
	return nil
}

// auth returns what the server's configuration says of tokens. It is empty without a configuration,
// other than issuer and audience.
func (g *grant) auth() (*config.Auth, error) {
	auth := &config.Auth{}
	if g.config != "" || g.issuer == "" || g.audience == "" {
		read, err := config.ReadAuth(g.config)
		if err != nil {
			return nil, err
		}
		if auth = &read; auth.Mode != config.AuthJWT {
			return nil, errors.New("the configuration has auth.mode none: its server takes no tokens")
		}
		if err := known("role", g.roles.items, slices.Sorted(maps.Keys(roles.New(auth.Roles)))); err != nil {
			return nil, err
		}
	}
	if g.issuer != "" {
		auth.Issuer = g.issuer
	}
	if g.audience != "" {
		auth.Audience = g.audience
	}
	return auth, known("scope", g.scopes.items, roles.Scopes())
}

func known(what string, words, all []string) error {
	for _, word := range words {
		if !slices.Contains(all, word) {
			return fmt.Errorf("there is no %s %q: use one of %s", what, word, strings.Join(all, ", "))
		}
	}
	return nil
}

// sign signs the claims that the flags name.
func (g *grant) sign(private any, key token.Key, auth *config.Auth) (string, error) {
	now := time.Now()
	claims := jwt.MapClaims{
		"iss": auth.Issuer, "aud": auth.Audience, "sub": g.subject, "iat": now.Unix(), "exp": now.Add(g.life).Unix(),
	}
	if len(g.scopes.items) > 0 {
		claims["scope"] = strings.Join(g.scopes.items, " ")
	}
	for name, list := range map[string]itemList{
		"roles": g.roles, "vendors": g.vendors, "sites": g.sites, "customers": g.customers,
	} {
		if list.given {
			claims[name] = append([]string{}, list.items...)
		}
	}
	unsigned := jwt.NewWithClaims(jwt.GetSigningMethod(key.Algorithm), claims)
	unsigned.Header["kid"] = g.kid
	signed, err := unsigned.SignedString(private)
	if err != nil {
		return "", fmt.Errorf("the token cannot be signed: %w", err)
	}
	return signed, nil
}

// verifierOf returns the verifier that a server with this key has.
func verifierOf(key token.Key, auth *config.Auth) (*token.Verifier, error) {
	options := token.Options{
		Issuer: auth.Issuer, Audience: auth.Audience, Leeway: auth.Leeway, Keys: []token.Key{key},
	}
	for _, client := range auth.Clients {
		options.Reserved = append(options.Reserved, client.SAN)
	}
	return token.New(options)
}
