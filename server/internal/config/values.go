package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/drmhub/drmhub/adapters/secret"
)

// PEM is the text of a public key. It is too long for the file, where it is {file: PATH} or
// {env: NAME}.
type PEM string

// Path is a file that could be opened when the configuration was read. A relative path starts at
// the folder of the configuration.
type Path string

// OutFile is a file to write, which is created if it is missing. A relative path starts at the
// folder of the configuration.
type OutFile string

// maxFileSize bounds a file that holds a secret or a key, in bytes. A larger file was named by
// mistake.
const maxFileSize = 1 << 20

func (d *decoder) secret(node *yaml.Node, path string, out *secret.Text) {
	const inFile = "a secret is never written in the file: use {env: NAME} or {file: PATH}"
	if text, ok := d.secretText(node, path, inFile); ok {
		*out = secret.New(text)
	}
}

// secretText is fromEnvOrFile for a secret. It refuses white space around the secret, which comes
// from the line end of a copied or generated value. The vendor would reject the credentials without
// a hint.
func (d *decoder) secretText(node *yaml.Node, path, otherwise string) (string, bool) {
	text, ok := d.fromEnvOrFile(node, path, otherwise)
	if ok && text != strings.TrimSpace(text) {
		d.fail(path, "the secret starts or ends with white space, such as a line end: "+
			"remove it where the secret is set")
		return "", false
	}
	return text, ok
}

func (d *decoder) pem(node *yaml.Node, path string, out *PEM) {
	const inFile = "a key is not written in the file: use {file: PATH} or {env: NAME}"
	if text, ok := d.fromEnvOrFile(node, path, inFile); ok {
		*out = PEM(text)
	}
}

// shownVariable matches the names of environment variables that a mistake may quote. Another name
// might be the secret itself, in the wrong place.
var shownVariable = regexp.MustCompile(`^[A-Z][A-Z0-9]*(_[A-Z0-9]+)+$`)

// fromEnvOrFile returns the text that {env: NAME} or {file: PATH} names. It reports otherwise if
// node is neither.
func (d *decoder) fromEnvOrFile(node *yaml.Node, path, otherwise string) (string, bool) {
	if node.Kind != yaml.MappingNode || len(node.Content) != 2 || node.Content[1].ShortTag() != "!!str" {
		d.fail(path, otherwise)
		return "", false
	}
	text, problem := "", otherwise
	switch source, name := node.Content[0].Value, node.Content[1].Value; source {
	case "env":
		text, problem = fromEnvironment(name)
	case "file":
		text, problem = d.fromFile(name)
	}
	if problem != "" {
		d.fail(path, problem)
	}
	return text, problem == ""
}

// A fileLoader is a value that the configuration names by the path of a file.
type fileLoader interface {
	// LoadFile reads the content of the file, and returns what is wrong with it, or "".
	LoadFile(content []byte) (problem string)
}

func (d *decoder) loadFile(node *yaml.Node, path string, out fileLoader) {
	var file Path
	if d.path(node, path, &file); file == "" {
		return
	}
	text, problem := d.fromFile(string(file))
	if problem == "" {
		problem = out.LoadFile([]byte(text))
	}
	if problem != "" {
		d.fail(path, problem)
	}
}

// A textSetter is a URL that may hold a password. In the file it is text without a password, or
// {env: NAME} or {file: PATH}.
type textSetter interface {
	// SetText sets the value, and returns what is wrong with the text, or "". It does not quote the
	// text.
	SetText(text string) (problem string)
}

func (d *decoder) setText(node *yaml.Node, path string, out textSetter) {
	const passwordInFile = "a password is never written in the file: " +
		"leave it out, or give the whole URL as {env: NAME} or {file: PATH}"
	text, ok := node.Value, true
	switch {
	case node.Kind == yaml.MappingNode:
		text, ok = d.secretText(node, path, passwordInFile)
	case node.ShortTag() != "!!str":
		d.fail(path, "must be text: write it in quotes")
		return
	}
	if !ok {
		return
	}
	if problem := out.SetText(text); problem != "" {
		d.fail(path, problem)
	} else if node.Kind != yaml.MappingNode && holdsPassword(text) {
		d.fail(path, passwordInFile)
	}
}

