package emulator

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"
)

// siteForm is the body of "Create site" and "Edit site".
type siteForm struct {
	name     string
	policyID int
	cert     FairPlayCert // zero if the body has none
}

// siteName is the form of a site's name. The API pages say "between 3 and 20 characters" and
// "special character (underscore) allowed".
var siteName = regexp.MustCompile(`^[A-Za-z0-9_]{3,20}$`)

// readSiteForm reads and checks the body of r. It does not check that the policy exists.
func readSiteForm(r *http.Request) (form siteForm, err error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return form, err
	}
	object, err := readObject(body, "siteName", "policyId", "fairPlayCert")
	if err != nil {
		return form, err
	}
	if err := readField(object, "siteName", &form.name); err != nil {
		return form, err
	}
	if err := readField(object, "policyId", &form.policyID); err != nil {
		return form, err
	}
	if !siteName.MatchString(form.name) {
		return form, InvalidParameter.saying("siteName must be 3 to 20 letters, digits and underscores")
	}
	if cert, given := object["fairPlayCert"]; given && !isNull(cert) {
		form.cert, err = readFairPlayCert(cert)
	}
	return form, err
}

// readFairPlayCert reads and checks a certificate. Its errors show no value.
func readFairPlayCert(body []byte) (cert FairPlayCert, err error) {
	object, err := readObject(body, "certFile", "privateKey", "privateEncryptedString", "secretKey")
	if err != nil {
		return cert, err
	}
	for name, field := range map[string]*string{
		"certFile": &cert.CertFile, "privateKey": &cert.PrivateKey,
		"privateEncryptedString": &cert.PrivateEncryptedString, "secretKey": &cert.SecretKey,
	} {
		if raw, given := object[name]; given && !isNull(raw) && json.Unmarshal(raw, field) != nil {
			return cert, InvalidParameter.saying("fairPlayCert." + name + " is not a text")
		}
	}
	switch {
	case cert == FairPlayCert{}:
		return cert, nil
	case !isFile(cert.CertFile, ".der", ".cer"):
		return cert, CertificateIncomplete.saying("fairPlayCert.certFile is not the address of a .der or .cer file")
	case !isFile(cert.PrivateKey, ".pem"):
		return cert, CertificateIncomplete.saying("fairPlayCert.privateKey is not the address of a .pem file")
	case cert.SecretKey == "":
		return cert, CertificateIncomplete.saying("fairPlayCert.secretKey is missing")
	}
	return cert, nil
}

// isFile reports whether a file with one of these extensions can be downloaded from address.
func isFile(address string, extensions ...string) bool {
	u, err := url.Parse(address)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" &&
		slices.Contains(extensions, strings.ToLower(path.Ext(u.Path)))
}

// readObject reads a JSON object with these fields only. It returns a map, because a struct would
// match the keys without regard to case.
func readObject(body []byte, fields ...string) (object map[string]json.RawMessage, err error) {
	if err := json.Unmarshal(body, &object); err != nil || object == nil {
		return nil, JSONParseFailed
	}
	for _, name := range slices.Sorted(maps.Keys(object)) {
		if !slices.Contains(fields, name) {
			return nil, InvalidParameter.saying(fmt.Sprintf("unknown field %q", name))
		}
	}
	return object, nil
}

// readField reads a required field.
func readField(object map[string]json.RawMessage, name string, value any) error {
	raw, given := object[name]
	if !given || isNull(raw) {
		return InvalidParameter.saying("missing field " + name)
	}
	if json.Unmarshal(raw, value) != nil {
		return InvalidParameter.saying(fmt.Sprintf("invalid field %s: %s", name, raw))
	}
	return nil
}

func isNull(raw json.RawMessage) bool { return string(raw) == "null" }
