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

// protoColumns is the longest that a proto line may be.
const protoColumns = 100

// check returns what is wrong with a file.
func check(words []word, file, text string) []finding {
	var found []finding
	read := func(line int, text string) { found = append(found, wordsIn(words, file, line, text)...) }
	switch path.Ext(file) {
	case ".go":
		readGo(text, read)
	case ".md":
		readMarkdown(text, read)
	case ".proto":
		found = append(found, longLines(file, text)...)
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

// longLines returns the lines of a proto file that are too long. It leaves out the line of an RPC,
// which buf format puts on one line.
func longLines(file, text string) []finding {
	var found []finding
	for i, line := range strings.Split(text, "\n") {
		n := utf8.RuneCountInString(line)
		if n > protoColumns && !strings.HasPrefix(strings.TrimSpace(line), "rpc ") {
			found = append(found, finding{file, fmt.Sprintf("%d columns: wrap it at %d", n, protoColumns), i + 1})
		}
	}
	return found
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
