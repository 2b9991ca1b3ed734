package mysql

import (
	"cmp"
	"strings"

	"github.com/souk-mesh/souk/sdk"
)

// account is who reads: a user at a host, or a role of MariaDB, which has no host.
type account struct {
	User string
	Host string
}

func (a account) String() string {
	if a.Host == "" {
		return quote(a.User)
	}
	return quote(a.User) + "@" + quote(a.Host)
}

// parseAccount reads 'name'@'host', name@host, or a name alone, which is a role or
// a user at any host. Without quotes the last @ begins the host.
func parseAccount(text string) (a account, alone bool, err error) {
	wrong := sdk.Config("grant.role", "is no account", "write 'name'@'host', or the name of a role")
	user, rest, ok := cutName(text, strings.LastIndex(text, "@"))
	if !ok || user == "" || strings.EqualFold(user, "public") || !possible(user, 128) {
		return a, false, wrong
	}
	host, hasHost := strings.CutPrefix(rest, "@")
	if !hasHost {
		if rest != "" {
			return a, false, wrong
		}
		return account{user, ""}, true, nil
	}
	name, rest, ok := cutName(host, len(host))
	if !ok || name == "" || rest != "" || !possible(name, 255) {
		return a, false, wrong
	}
	return account{user, strings.ToLower(name)}, false, nil
}

// cutName takes a name off, which ends with its quote, or at the place.
func cutName(text string, end int) (name, rest string, ok bool) {
	if text == "" || !strings.ContainsAny(text[:1], "'`\"") {
		if end < 0 {
			end = len(text)
		}
		return text[:end], text[end:], !strings.ContainsAny(text[:end], "'`\"")
	}
	return cutQuoted(text[1:], text[:1])
}

func byAccount(a, b account) int {
	return cmp.Or(cmp.Compare(a.User, b.User), cmp.Compare(a.Host, b.Host))
}

// possible tells whether a name can be one. The server keeps names in three bytes a
// letter, and would compare others as it likes.
func possible(name string, letters int) bool {
	for _, r := range name {
		if letters--; r > 0xffff {
			return false
		}
	}
	return letters >= 0
}
