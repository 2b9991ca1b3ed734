package model

import (
	"slices"
	"strings"
)

const (
	maxNearWord = 64 // what is longer is no slip of the fingers
	maxListed   = 40 // words that a hint lists whole
)

// Nearest gives the word that was most likely meant, "" when none is close:
// small and capital letters are one, and a letter too many, too few, changed or
// swapped with its neighbour may stand between them, two in longer words and
// three in long ones. Of two that are as close the first by the alphabet wins.
func Nearest[W ~string](word string, words []W) W {
	var best W
	wrong := []rune(strings.ToLower(strings.TrimSpace(word)))
	if len(wrong) == 0 || len(wrong) > maxNearWord {
		return best
	}
	least := slips(len(wrong)) + 1
	for _, w := range slices.Sorted(slices.Values(words)) {
		right := []rune(strings.ToLower(string(w)))
		if apart := len(right) - len(wrong); len(right) > maxNearWord || apart >= least || -apart >= least {
			continue
		}
		if n := edits(wrong, right); n < least {
			best, least = w, n
		}
	}
	return best
}

// DidYouMean says what to write instead of a word that is none of those known:
// the nearest one, or all of them where they are few; "" where neither helps.
func DidYouMean[W ~string](word string, words []W) string {
	if near := Nearest(word, words); near != "" {
		return "did you mean " + string(near) + "?"
	}
	if len(words) == 0 || len(words) > maxListed {
		return ""
	}
	return "use " + OneOf(words)
}

// OneOf lists words as a sentence does: a, b or c.
func OneOf[W ~string](words []W) string {
	text := make([]string, len(words))
	for i, w := range words {
		text[i] = string(w)
	}
	last := len(text) - 1
	if last < 1 {
		return strings.Join(text, "")
	}
	return strings.Join(text[:last], ", ") + " or " + text[last]
}

// slips is how many a word of the length may have.
func slips(length int) int {
	switch {
	case length < 5:
		return 1
	case length < 9:
		return 2
	}
	return 3
}

// edits counts the letters to add, drop, change or swap with their neighbours
// from one word to the other.
func edits(a, b []rune) int {
	before, row, next := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range a {
		next[0] = i + 1
		for j := range b {
			cost := row[j]
			if a[i] != b[j] {
				cost = 1 + min(row[j], row[j+1], next[j])
			}
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				cost = min(cost, before[j-1]+1)
			}
			next[j+1] = cost
		}
		before, row, next = row, next, before
	}
	return row[len(b)]
}
