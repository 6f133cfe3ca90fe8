package emulator

import (
	"context"
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"net/http"
	"regexp"
	"strings"

	"github.com/drmhub/drmhub/adapters/twin"
)

// EffectCertificateRegistered is the kind of an effect: a FairPlay certificate was registered. Its
// key is site_id, and its details hold the certificate's subject and serial_number (hexadecimal).
const EffectCertificateRegistered = "fairPlayCertificateRegistered"

// applicationSecretKey is the form of an ask. Apple's keys have 16 bytes, shown in hexadecimal.
var applicationSecretKey = regexp.MustCompile(`^[0-9A-Fa-f]{32}$`)

// maxKeyPassword is the maximum length of a private key's password in bytes, by the guide.
const maxKeyPassword = 32

// registerCertificate serves "Register FairPlay Certificate". Its failures do not show a secret,
// and it keeps none.
func (e *Emulator) registerCertificate(ctx context.Context, p twin.Params) (response, error) {
	codes := e.assumed.Codes
	if !applicationSecretKey.MatchString(p["ask"]) {
		return response{}, failure{codes.InvalidParameter, "invalid parameter ask: it is not 32 hexadecimal digits"}
	}
	if len(p["key_pw"]) > maxKeyPassword {
		return response{}, failure{codes.InvalidParameter, "invalid parameter key_pw: it is longer than 32 bytes"}
	}
	certificate, err := x509.ParseCertificate([]byte(p["fps_cert"]))
	if err != nil {
		return response{}, failure{codes.CertificateRejected, "fps_cert is no certificate in DER: " + err.Error()}
	}
	if err := checkKey(certificate, p["private_key"], p["key_pw"]); err != nil {
		return response{}, failure{codes.KeyRejected, err.Error()}
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	s, err := e.site(p)
	if err != nil {
		return response{}, err
	}
	s.certificate = certificate
	e.Ledger().Record(ctx, EffectCertificateRegistered, s.SiteID, map[string]string{
		"subject": certificate.Subject.String(), "serial_number": certificate.SerialNumber.Text(16),
	})
	return response{}, nil
}

// checkKey checks what the console's A9104 says: the private key is in OpenSSL's traditional form,
// the password opens it, and it fits the certificate.
func checkKey(certificate *x509.Certificate, file, password string) error {
	block, _ := pem.Decode([]byte(file))
	if block == nil || !strings.HasSuffix(block.Type, " PRIVATE KEY") {
		return errors.New("private_key is no private key in PEM")
	}
	//nolint:staticcheck // Insecure, and the form that the vendor takes.
	if block.Type == "ENCRYPTED PRIVATE KEY" || !x509.IsEncryptedPEMBlock(block) {
		return errors.New("private_key is not encrypted in OpenSSL's traditional format")
	}
	der, err := x509.DecryptPEMBlock(block, []byte(password)) //nolint:staticcheck // The same.
	if err != nil {
		return errors.New("key_pw does not open private_key")
	}
	key, err := x509.ParsePKCS1PrivateKey(der)
	var public crypto.PublicKey
	if err == nil {
		public = key.Public()
	} else if elliptic, err := x509.ParseECPrivateKey(der); err == nil {
		public = elliptic.Public()
	}
	if held, ok := certificate.PublicKey.(interface{ Equal(crypto.PublicKey) bool }); !ok || !held.Equal(public) {
		return errors.New("private_key does not fit fps_cert")
	}
	return nil
}

// serveCertificate serves the certificate of a site to players, as the license server does.
func (e *Emulator) serveCertificate(w http.ResponseWriter, r *http.Request) {
	certificate := e.FairPlayCertificate(r.URL.Query().Get("siteId"))
	if certificate == nil {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	_, _ = w.Write(certificate.Raw) // It fails only if the client is gone.
}

// FairPlayCertificate returns the latest FairPlay certificate of a site, or nil.
func (e *Emulator) FairPlayCertificate(siteID string) *x509.Certificate {
	e.mu.RLock()
	defer e.mu.RUnlock()
	s := e.find(siteID)
	if s == nil {
		return nil
	}
	return s.certificate
}
