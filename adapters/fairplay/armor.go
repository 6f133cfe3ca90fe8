// Package fairplay reads FairPlay certificates, private keys and application secret keys in the
// forms that people have. It writes keys in the form that vendors take.
//
// Its errors are clauses without a subject, such as "is a certificate request", because the caller
// names the field. They contain nothing of a file.
package fairplay

import (
	"bytes"
	"encoding/base64"
	"encoding/pem"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf16"
)

// plainText returns a text file as UTF-8 without a byte-order mark, in lines that end in \n.
// Windows PowerShell writes UTF-16, and other programs write it without a mark.
func plainText(file []byte) string {
	text := string(file)
	switch {
	case bytes.HasPrefix(file, []byte{0xFF, 0xFE}), len(file) > 1 && file[0] != 0 && file[1] == 0:
		text = fromUTF16(file, 1, 0)
	case bytes.HasPrefix(file, []byte{0xFE, 0xFF}), len(file) > 1 && file[0] == 0 && file[1] != 0:
		text = fromUTF16(file, 0, 1)
	}
	text = strings.TrimPrefix(text, "\uFEFF")
	// A backslash is no part of PEM. A file in a variable or in JSON often has \n for the end of a
	// line.
	return strings.NewReplacer("\r\n", "\n", "\r", "\n", `\r`, "", `\n`, "\n").Replace(text)
}

func fromUTF16(file []byte, high, low int) string {
	units := make([]uint16, 0, len(file)/2)
	for ; len(file) > 1; file = file[2:] {
		units = append(units, uint16(file[high])<<8|uint16(file[low]))
	}
	return string(utf16.Decode(units))
}

var (
	beginLine = regexp.MustCompile(`-----BEGIN ([A-Z0-9 ]+)-----`)
	dekInfo   = regexp.MustCompile(`DEK-Info:\s*([A-Za-z0-9-]+)\s*,\s*([0-9A-Fa-f]+)`)
)

// initialVectors are the sizes of a DEK-Info's initial vector, in hexadecimal digits. On one line,
// the vector and the key have nothing between them.
var initialVectors = map[string]int{
	"DES-CBC": 16, "DES-EDE3-CBC": 16, "AES-128-CBC": 32, "AES-192-CBC": 32, "AES-256-CBC": 32,
}

// armored returns the PEM blocks of a file. It reads more than encoding/pem: indented lines, no
// lines at all, and every character set that plainText reads. A block that cannot be decoded has no
// bytes.
func armored(file []byte) []*pem.Block {
	var blocks []*pem.Block
	text := plainText(file)
	if inner := unbase64(text); bytes.Contains(inner, []byte("-----BEGIN ")) { // as Kubernetes keeps files
		text = plainText(inner)
	}
	for {
		begin := beginLine.FindStringSubmatchIndex(text)
		if begin == nil {
			return blocks
		}
		kind := text[begin[2]:begin[3]]
		body, rest, ended := strings.Cut(text[begin[1]:], "-----END "+kind+"-----")
		if !ended { // perhaps another block follows
			body, rest = "", text[begin[1]:]
		}
		blocks = append(blocks, newBlock(kind, body))
		text = rest
	}
}

func newBlock(kind, body string) *pem.Block {
	block := &pem.Block{Type: kind}
	if at := dekInfo.FindStringSubmatchIndex(body); at != nil {
		cipher, end := body[at[2]:at[3]], at[5]
		if size, known := initialVectors[cipher]; known {
			end = min(end, at[4]+size)
		}
		block.Headers = map[string]string{
			"Proc-Type": "4,ENCRYPTED", "DEK-Info": cipher + "," + strings.ToUpper(body[at[4]:end]),
		}
		body = body[end:]
	}
	block.Bytes = unbase64(body)
	return block
}

// unbase64 decodes base64 with white space in it, also without padding. It returns nil for anything
// else.
func unbase64(text string) []byte {
	text = strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) {
			return -1
		}
		return r
	}, text)
	content, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(text, "="))
	if err != nil {
		return nil
	}
	return content
}

// binary returns the DER of a file without PEM: the file itself, or what its base64 holds. It
// returns nil for a file that has neither.
func binary(file []byte) []byte {
	const sequence = 0x30 // the first byte of every certificate and key
	for _, der := range [][]byte{file, unbase64(plainText(file))} {
		if len(der) > 1 && der[0] == sequence && der[1] > 0x20 {
			return der
		}
	}
	return nil
}