func fromEnvironment(name string) (text, problem string) {
	shown := "that is named here"
	if shownVariable.MatchString(name) {
		shown = name
	}
	switch text, set := os.LookupEnv(name); {
	case !set:
		return "", "the environment variable " + shown + " is not set"
	case text == "":
		return "", "the environment variable " + shown + " is empty"
	default:
		return text, ""
	}
}

func (d *decoder) fromFile(name string) (text, problem string) {
	d.files.note(d.absolute(name), true)
	file, err := d.open(name)
	if err != nil {
		return "", d.unreadable(err)
	}
	defer file.Close()
	content, err := io.ReadAll(io.LimitReader(file, maxFileSize+1))
	if err != nil {
		return "", d.unreadable(err)
	}
	d.files.hold(d.absolute(name), content)
	if len(content) > maxFileSize {
		return "", "the file that is named here is larger than 1 MiB: it cannot be the right one"
	}
	if text = strings.TrimRight(string(content), "\r\n"); text == "" {
		return "", "the file that is named here is empty"
	}
	return text, ""
}

// path reads the path of a file, which is text or {file: PATH}.
func (d *decoder) path(node *yaml.Node, path string, out *Path) {
	if node.Kind == yaml.MappingNode && len(node.Content) == 2 && node.Content[0].Value == "file" {
		node = node.Content[1]
	}
	if node.ShortTag() != "!!str" || node.Value == "" {
		d.fail(path, "must be the path of a file")
		return
	}
	d.files.note(d.absolute(node.Value), false)
	file, err := d.open(node.Value)
	if err != nil {
		d.fail(path, d.unreadable(err))
		return
	}
	defer file.Close()
	if info, err := file.Stat(); err != nil || info.IsDir() {
		d.fail(path, "must be the path of a file, not of a folder")
		return
	}
	*out = Path(file.Name())
}

func (d *decoder) outFile(node *yaml.Node, path string, out *OutFile) {
	if node.ShortTag() != "!!str" || node.Value == "" {
		d.fail(path, "must be the path of a file")
		return
	}
	name := d.absolute(node.Value)
	d.files.note(filepath.Dir(name), false)
	if info, err := os.Stat(name); err == nil && info.IsDir() {
		d.fail(path, "must be the path of a file, not of a folder")
		return
	}
	if _, err := os.Stat(filepath.Dir(name)); err != nil {
		if failed, ok := errors.AsType[*fs.PathError](err); ok {
			err = failed.Err
		}
		d.fail(path, fmt.Sprintf("the folder of the file that is named here cannot be used: %v (%s)", err, d.start()))
		return
	}
	*out = OutFile(name)
}

// absolute returns the full path of a file. A relative name starts at the folder of the
// configuration, so that it does not depend on where the program is started.
func (d *decoder) absolute(name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(d.dir, name)
}

func (d *decoder) open(name string) (*os.File, error) {
	return open(d.absolute(name))
}

// unreadable says why a file could not be read. It leaves out the name, which might be a secret in
// the wrong place.
func (d *decoder) unreadable(err error) string {
	if failed, ok := errors.AsType[*fs.PathError](err); ok {
		err = failed.Err
	}
	return fmt.Sprintf("the file that is named here cannot be read: %v (%s)", err, d.start())
}

// start says where relative paths start.
func (d *decoder) start() string { return "relative paths start at " + d.dir }

func (d *decoder) duration(node *yaml.Node, path string, out *time.Duration) {
	length, err := time.ParseDuration(node.Value)
	isZero := node.ShortTag() == "!!int" && length == 0 // 0 needs no unit
	if err != nil || node.ShortTag() != "!!str" && !isZero {
		d.fail(path, "must be a length of time with its unit, such as 30s, 500ms or 2m")
		return
	}
	*out = length
}

func (d *decoder) location(node *yaml.Node, path string, out **time.Location) {
	zone, err := time.LoadLocation(node.Value)
	// "" and "Local" load too. The first is a slip, and the second differs from machine to machine.
	if err != nil || node.ShortTag() != "!!str" || node.Value == "" || node.Value == "Local" {
		d.fail(path, "must be a time zone's IANA name, such as UTC or Asia/Seoul")
		return
	}
	*out = zone
}
