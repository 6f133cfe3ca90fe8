// Package suggest finds the known word that a mistyped one probably means.
package suggest

import "strings"

// maxDistance is how many bytes a word may differ from the one that is meant.
const maxDistance = 2

// Nearest returns the known word that an unknown one probably means, or "". It ignores the case.
func Nearest(unknown string, known []string) string {
	best, least := "", maxDistance+1
	unknown = strings.ToLower(unknown)
	for _, word := range known {
		if max(len(word)-len(unknown), len(unknown)-len(word)) >= least {
			continue
		}
		if n := distance(unknown, strings.ToLower(word)); n < least && n < len(word) {
			best, least = word, n
		}
	}
	return best
}

// minBeginning is how many bytes two words must have in common at their beginning. It must be half
// of each word, too.
const minBeginning = 3

// NearestOrAlike is Nearest. If no word is near, it returns the word with the longest common
// beginning: FAILED means FAILURE. It returns "" if two words have the same.
func NearestOrAlike(unknown string, known []string) string {
	if word := Nearest(unknown, known); word != "" {
		return word
	}
	best, longest, twice := "", minBeginning-1, false
	unknown = strings.ToLower(unknown)
	for _, word := range known {
		switch n := beginning(unknown, strings.ToLower(word)); {
		case 2*n < max(len(unknown), len(word)):
		case n > longest:
			best, longest, twice = word, n, false
		case n == longest:
			twice = true
		}
	}
	if twice {
		return ""
	}
	return best
}

// beginning returns how many bytes a and b have in common at their beginning.
func beginning(a, b string) int {
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return i
		}
	}
	return min(len(a), len(b))
}

// distance returns the Levenshtein distance: the fewest single-byte insertions, deletions and
// replacements between a and b.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, diagonal+1)
		}
	}
	return row[len(b)]
}
