package lake

import (
	"strings"
)

// How a folder divides what lies in it.
type division int

const (
	plain division = iota
	hive           // key=value
	year
	month
	day
	hour
	dated // a whole date or month in one name
	hashed
)

// divisionOf tells whether a folder is a part of what its parent holds. A month
// counts below a year only, a day below a month, an hour below a day.
func divisionOf(name string, above division) division {
	if key, _, is := strings.Cut(name, "="); is && isKey(key) {
		return hive
	}
	switch {
	case len(name) == 4 && isYear(name):
		return year
	case len(name) == 2 && isBetween(name, 1, 12) && above == year:
		return month
	case len(name) == 2 && isBetween(name, 1, 31) && above == month:
		return day
	case len(name) == 2 && isBetween(name, 0, 23) && (above == day || above == dated):
		return hour
	case name == "":
		return plain
	case dateLength(name) == len(name):
		return dated
	case isHash(name), above == hashed && len(name) >= 2 && len(name) <= 8 && strings.Trim(name, "01") == "":
		return hashed
	}
	return plain
}

func isKey(name string) bool {
	for i, r := range name {
		letter := r == '_' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r > 127
		inner := r >= '0' && r <= '9' || r == '-' || r == '.' || r == ' '
		if !letter && (i == 0 || !inner) {
			return false
		}
	}
	return name != ""
}

func isYear(s string) bool {
	return len(s) >= 4 && (s[:2] == "19" || s[:2] == "20") && areDigits(s[2:4])
}

func areDigits(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }

func isBetween(s string, low, high int) bool {
	if len(s) < 2 || !areDigits(s[:2]) {
		return false
	}
	n := int(s[0]-'0')*10 + int(s[1]-'0')
	return n >= low && n <= high
}

// dateLength is how much of the beginning is a date, with its time if one
// follows: 2024-01-31, 2024_01, 20240131, 20240131T0600, 2024-01-31-06.
func dateLength(s string) int {
	if !isYear(s) || len(s) < 6 {
		return 0
	}
	n, sep := 4, byte(0)
	if strings.IndexByte("-_.", s[4]) >= 0 {
		sep, n = s[4], 5
	}
	if !isBetween(s[n:], 1, 12) {
		return 0
	}
	n += 2
	after := n
	if sep != 0 && n < len(s) && s[n] == sep {
		n++
	}
	switch {
	case isBetween(s[n:], 1, 31):
		return n + 2 + timeLength(s[n+2:])
	case sep == 0:
		return 0 // six digits might be anything
	case after < len(s) && isDigit(s[after]):
		return 0
	}
	return after
}

