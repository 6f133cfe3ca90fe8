// Package console holds the operator's pages below /console/, as the build of the folder console
// has made them. They are part of the program, so that it needs no Node.js and no other host.
//
// The pages are one document with a script, which reads the address and calls REST. So every
// address of a page gets the same document. The pages hold no data, and need no identity: a person
// logs in with them.
package console

import (
	"embed"
	"io/fs"
	"net/http"
	"path"
	"strings"
)

// Root is how the paths of the console begin.
const Root = "/console/"

// built are the files that the build of the folder console writes.
//
//go:embed all:dist
var built embed.FS

const (
	// document is the file that every address of a page gets.
	document = "index.html"
	// hashed is how the names of files begin that hold a hash of their content.
	hashed = "assets/"
)

// policy lets the document load from this server only, and run no script that is part of a text.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"base-uri 'none'; form-action 'self'; frame-ancestors 'none'; " +
	"require-trusted-types-for 'script'; trusted-types 'none'"

// features turns off what a browser offers to pages and the console has no use for.
const features = "accelerometer=(), autoplay=(), camera=(), display-capture=(), encrypted-media=(), " +
	"fullscreen=(), geolocation=(), gyroscope=(), hid=(), idle-detection=(), magnetometer=(), microphone=(), " +
	"midi=(), payment=(), publickey-credentials-get=(), screen-wake-lock=(), serial=(), usb=(), " +
	"xr-spatial-tracking=()"

// mediaTypes are the types of files, by the end of their names. The tables of the machine do not
// count.
var mediaTypes = map[string]string{
	".html":  "text/html; charset=utf-8",
	".js":    "text/javascript; charset=utf-8",
	".css":   "text/css; charset=utf-8",
	".svg":   "image/svg+xml",
	".png":   "image/png",
	".ico":   "image/x-icon",
	".woff2": "font/woff2",
	".md":    "text/markdown; charset=utf-8",
	".txt":   "text/plain; charset=utf-8",
}

// A File is a file of the console.
type File struct {
	Content []byte
	Type    string // the media type
	Fixed   bool   // another content has another name
}

// Files returns all files by their paths below Root.
func Files() map[string]File {
	all := map[string]File{}
	root, _ := fs.Sub(built, "dist") // This is a valid name, so it cannot fail.
	_ = fs.WalkDir(root, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := fs.ReadFile(root, name) // Files in the program can always be read.
		kind := mediaTypes[path.Ext(name)]
		if kind == "" {
			kind = "application/octet-stream"
		}
		all[name] = File{Content: content, Type: kind, Fixed: strings.HasPrefix(name, hashed)}
		return err
	})
	return all
}

// NameOf returns the name of the file for a path below Root, which may not exist. A path of a page
// can have any text, such as an id with dots.
func NameOf(path string, exists func(name string) bool) string {
	if exists(path) || strings.HasPrefix(path, hashed) {
		return path
	}
	return document
}

// SetHeaders sets what browsers must know of each file.
func SetHeaders(h http.Header) {
	h.Set("Content-Security-Policy", policy)
	h.Set("Permissions-Policy", features)
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
}
