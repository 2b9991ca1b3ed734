package policies

import (
	"bufio"
	"cmp"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/souk-mesh/souk/graph/model"
)

//go:embed all:templates
var templates embed.FS

// Template is a set of rules for people who write none: it says who reads, and
// asks for what it cannot know.
type Template struct {
	Name     string
	Summary  string
	Settings []Setting
}

// Setting is something that a template asks for.
type Setting struct {
	Name    string
	Kind    string // text, list, teams, number, moment, classification or mask
	Default string // "" has to be given
	Meaning string
}

// The folders of the tree, and what the templates are called in it.
const (
	templateFolder = "templates"
	templateEnding = ".rego.tmpl"
)

// Templates lists the templates by name.
func Templates() []Template {
	files, _ := fs.Glob(templates, path.Join(templateFolder, "*"+templateEnding)) // the pattern is well formed
	var all []Template
	for _, file := range files {
		name := strings.TrimSuffix(path.Base(file), templateEnding)
		if !strings.HasSuffix(name, "_test") {
			all = append(all, readTemplate(name, read(templates, file)))
		}
	}
	return all
}

// settingShape is a line such as
//
//	#: set days (number) = 90: the longest grant, in days
var settingShape = regexp.MustCompile(`^#: set ([a-z_]+) \(([a-z]+)\)(?: = ([^:]+))?: (.+)$`)

func readTemplate(name, text string) Template {
	t := Template{Name: name}
	lines := bufio.NewScanner(strings.NewReader(text))
	for lines.Scan() && strings.HasPrefix(lines.Text(), "#: ") {
		if s := settingShape.FindStringSubmatch(lines.Text()); s != nil {
			t.Settings = append(t.Settings, Setting{Name: s[1], Kind: s[2], Default: s[3], Meaning: s[4]})
			continue
		}
		t.Summary = strings.TrimSpace(t.Summary + " " + strings.TrimPrefix(lines.Text(), "#: "))
	}
	return t
}

// Start gives the files of a package for the domain, by their paths: the rules
// of the template with their tests, and beside them what every domain needs to
// go on working (who publishes, who looks around, who approves). The error
// names the setting that does not fit.
func (t Template) Start(domain string, values map[string]string) (map[string]string, error) {
	literals, err := t.literals(values)
	if err != nil {
		return nil, err
	}
	literals["domain"] = domain
	files := t.base(domain)
	for _, ending := range []string{"", "_test"} {
		text := read(templates, path.Join(templateFolder, t.Name+ending+templateEnding))
		files[path.Join("domains", domain, t.Name+ending+".rego")] = t.fill(text, literals)
	}
	return files, nil
}

var placeholder = regexp.MustCompile(`<<([a-z_]+)>>`)

// fill drops the header and puts the values in. It puts in nothing that is not
// a literal of Rego, so a value cannot become a rule.
func (t Template) fill(text string, literals map[string]string) string {
	for strings.HasPrefix(text, "#: ") {
		_, text, _ = strings.Cut(text, "\n")
	}
	return placeholder.ReplaceAllStringFunc(text, func(p string) string { return literals[strings.Trim(p, "<>")] })
}

// literals turns the values into Rego, and the defaults of those not given.
func (t Template) literals(values map[string]string) (map[string]string, error) {
	var faults []error
	literals := map[string]string{}
	for _, s := range t.Settings {
		value, given := values[s.Name]
		if !given {
			value = s.Default
		}
		literal, err := s.literal(strings.TrimSpace(value))
		if err != nil {
			faults = append(faults, fmt.Errorf("%s (%s): %w", s.Name, s.Meaning, err))
		}
		literals[s.Name] = literal
	}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if !slices.ContainsFunc(t.Settings, func(s Setting) bool { return s.Name == name }) {
			faults = append(faults, fmt.Errorf("%s: the template %s has no such setting%s", name, t.Name, meant(name, t.names())))
		}
	}
	return literals, errors.Join(faults...)
}

func (t Template) names() []string {
	names := make([]string, len(t.Settings))
	for i, s := range t.Settings {
		names[i] = s.Name
	}
	return names
}

// meant adds to an error the word that was probably meant.
func meant(word string, words []string) string {
	if hint := model.DidYouMean(word, words); hint != "" {
		return "; " + hint
	}
	return ""
}

