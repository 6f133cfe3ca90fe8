package emulator

import (
	"crypto/x509"
	"encoding/base64"
)

// sampleCertificate is a self-signed certificate in DER, in base64. A real one comes from
// Apple.
const sampleCertificate = "" +
	"MIICPDCCAaWgAwIBAgIUJv/MVw+oLLcotT124jYoH9pG42cwDQYJKoZIhvcNAQELBQAwLzEbMBkGA1UEAwwSRmFpclBsYXkg" +
	"U3RyZWFtaW5nMRAwDgYDVQQKDAdTYW5kYm94MCAXDTI2MTEyOTE1MzEzMloYDzIxMjYxMTA1MTUzMTMyWjAvMRswGQYDVQQD" +
	"DBJGYWlyUGxheSBTdHJlYW1pbmcxEDAOBgNVBAoMB1NhbmRib3gwgZ8wDQYJKoZIhvcNAQEBBQADgY0AMIGJAoGBAJziAaNs" +
	"Jg0xtOWM4S2AqNuyQVdY4b5YbbJOnusQEltVCMOLZFTueKY9w4X6U9Yedee3vOHATle7VeSJVmA1jBGM4OWu4aYxWR9ODTCy" +
	"9zftyB1bgN+rCfUGnQ9i6LFt5EdWYi0zPoKczoo7tKvqqrWwkmFNnsqaXFI5/V3NH5fPAgMBAAGjUzBRMB0GA1UdDgQWBBTW" +
	"HaD4x3WrreyiuQo/MmqfrNJdMjAfBgNVHSMEGDAWgBTWHaD4x3WrreyiuQo/MmqfrNJdMjAPBgNVHRMBAf8EBTADAQH/MA0G" +
	"CSqGSIb3DQEBCwUAA4GBAETt5vI0lWS6+chzWmzH9qGNO1QTHBd/UtLh5rkqxrBPC0uLaZfRoiWz2RDCXwvOnCZgb3LLiMGj" +
	"d+AP/1qVsy07efaBBWfP0NYYgzl6nDyhjompiq2rXZqfFVanG3XEFIsbL2BQLQuA7MQDn7/ukKsex3AAU0TlbqjbiiQQdeHO"

// putCertificate puts the FairPlay certificate of a site of the sample data.
func (e *Emulator) putCertificate(siteID, encoded string) {
	der, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		panic(err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		panic(err)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.find(siteID).certificate = certificate
}
