package program

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/drmhub/drmhub/server/internal/cli"
	"github.com/spf13/cobra"
)

const keygenHelp = `keygen writes a private key with which "drmhub token" signs tokens, and the public key beside
it. It prints the lines of the configuration by which a server accepts these tokens. Keep the private key
where tokens are signed. A server needs the public key alone.`

// rsaBits is the length of new RSA keys. RSA of 2048 bits is not recommended after 2030.
const rsaBits = 3072

// keygenCommand writes a key pair into two files.
func keygenCommand() *cobra.Command {
	var alg, file string
	c := &cobra.Command{
		Use:   "keygen --out FILE",
		Short: "Make a key that signs tokens",
		Long:  keygenHelp,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return cli.Usagef("keygen has no argument %q: use --out FILE", args[0])
			}
			return nil
		},
		RunE: func(c *cobra.Command, _ []string) error { return keygen(alg, file, c.OutOrStdout()) },
	}
	c.Flags().StringVar(&alg, "alg", "EdDSA", "the `algorithm` of the tokens: EdDSA, ES256 or RS256")
	c.Flags().StringVar(&file, "out", "", "the `file` of the private key, such as k2.pem; it must not exist")
	return c
}

func keygen(alg, file string, out io.Writer) error {
	if file == "" {
		return cli.Usagef("keygen needs --out, such as: drmhub keygen --out k2.pem")
	}
	key, err := newPrivateKey(alg)
	if err != nil {
		return err
	}
	kid := strings.TrimSuffix(filepath.Base(file), filepath.Ext(file))
	public := strings.TrimSuffix(file, filepath.Ext(file)) + ".pub.pem"
	if err := writeKeys(file, public, key); err != nil {
		return err
	}
	if whole, err := filepath.Abs(public); err == nil {
		public = whole
	}
	fmt.Fprintf(out, `The private key is in %s, the public key in %s.
Add the public key to the configuration of the server:

auth:
  keys:
    - {kid: %q, alg: %s, public_key: {file: %[2]q}}

Then sign tokens with: drmhub token --key %[1]s --kid %[3]s --subject NAME --roles viewer --config drmhub.yaml
`, file, public, kid, alg)
	return nil
}

func newPrivateKey(alg string) (crypto.Signer, error) {
	switch alg {
	case "EdDSA":
		_, key, err := ed25519.GenerateKey(rand.Reader)
		return key, err
	case "ES256":
		return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case "RS256":
		return rsa.GenerateKey(rand.Reader, rsaBits)
	}
	return nil, cli.Usagef("keygen makes no key for %q: use EdDSA, ES256 or RS256", alg)
}

// writeKeys writes both files, or none.
func writeKeys(private, public string, key crypto.Signer) error {
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	known, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		return err
	}
	const forAll, forOwner = 0o644, 0o600
	if err := writeNew(public, "PUBLIC KEY", known, forAll); err != nil {
		return err
	}
	if err := writeNew(private, "PRIVATE KEY", secret, forOwner); err != nil {
		return errors.Join(err, os.Remove(public))
	}
	return nil
}

// writeNew writes a file that must not exist. It leaves no part of a file behind.
func writeNew(name, what string, der []byte, mode os.FileMode) error {
	file, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if errors.Is(err, os.ErrExist) {
		return fmt.Errorf("%s exists already: name another file, since a lost key cannot be made again", name)
	}
	if err != nil {
		return fmt.Errorf("the key cannot be written: %w", err)
	}
	err = errors.Join(pem.Encode(file, &pem.Block{Type: what, Bytes: der}), file.Sync(), file.Close())
	if err != nil {
		return errors.Join(fmt.Errorf("the key cannot be written: %w", err), os.Remove(name))
	}
	return nil
}
