package console

import (
	"fmt"
	"html/template"
	"net/url"
	"strings"
	"time"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/console/query"
)

// vocabulary is what templates say things with: nobody has to read a word of the API.
func vocabulary() template.FuncMap {
	return template.FuncMap{
		"day":      func(t time.Time) string { return t.UTC().Format("2 January 2006") },
		"moment":   func(t time.Time) string { return t.UTC().Format("2 January 2006, 15:04 UTC") },
		"machine":  func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
		"span":     span,
		"lower":    lower,
		"sentence": sentence,
		"role":     role,
		"product": func(domain, name string) string {
			return "/products/" + url.PathEscape(domain) + "/" + url.PathEscape(name)
		},
		"domain":  func(name string) string { return "/domains/" + url.PathEscape(name) },
		"access":  access,
		"status":  standing,
		"initial": initial,
		"first":   clip,
		"kind":    kind,
	}
}

// lower writes a word of a closed list as a sentence has it.
func lower(word any) string {
	return strings.ToLower(strings.ReplaceAll(fmt.Sprint(word), "_", " "))
}

// span writes an ISO 8601 duration in days and hours.
func span(iso string) string {
	d, err := model.ParseDuration("", iso)
	if err != nil {
		return iso
	}
	days, hours := int(d/(24*time.Hour)), int(d%(24*time.Hour)/time.Hour)
	switch {
	case days > 0 && hours > 0:
		return plural(days, "day") + " and " + plural(hours, "hour")
	case days > 0:
		return plural(days, "day")
	default:
		return plural(hours, "hour")
	}
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// role names a role whose vote is wanted.
func role(word, domain string) string {
	name := lower(word)
	if domain != "" {
		name += " of " + domain
	}
	return name
}

// badge is a word with what it means for the person, which the style colours.
type badge struct{ Kind, Text string }

// access says what a person may do about a product.
func access(read, request query.Outcome, asked int) badge {
	switch {
	case read == query.OutcomeAllow:
		return badge{"good", "You may read it"}
	case asked > 0:
		return badge{"ask", "You have asked"}
	case request == query.OutcomeAllow || request == query.OutcomeNeedsApproval:
		return badge{"ask", "Ask for access"}
	}
	return badge{"closed", "Closed to you"}
}

// standing says how a request or a grant stands.
func standing(word any) badge {
	switch fmt.Sprint(word) {
	case "PENDING", "NEEDS_APPROVAL":
		return badge{"ask", "waiting"}
	case "APPROVED", "ACTIVE", "PUBLISHED":
		return badge{"good", lower(word)}
	case "DENIED", "RETIRED", "REVOKED":
		return badge{"closed", lower(word)}
	}
	return badge{"quiet", lower(word)}
}

// initial is the letter that stands for a person.
func initial(name string) string {
	for _, r := range name {
		return strings.ToUpper(string(r))
	}
	return "?"
}

// clip cuts a text to its beginning, at a word.
func clip(n int, text string) string {
	letters := []rune(text)
	if len(letters) <= n {
		return text
	}
	cut := string(letters[:n])
	if at := strings.LastIndexByte(cut, ' '); at > n/2 {
		cut = cut[:at]
	}
	return cut + "…"
}

// kind names the type of what a search found.
func kind(found interface{ GetTypename() *string }) string {
	if name := found.GetTypename(); name != nil {
		return *name
	}
	return ""
}
