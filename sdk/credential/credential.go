// Package credential finds what looks like a password, a token or a key in a
// text that people wrote. It owns the shapes; it knows no secret's value, and
// refuses to guess: a word such as password is no credential, and neither is a
// placeholder in an example.
package credential

import (
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// Mark stands in the place of what was struck out.
const Mark = "[secret]"

// shape is one form of credentials. Group 1, where there is one, is the secret
// part, and the rest stays.
type shape struct {
	pattern *regexp.Regexp
	hints   []string // a text without any of them, in small letters, holds none of this form
	judge   func(secret string) bool
}

// Finder finds credentials. It is made once and may be used by many at a time.
type Finder struct{ shapes []shape }

// New makes a finder.
func New() *Finder {
	always := func(string) bool { return true }
	plain := func(hint, pattern string) shape {
		return shape{regexp.MustCompile(pattern), strings.Split(hint, " or "), always}
	}
	return &Finder{shapes: []shape{
		plain("private key-----", `-----BEGIN [A-Z ]*PRIVATE KEY-----(?s:.*?)(?:-----END [A-Z ]*PRIVATE KEY-----|$)`),
		plain("souk_", `\bsouk_[0-9A-Za-z]{20,}\b`),
		plain("akia or asia", `\b(?:AKIA|ASIA)[0-9A-Z]{16}\b`),
		plain("gh", `\bgh[pousr]_[A-Za-z0-9]{36,}\b|\bgithub_pat_[A-Za-z0-9_]{22,}\b`),
		plain("glpat-", `\bglpat-[A-Za-z0-9_-]{20,}`),
		plain("xox", `\bxox[abeprs]-[A-Za-z0-9-]{10,}`),
		plain("_live_", `\b[sr]k_live_[0-9A-Za-z]{16,}\b`),
		plain("aiza", `\bAIza[A-Za-z0-9_-]{35}\b`),
		plain("dapi", `\bdapi[0-9a-f]{32}\b`),
		plain("eyj", `\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}`),
		{regexp.MustCompile(`\bsk-(?:[a-z]+-)?([A-Za-z0-9_-]{20,})`), []string{"sk-"}, random},
		{regexp.MustCompile(`(?i)\baccountkey=([A-Za-z0-9+/]{40,}={0,2})`), []string{"accountkey"}, always},
		{regexp.MustCompile(`[A-Za-z][A-Za-z0-9+.-]*://[^/\s:@"'<>]*:([^/\s@"'<>]+)@[A-Za-z0-9\[%_.-]`), []string{"://"}, password},
		{regexp.MustCompile(`(?:(?:\b|_)(?i:pass(?:word|wd|phrase)?|pwd|secret|token|(?:api|access|private|secret|account)[_-]?key|client[_-]?secret)|Password|Passwd|Secret|Token|ApiKey|AccessKey)["']?\s*(?:=|:|=>|\b(?i:is)\b)\s*["'` + "`" + `]?([^\s"'` + "`" + `,;&<>(){}\[\]|]{6,128})`), []string{"pass", "pwd", "secret", "token", "key"}, value},
	}}
}

// Found reports whether the text holds what looks like a credential.
func (f *Finder) Found(text string) bool { return f.Redact(text) != text }

// Redact gives the text without what looks like a credential.
func (f *Finder) Redact(text string) string {
	if len(text) < 12 {
		return text
	}
	small := strings.ReplaceAll(strings.ToLower(text), "\u017f", "s") // as patterns without case take it
	for _, s := range f.shapes {
		if slices.ContainsFunc(s.hints, func(hint string) bool { return strings.Contains(small, hint) }) {
			text = s.redact(text)
		}
	}
	return text
}

func (s shape) redact(text string) string {
	var out strings.Builder
	from := 0
	for _, m := range s.pattern.FindAllStringSubmatchIndex(text, -1) {
		begin, end := m[0], m[1]
		if len(m) > 2 && m[2] >= 0 {
			begin, end = m[2], m[3]
		}
		if !s.judge(text[begin:end]) {
			continue
		}
		out.WriteString(text[from:begin])
		out.WriteString(Mark)
		from = end
	}
	if from == 0 {
		return text
	}
	out.WriteString(text[from:])
	return out.String()
}

// password judges what stands as the password of an address.
func password(secret string) bool { return !placeholder(secret) }

// value judges what stands behind a word such as password: a person's sentence
// goes on in words, and a credential mixes letters with digits or signs.
func value(secret string) bool {
	if placeholder(secret) || len(secret) < 6 {
		return false
	}
	letters, digits, signs := kinds(secret)
	switch {
	case letters == 0: // a number, a date, a version
		return false
	case digits == 0 && (signs == 0 || strings.Trim(secret, "-_./:") != secret || onlyJoined(secret)):
		return false // a word, a path, a dotted or a joined name
	case strings.ContainsAny(secret, "./") && !strings.ContainsAny(secret, "!$%^*+=~?#"):
		return random(strings.NewReplacer(".", "", "/", "").Replace(secret))
	case digits > 0 && signs == 0 || onlyJoined(secret):
		return digits >= 2 && random(secret)
	}
	return true
}

// onlyJoined tells a name such as user_id or max-length-2.
func onlyJoined(secret string) bool {
	return !strings.ContainsFunc(secret, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '_' && r != '-' && r != '.' && r != ':' && r != '/'
	})
}

// random tells letters and digits that are mixed from a name with a number at
// its end: in a secret they change places often.
func random(secret string) bool {
	changes := 0
	for i := 1; i < len(secret); i++ {
		if class(secret[i]) != class(secret[i-1]) {
			changes++
		}
	}
	return changes >= 4 || changes >= 2 && len(secret) <= 12
}

func class(b byte) int {
	switch {
	case b >= '0' && b <= '9':
		return 1
	case b >= 'A' && b <= 'Z':
		return 2
	case b >= 'a' && b <= 'z':
		return 3
	}
	return 4
}

func kinds(secret string) (letters, digits, signs int) {
	for _, r := range secret {
		switch {
		case unicode.IsLetter(r):
			letters++
		case unicode.IsDigit(r):
			digits++
		default:
			signs++
		}
	}
	return letters, digits, signs
}

// placeholder tells what an example shows in the place of a secret.
func placeholder(secret string) bool {
	small := strings.ToLower(secret)
	switch {
	case strings.ContainsAny(secret, "{}<>*…") || strings.HasPrefix(secret, "$") || strings.HasPrefix(secret, "%") || strings.HasPrefix(secret, "["):
		return true
	case strings.Trim(small, "x.-_#") == "":
		return true
	case strings.HasPrefix(small, "env:"), strings.HasPrefix(small, "file:"), strings.HasPrefix(small, "env_var"), strings.Contains(small, "://"):
		return true
	}
	words := []string{"password", "passwd", "pass", "pwd", "secret", "token", "redacted", "changeme", "example", "your", "my", "placeholder", "null", "none", "true", "false", "string", "xxx"}
	return slices.ContainsFunc(words, func(w string) bool { return small == w }) ||
		strings.HasPrefix(small, "your") || strings.HasPrefix(small, "example") || strings.HasPrefix(small, "redacted")
}