func (s Setting) literal(value string) (string, error) {
	if value == "" {
		return "", errors.New("has to be given")
	}
	switch s.Kind {
	case "list":
		return list(value)
	case "teams":
		return teams(value)
	case "number":
		n, err := strconv.Atoi(value)
		if err != nil || n < 1 || n > 36500 {
			return "", fmt.Errorf("%q is no whole number from 1 to 36500", value)
		}
		return strconv.Itoa(n), nil
	case "moment":
		return moment(value)
	case "classification":
		return oneOf(strings.ToUpper(value), "PUBLIC", "INTERNAL", "CONFIDENTIAL", "RESTRICTED")
	case "mask":
		return oneOf(strings.ToLower(value), "null", "hash", "partial")
	}
	return quote(value), nil
}

func list(value string) (string, error) {
	var items []string
	for item := range strings.SplitSeq(value, ",") {
		item = strings.TrimSpace(item)
		if item == "" {
			return "", errors.New("an item of the list is empty")
		}
		if quoted := quote(item); !slices.Contains(items, quoted) {
			items = append(items, quoted)
		}
	}
	return "[" + strings.Join(items, ", ") + "]", nil
}

// teamName is how policies see a team; a name without its domain would be
// nobody's, and the rule would never fire.
var teamName = regexp.MustCompile(`^[a-z][a-z0-9_]{1,40}/[a-z][a-z0-9_]{1,40}$`)

func teams(value string) (string, error) {
	for item := range strings.SplitSeq(value, ",") {
		if item = strings.TrimSpace(item); item != "" && !teamName.MatchString(item) {
			return "", fmt.Errorf("%q is no team: write it with its domain, such as sales/%s", item, cmp.Or(strings.Trim(path.Base(item), "/."), "desk"))
		}
	}
	return list(value)
}

// moment writes a day or a time as the input of policies does.
func moment(value string) (string, error) {
	for _, layout := range []string{time.DateOnly, time.RFC3339Nano} {
		if at, err := time.Parse(layout, value); err == nil {
			return quote(at.UTC().Format("2006-01-02T15:04:05.000Z")), nil
		}
	}
	return "", fmt.Errorf("%q is neither a day such as 2026-12-31 nor a moment such as 2026-12-31T18:00:00Z", value)
}

func oneOf(value string, words ...string) (string, error) {
	if slices.Contains(words, value) {
		return quote(value), nil
	}
	near := model.Nearest(value, words)
	if near == "" {
		return "", fmt.Errorf("%q is none of %s", value, strings.Join(words, ", "))
	}
	return "", fmt.Errorf("%q is none of %s; did you mean %s?", value, strings.Join(words, ", "), near)
}

// quote writes text as Rego does, which is as JSON does.
func quote(text string) string {
	quoted, _ := json.Marshal(text) // text always has a JSON form
	return string(quoted)
}

// base takes what every domain needs from the template that it lives by until
// it writes its own: all but the rules of reading.
func (t Template) base(domain string) map[string]string {
	files := map[string]string{}
	entries, _ := fs.ReadDir(Files, "template") // it is embedded
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), "access") {
			continue
		}
		files[path.Join("domains", domain, e.Name())] = rename(read(Files, "template/"+e.Name()), domain)
	}
	return files
}

var companyWord = regexp.MustCompile(`\b(sales|marketing|operations)\b`)

// rename makes the domain's own rules of the template's: another package, and
// in the tests a company in which the domain stands where Sales stood.
func rename(text, domain string) string {
	other := func(names ...string) string {
		return names[slices.IndexFunc(names, func(n string) bool { return n != domain })]
	}
	cast := map[string]string{"sales": domain, "marketing": other("marketing", "sales"), "operations": other("operations", "finance")}
	text = companyWord.ReplaceAllStringFunc(text, func(word string) string { return cast[word] })
	return strings.NewReplacer(
		"package souk.template", "package souk.domains."+domain,
		"import data.souk.template\n", "import data.souk.domains."+domain+" as rules\n",
		"template.", "rules.",
	).Replace(text)
}

// read gives an embedded file, which is always there.
func read(files embed.FS, name string) string {
	text, err := files.ReadFile(name)
	if err != nil {
		panic(fmt.Sprintf("policies: %v", err)) // the binary was built without its own files
	}
	return string(text)
}
