package main

import (
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// comment returns the comment above a descriptor. Each paragraph is one line, and lists keep their
// lines.
func comment(descriptor protoreflect.Descriptor) string {
	location := descriptor.ParentFile().SourceLocations().ByDescriptor(descriptor)
	var paragraphs []string
	for paragraph := range strings.SplitSeq(strings.TrimSpace(location.LeadingComments), "\n\n") {
		var text strings.Builder
		for line := range strings.Lines(paragraph) {
			line = strings.TrimSpace(line)
			if strings.HasPrefix(line, "- ") {
				text.WriteString("\n")
			} else if text.Len() > 0 {
				text.WriteString(" ")
			}
			text.WriteString(line)
		}
		paragraphs = append(paragraphs, strings.TrimSpace(text.String()))
	}
	return strings.Join(paragraphs, "\n\n")
}

// firstSentence returns the first sentence of a comment, without its period.
func firstSentence(text string) string {
	text, _, _ = strings.Cut(text, "\n")
	text, _, _ = strings.Cut(text, ". ")
	return strings.TrimSuffix(text, ".")
}

// sentences joins the sentences that are not empty.
func sentences(parts ...string) string {
	var text []string
	for _, part := range parts {
		if part != "" {
			text = append(text, part)
		}
	}
	return strings.Join(text, " ")
}
