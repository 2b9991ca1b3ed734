package catalog

import (
	"crypto/sha256"
	"encoding/json"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/text/unicode/norm"

	"github.com/souk-mesh/souk/graph/model"
)

// maxName bounds a namespace and a name; the longest that a platform gives out
// are the keys of object stores.
const maxName = 2048

// flaw is what is wrong with a name, by the code of its note.
type flaw string

const (
	flawless    flaw = ""
	redacted    flaw = "catalog.secret_removed" // the name is used without its credentials
	hostUnknown flaw = "catalog.unknown_host"   // the name is used for this source alone
	holdsSecret flaw = "catalog.secret_in_name" // the name is refused
	badName     flaw = "catalog.bad_name"       // the name is refused
)

func (f flaw) refuses() bool { return f == holdsSecret || f == badName }

// secretShape finds credentials that ended up in a name: a key with a
// value, or the password part of an address. A table that is merely called
// password_resets has neither.
var secretShape = regexp.MustCompile(`(?i)(password|passwd|pwd|secret|api_?key|token)["']?\s*[=:]|:[^@/\s:]+@`)

// unknownHost stands before the source in a namespace that only it means.
const unknownHost = "://unknown-host."

// canonical gives the OpenLineage name that an asset is known by. A namespace
// whose host its client did not know is good for this source only, so that
// two strangers never meet there.
func canonical(source model.ID, ref Ref) (Ref, flaw) {
	namespace, f := normalise(strings.TrimSpace(ref.Namespace))
	if f.refuses() {
		return Ref{}, f
	}
	if f == hostUnknown {
		namespace = platformName(namespace) + unknownHost + string(source)
	}
	ref = Ref{Namespace: norm.NFC.String(namespace), Name: norm.NFC.String(ref.Name)}
	if worse := flawIn(ref.Namespace, ref.Name); worse != flawless {
		return ref, worse
	}
	return ref, f
}

// flawIn looks for what no name may hold.
func flawIn(parts ...string) flaw {
	for _, s := range parts {
		switch {
		case secretShape.MatchString(s), strings.HasPrefix(s, "{"), strings.HasPrefix(s, "[") && json.Valid([]byte(s)):
			return holdsSecret
		case strings.TrimSpace(s) == "", len(s) > maxName, strings.ContainsRune(s, 0):
			return badName
		}
	}
	return flawless
}

// normalise writes a namespace the one way that all its spellings share.
func normalise(namespace string) (string, flaw) {
	scheme, rest, found := strings.Cut(namespace, "://")
	if !found {
		return namespace, flawless // bigquery, file, arn:aws:glue:...
	}
	scheme = strings.ToLower(scheme)
	if usual, ok := schemes[scheme]; ok {
		scheme = usual
	}
	if i := strings.IndexAny(rest, "?#"); i >= 0 {
		rest = rest[:i]
	}
	authority, path, _ := strings.Cut(rest, "/")
	authority, f := withoutUser(authority, platformOf(scheme).server)
	if platformOf(scheme).server {
		var worse flaw
		if authority, worse = normaliseHosts(authority, scheme); worse != flawless {
			return scheme + "://", worse
		}
		if strings.Contains(path, "@") {
			return scheme + "://", holdsSecret // a password with a slash in it
		}
	}
	rest = authority + "/" + path
	rest = strings.TrimRight(rest, "/")
	if scheme == "file" && rest == "" {
		return "file", f
	}
	return scheme + "://" + rest, f
}

// withoutUser drops user:password@. An object store's container@account has no
// password and stays; a server's user is no part of its name either way.
func withoutUser(authority string, server bool) (string, flaw) {
	at := strings.LastIndex(authority, "@")
	switch {
	case at < 0:
		return authority, flawless
	case strings.Contains(authority[:at], ":"):
		return authority[at+1:], redacted
	case server:
		return authority[at+1:], flawless
	}
	return authority, flawless
}

var digits = regexp.MustCompile(`^\d*$`)

// normaliseHosts writes a list of hosts in lower case, each with its port, in order.
func normaliseHosts(list, scheme string) (string, flaw) {
	known, hosts := platforms[scheme], strings.Split(strings.ToLower(list), ",")
	for i, h := range hosts {
		host, port := splitPort(strings.TrimSpace(h))
		if host == "" || host == "none" || host == "null" {
			return "", hostUnknown
		}
		if port == "" || port == "none" || port == "null" {
			port = known.port
		}
		if known.server && !digits.MatchString(port) {
			return "", holdsSecret // the front half of user:password, cut off by a sign in the password
		}
		if hosts[i] = host; port != "" {
			hosts[i] = host + ":" + port
		}
	}
	slices.Sort(hosts)
	return strings.Join(slices.Compact(hosts), ","), flawless
}

// splitPort cuts host:port; an IPv6 address keeps its brackets.
func splitPort(h string) (host, port string) {
	i := strings.LastIndex(h, ":")
	if i < 0 || strings.HasSuffix(h, "]") {
		return h, ""
	}
	return h[:i], h[i+1:]
}

// aliasID makes the id of an alias of what it says, so that the primary key
// keeps two assets from going by one name.
func aliasID(n Name) model.ID {
	return derivedID(model.PrefixAlias, string(n.Scheme), n.Namespace, n.Name)
}

// ruleID makes the id of a quality rule of the source's own name for it.
func ruleID(source model.ID, scope, key string) model.ID {
	return derivedID(model.PrefixQuality, string(source), scope, key)
}

func derivedID(p model.Prefix, parts ...string) model.ID {
	sum := sha256.Sum256([]byte(norm.NFC.String(strings.Join(parts, "\x00"))))
	return model.SumID(p, sum[:20])
}

func openLineage(ref Ref) Name {
	return Name{Scheme: model.SchemeOpenLineage, Namespace: ref.Namespace, Name: ref.Name}
}
