package config

import (
	"crypto/sha256"
	"io"
	"os"
)

// A Source is where a configuration is read from, and can be read again.
type Source struct {
	// File is the configuration file, or "" for the environment alone.
	File string
	// Kinds are the vendor sections that it may have.
	Kinds Kinds
}

// Read reads the configuration: the file, and the variables of the environment, which win. The
// error is Errors, unless the file itself cannot be read. The content is that of all files that
// count, also if there is an error.
func (s *Source) Read() (*Config, Content, error) {
	files := Content{}
	source, err := readFile(s.File)
	if s.File != "" {
		files.hold(s.File, source)
	}
	if err != nil {
		files.note(s.File, true)
		return nil, files, err
	}
	config, mistakes := parse(source, s.File, s.Kinds, files, os.Environ())
	if len(mistakes) > 0 {
		return nil, files, mistakes
	}
	config.Source, config.Content = s, files
	return config, files, nil
}

// Content is what the files of a configuration held when it was read: the file itself, and each one
// that it names. It holds sums only.
type Content map[watched][sha256.Size]byte

// A watched file counts whole, or only because it must be readable.
type watched struct {
	path  string
	whole bool
}

// note adds a file as it is now.
func (c Content) note(path string, whole bool) {
	if c != nil {
		file := watched{path, whole}
		c[file] = file.sum()
	}
}

// hold adds a file that was read.
func (c Content) hold(path string, content []byte) {
	if c != nil {
		c[watched{path, true}] = sha256.Sum256(content[:min(len(content), maxFileSize+1)])
	}
}

// Now returns what the same files hold now.
func (c Content) Now() Content {
	now := Content{}
	for file := range c {
		now[file] = file.sum()
	}
	return now
}

// sum returns what a file holds. Files that cannot be read are all the same, and so are pipes.
func (w watched) sum() (sum [sha256.Size]byte) {
	file, err := open(w.path)
	if err != nil {
		return sum
	}
	defer file.Close()
	hash := sha256.New()
	if w.whole {
		if _, err := io.Copy(hash, io.LimitReader(file, maxFileSize+1)); err != nil {
			return sum
		}
	}
	return [sha256.Size]byte(hash.Sum(nil))
}
