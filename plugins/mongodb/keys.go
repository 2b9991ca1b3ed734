package mongodb

import "strings"

// isData tells whether a key looks like a value: a number, a date, an address,
// an identifier of a program. Such a key is never told.
func isData(key string) bool {
	return key != "" && (isNumber(key) || strings.Contains(key, "@") || isIdentifier(key) || isDate(key))
}

func isNumber(key string) bool {
	digits := 0
	for i := range len(key) {
		switch c := key[i]; {
		case c >= '0' && c <= '9':
			digits++
		case c == '-' || c == '+' || c == '.' || c == ' ' || c == '(' || c == ')':
		default:
			return false
		}
	}
	return digits > 0
}

// isIdentifier tells an ObjectId, a UUID or a hash.
func isIdentifier(key string) bool {
	digits, hex := 0, 0
	for i := range len(key) {
		switch c := key[i]; {
		case c >= '0' && c <= '9':
			digits, hex = digits+1, hex+1
		case c >= 'a' && c <= 'f', c >= 'A' && c <= 'F':
			hex++
		case c == '-':
		default:
			return false
		}
	}
	return hex >= 24 && digits > 0
}

// isDate tells what begins like 2026-11-30 or 2026-11.
func isDate(key string) bool {
	if len(key) < 7 {
		return false
	}
	for i, c := range []byte(key[:7]) {
		if (i == 4) != (c == '-' || c == '_' || c == '/') || i != 4 && (c < '0' || c > '9') {
			return false
		}
	}
	return true
}
