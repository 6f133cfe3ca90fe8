// Package paging makes page sizes and page tokens mean the same in every list.
//
// A token is opaque and confers no rights. It is bound to its request, except for page_size and
// page_token. So a list cannot go on with other conditions by mistake.
package paging

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/drmhub/drmhub/adapters/apierror"
)

const (
	defaultSize = 100
	// MaxSize is the maximum number of rows of a page.
	MaxSize = 1000
)

// Size returns the number of rows to return for a page_size. 0 means 100, and more than 1000 means
// 1000.
func Size(pageSize int32) int {
	if pageSize <= 0 {
		return defaultSize
	}
	return min(int(pageSize), MaxSize)
}

// A Request is the request of a list.
type Request interface {
	proto.Message
	GetPageToken() string
}

const (
	format         = 1  // The first byte of a token, which identifies its version.
	sumLength      = 12 // The checksum's length in bytes.
	maxTokenLength = 16 << 10
)

// Token returns the page token that continues req at state. The token holds state as JSON.
func Token(req Request, state any) (string, error) {
	body, err := json.Marshal(state)
	if err != nil {
		return "", fmt.Errorf("page token: %w", err)
	}
	sum, err := checksum(req, body)
	if err != nil {
		return "", err
	}
	return base64.RawURLEncoding.EncodeToString(append(append([]byte{format}, sum...), body...)), nil
}

// Resume reads state from the request's page token. It returns false for a request without a token,
// and INVALID_ARGUMENT for a token that belongs to another request.
func Resume(req Request, state any) (bool, error) {
	token := req.GetPageToken()
	if token == "" {
		return false, nil
	}
	invalid := apierror.Invalid("page_token", "is not valid for this request: "+
		"only page_size may change from page to page; start again without page_token")
	if len(token) > maxTokenLength {
		return false, invalid
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(token)
	if err != nil || len(raw) < 1+sumLength || raw[0] != format {
		return false, invalid
	}
	sum, body := raw[1:1+sumLength], raw[1+sumLength:]
	want, err := checksum(req, body)
	if err != nil {
		return false, err
	}
	if !bytes.Equal(sum, want) {
		return false, invalid
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(state); err != nil {
		return false, invalid
	}
	return true, nil
}

// checksum binds a state to its request. Each RPC has a request type of its own, so the type's name
// identifies the method.
func checksum(req Request, state []byte) ([]byte, error) {
	clone := proto.CloneOf[proto.Message](req).ProtoReflect()
	for _, field := range []protoreflect.Name{"page_size", "page_token"} {
		if f := clone.Descriptor().Fields().ByName(field); f != nil {
			clone.Clear(f)
		}
	}
	params, err := proto.MarshalOptions{Deterministic: true}.Marshal(clone.Interface())
	if err != nil {
		return nil, fmt.Errorf("page token: %w", err)
	}
	h := sha256.New()
	fmt.Fprintf(h, "%s %d ", clone.Descriptor().FullName(), len(params))
	h.Write(params)
	h.Write(state)
	return h.Sum(nil)[:sumLength], nil
}

// Slice returns one page of a list whose rows are all known, and the token of the next page. The
// token is empty on the last page.
func Slice[Row any](req interface {
	Request
	GetPageSize() int32
}, rows []Row) ([]Row, string, error) {
	var at struct{ Offset int }
	if _, err := Resume(req, &at); err != nil {
		return nil, "", err
	}
	from := min(max(at.Offset, 0), len(rows))
	to := min(from+Size(req.GetPageSize()), len(rows))
	if to == len(rows) {
		return rows[from:], "", nil
	}
	at.Offset = to
	token, err := Token(req, at)
	return rows[from:to], token, err
}
