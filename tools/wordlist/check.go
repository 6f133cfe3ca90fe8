package main

import (
	"fmt"
	"go/scanner"
	"go/token"
	"path"
	"strings"
	"unicode/utf8"
)

// protoColumns is the longest that a proto line may be.
const protoColumns = 100

// check returns what is wrong with a file.
func check(words []word, file, text string) []finding {
	var found []finding
	read := func(line int, text string) {
		for i, part := range strings.Split(text, "\n") {
			for _, w := range words {
				if at := w.pattern.FindString(part); at != "" {
					found = append(found, finding{file, fmt.Sprintf("%q: write %s", at, w.instead), line + i})
				}
			}
		}
	}
	switch path.Ext(file) {
	case ".go":
		readGo(text, read)
	case ".md":
		readMarkdown(text, read)
	case ".proto":
		for i, line := range strings.Split(text, "\n") {
			if n := utf8.RuneCountInString(line); n > protoColumns {
				found = append(found, finding{file, fmt.Sprintf("%d columns: wrap it at %d", n, protoColumns), i + 1})
			}
			if _, comment, ok := strings.Cut(line, "//"); ok {
				read(i+1, comment)
			}
		}
	}
	return found
}

// readGo reads the comments and strings of a Go file.
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
			read(file.Line(at), literal)
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
