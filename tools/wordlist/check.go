package main

import (
	"fmt"
	"go/scanner"
	"go/token"
	"path"
	"regexp"
	"strings"
	"unicode/utf8"
)

// columns is how long a comment may be, and a line of a proto file.
const columns = 100

// check returns what is wrong with a file.
func check(words []word, file, text string) []finding {
	found := longLines(file, text)
	read := func(line int, text string) { found = append(found, wordsIn(words, file, line, text)...) }
	switch path.Ext(file) {
	case ".go":
		readGo(text, read)
	case ".md":
		readMarkdown(text, read)
	case ".proto":
		readProto(text, read)
	default:
		read(1, text)
	}
	return found
}

// wordsIn returns the words of the list in a text that begins at a line.
func wordsIn(words []word, file string, line int, text string) (found []finding) {
	for i, part := range strings.Split(text, "\n") {
		for _, w := range words {
			if at := w.pattern.FindString(part); at != "" {
				found = append(found, finding{file, fmt.Sprintf("%q: write %s", at, w.instead), line + i})
			}
		}
	}
	return found
}

var (
	// comment matches a line of a comment. The first group is there if the line cannot be wrapped:
	// it is an order to a tool, or an example.
	comment = regexp.MustCompile(`^\s*(?://|#|/?\*\*? )(go:|nolint|\t|!|     )?`)
	// call matches the line of an RPC, which buf format does not wrap.
	call = regexp.MustCompile(`^\s*rpc `)
)

// longLines returns the comments that are too long, and all such lines of a proto file.
func longLines(file, text string) []finding {
	var found []finding
	for i, line := range strings.Split(text, "\n") {
		n := utf8.RuneCountInString(strings.ReplaceAll(line, "\t", "    "))
		if n > columns && wraps(file, line) {
			found = append(found, finding{file, fmt.Sprintf("%d columns: wrap it at %d", n, columns), i + 1})
		}
	}
	return found
}

// wraps reports whether a line can and must be wrapped.
func wraps(file, line string) bool {
	switch path.Ext(file) {
	case ".md":
		return false
	case ".proto":
		return !call.MatchString(line)
	}
	m := comment.FindStringSubmatch(line)
	return len(m) == 2 && m[1] == ""
}

// protoString matches a string of a proto file.
var protoString = regexp.MustCompile(`"(\\.|[^"\\])*"`)

// readProto reads the comments and strings of a proto file.
func readProto(text string, read func(line int, text string)) {
	for i, line := range strings.Split(text, "\n") {
		code, comment, _ := strings.Cut(line, "//")
		read(i+1, comment)
		for _, s := range protoString.FindAllString(code, -1) {
			read(i+1, s)
		}
	}
}

// structTag matches a struct tag, which names a thing for other programs.
var structTag = regexp.MustCompile("^`[a-z]+:\"")

// readGo reads the comments and strings of a Go file, without struct tags.
func readGo(text string, read func(line int, text string)) {
	files := token.NewFileSet()
	file := files.AddFile("", files.Base(), len(text))
	var s scanner.Scanner
	s.Init(file, []byte(text), nil, scanner.ScanComments)
	for {
		at, kind, literal := s.Scan()
		switch kind {
		case token.EOF:
			return
		case token.COMMENT, token.STRING:
			if !structTag.MatchString(literal) {
				read(file.Line(at), literal)
			}
		}
	}
}

// readMarkdown reads Markdown outside of code blocks.
func readMarkdown(text string, read func(line int, text string)) {
	fenced := false
	for i, line := range strings.Split(text, "\n") {
		if strings.HasPrefix(strings.TrimSpace(line), "```") {
			fenced = !fenced
		} else if !fenced {
			read(i+1, line)
		}
	}
}