// timeLength is how much of what follows a date is a time.
func timeLength(s string) int {
	n := 0
	if n < len(s) && strings.IndexByte("T-_. ", s[n]) >= 0 {
		n++
	}
	if !isBetween(s[n:], 0, 23) {
		return 0
	}
	n += 2
	for range 2 { // minutes and seconds
		m := n
		if m < len(s) && strings.IndexByte("-_.:", s[m]) >= 0 {
			m++
		}
		if !isBetween(s[m:], 0, 59) {
			break
		}
		n = m + 2
	}
	if n < len(s) && s[n] == 'Z' {
		n++
	}
	if n < len(s) && isDigit(s[n]) {
		return 0
	}
	return n
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func isHex(c byte) bool { return isDigit(c) || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F' }

// isHash tells names that only a program gives: UUIDs, hexadecimal digits.
func isHash(name string) bool {
	if len(name) == 36 && uuidLength(name) == 36 {
		return true
	}
	return hexLength(name) == len(name)
}

func uuidLength(s string) int {
	if len(s) < 36 {
		return 0
	}
	for i := range 36 {
		if dash := i == 8 || i == 13 || i == 18 || i == 23; dash != (s[i] == '-') || !dash && !isHex(s[i]) {
			return 0
		}
	}
	return 36
}

// hexLength is how much of the beginning is a hash: eight or more hexadecimal
// digits, numbers and letters among them.
func hexLength(s string) int {
	n, digits := 0, 0
	for n < len(s) && isHex(s[n]) {
		if isDigit(s[n]) {
			digits++
		}
		n++
	}
	if n < 8 || digits == 0 || digits == n || n < len(s) && isWord(s[n]) {
		return 0
	}
	return n
}

func isWord(c byte) bool {
	return isDigit(c) || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c > 127
}

// programWords are those of which programs make names of files beside numbers.
var programWords = []string{"part", "data", "file", "chunk", "batch", "out", "output", "split", "block", "segment", "c", "m", "r", "s", "snap", "shard", "of", "attempt", "tmp", "rows", "run"}

// patternOf puts a star in the place of what differs between the files of one
// dataset: dates, counters with zeros in front or of six digits and more, UUIDs
// and hashes. Whether the name is one that programs give, such as part-00000,
// is told too: it says nothing but that the file belongs to its folder. The name
// alone decides, so that a second file never renames the first.
func patternOf(stem string) (pattern string, program bool) {
	var b strings.Builder
	starred, words := false, true
	for i := 0; i < len(stem); {
		if i == 0 || !isWord(stem[i-1]) || isDigit(stem[i]) && !isDigit(stem[i-1]) {
			if n := variableLength(stem[i:], i == 0 || !isWord(stem[i-1])); n > 0 {
				b.WriteByte('*')
				starred, i = true, i+n
				continue
			}
		}
		word := wordLength(stem[i:])
		if word == 0 {
			b.WriteByte(stem[i])
			i++
			continue
		}
		words = words && isProgramWord(stem[i:i+word])
		b.WriteString(stem[i : i+word])
		i += word
	}
	if !starred {
		return stem, isHiveFile(stem) || isPartFile(stem)
	}
	return mergeStars(b.String()), words
}

// wordLength is the length of the letters at the beginning, or of the digits.
func wordLength(s string) int {
	n := 0
	for n < len(s) && isWord(s[n]) && isDigit(s[n]) == isDigit(s[0]) {
		n++
	}
	return n
}

func isProgramWord(word string) bool {
	if areDigits(word) {
		return true
	}
	for _, known := range programWords {
		if strings.EqualFold(word, known) {
			return true
		}
	}
	return false
}

// variableLength is how much of the beginning differs from file to file.
func variableLength(s string, alone bool) int {
	if alone {
		if n := uuidLength(s); n > 0 {
			return n
		}
		if n := dateLength(s); n > 0 && (n == len(s) || !isWord(s[n])) {
			return n
		}
		if n := hexLength(s); n > 0 {
			return n
		}
		if n := tokenLength(s); n > 0 {
			return n
		}
	}
	n := 0
	for n < len(s) && isDigit(s[n]) {
		n++
	}
	switch {
	case n >= 6, n >= 3 && s[0] == '0', n == 4 && alone && isYear(s):
		return n
	}
	return 0
}

// tokenLength is of a long word of letters and digits mixed, as no person writes.
func tokenLength(s string) int {
	n, changes := 0, 0
	for n < len(s) && isWord(s[n]) && s[n] < 128 {
		if n > 0 && isDigit(s[n]) != isDigit(s[n-1]) {
			changes++
		}
		n++
	}
	if n >= 16 && changes >= 3 {
		return n
	}
	return 0
}

// isHiveFile knows the names that Hive gives: 000000_0.
func isHiveFile(stem string) bool {
	a, b, ok := strings.Cut(stem, "_")
	return ok && len(a) >= 6 && areDigits(a) && areDigits(b)
}

// isPartFile knows part-1 and part-m-2, whose counters have no zeros in front.
func isPartFile(stem string) bool {
	rest, ok := strings.CutPrefix(stem, "part-")
	rest = strings.TrimPrefix(strings.TrimPrefix(rest, "m-"), "r-")
	return ok && areDigits(rest)
}

// isPart tells the names that writers give to files of data without a format:
// what else has no format in its name is no data, as far as anyone can tell.
func isPart(stem string) bool {
	return strings.HasPrefix(stem, "part-") || strings.Contains(stem, "-part-") || isHiveFile(stem)
}

// mergeStars makes one star of several with nothing but punctuation between.
func mergeStars(pattern string) string {
	pieces := strings.Split(pattern, "*")
	last := len(pieces) - 1
	merged := pieces[:1]
	for i, piece := range pieces[1:] {
		if i+1 == last || hasWord(piece) {
			merged = append(merged, piece)
		}
	}
	return strings.Join(merged, "*")
}

func hasWord(s string) bool {
	for i := range len(s) {
		if isWord(s[i]) {
			return true
		}
	}
	return false
}

// isHidden tells what readers of tables pass over, by Hive's rule.
func isHidden(name string) bool {
	return name != "" && (name[0] == '_' || name[0] == '.') || strings.HasSuffix(name, "_$folder$") || strings.HasSuffix(name, ".crc")
}

func lastPart(key string) string { return key[strings.LastIndexByte(key, '/')+1:] }
