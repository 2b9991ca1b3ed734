package rest

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/souk-mesh/souk/sdk"
	"github.com/souk-mesh/souk/sdk/credential"
	"github.com/souk-mesh/souk/sdk/web"
)

// What a mapping may be.
const (
	maxMapping = 256 << 10
	maxLists   = 100
	maxPages   = 10_000
	maxItems   = 200_000 // of one list
)

// mapping is what an operator writes.
type mapping struct {
	Namespace string  `yaml:"namespace"`
	Lists     []*list `yaml:"lists"`
}

// list is a listing whose items become assets.
type list struct {
	Name   string    `yaml:"name"`
	Scope  string    `yaml:"scope"`
	Values []any     `yaml:"values"` // in place of a request
	Ask    ask       `yaml:",inline"`
	Detail *question `yaml:"detail"`
	Asset  asset     `yaml:"asset"`
}

// ask is a listing: what is asked, where the items stand, and how it pages.
type ask struct {
	Request question `yaml:"request"`
	Items   path     `yaml:"items"`
	MayLack bool     `yaml:"mayLack"`
	Page    page     `yaml:"page"`
}

// question is one request.
type question struct {
	Method  string              `yaml:"method"`
	Path    template            `yaml:"path"`
	Query   map[string]template `yaml:"query"`
	Headers map[string]string   `yaml:"headers"`
	Body    any                 `yaml:"body"`
	body    []byte
}

// page says what follows a page.
type page struct {
	By        string `yaml:"by"`
	Parameter string `yaml:"parameter"`
	At        path   `yaml:"at"`    // where the cursor or the link stands
	Total     path   `yaml:"total"` // where the number of all items stands
	next      web.Next
}

// asset says how an item becomes an asset.
type asset struct {
	Name        template            `yaml:"name"`
	ShortName   template            `yaml:"shortName"`
	Kind        template            `yaml:"kind"`
	Description template            `yaml:"description"`
	Owners      []template          `yaml:"owners"`
	Tags        []template          `yaml:"tags"`
	Properties  map[string]template `yaml:"properties"`
	Rows        template            `yaml:"rows"`
	StableID    template            `yaml:"stableId"`
	Definition  template            `yaml:"definition"`
	Language    string              `yaml:"definitionLanguage"`
	Fields      *fields             `yaml:"fields"`
	Lineage     []lineage           `yaml:"lineage"`
}

// fields says where the fields of an asset stand: in the item, or behind a
// request of its own.
type fields struct {
	In          path                `yaml:"in"`
	Ask         ask                 `yaml:",inline"`
	Name        template            `yaml:"name"`
	Type        template            `yaml:"type"`
	Description template            `yaml:"description"`
	Nullable    template            `yaml:"nullable"`
	PrimaryKey  template            `yaml:"primaryKey"`
	Default     template            `yaml:"default"`
	Tags        []template          `yaml:"tags"`
	Values      template            `yaml:"values"`
	Meta        map[string]template `yaml:"meta"`
}

// lineage names what the asset is made of, or uses.
type lineage struct {
	Kind      string   `yaml:"kind"`
	Namespace template `yaml:"namespace"`
	Name      template `yaml:"name"`
}

// path is the way to a value.
type path []string

// UnmarshalYAML reads keys with dots between them.
func (p *path) UnmarshalYAML(n *yaml.Node) error {
	keys, err := parsePath(n.Value)
	*p = keys
	return atLine(n, err)
}

// UnmarshalYAML reads a text with places.
func (t *template) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind != yaml.ScalarNode {
		return atLine(n, errors.New("a text is wanted here"))
	}
	var err error
	*t, err = parseTemplate(n.Value)
	return atLine(n, err)
}

func atLine(n *yaml.Node, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("line %d: %w", n.Line, err)
}

func (t template) empty() bool { return len(t.parts) == 0 }

// parse reads a mapping, or says the first thing that is wrong with it.
func parse(text string) (*mapping, error) {
	wrong := func(message, fix string) error { return sdk.Config("mapping", message, fix) }
	switch {
	case strings.TrimSpace(text) == "":
		return nil, wrong("is empty", "write what is asked and how answers become assets; the page of the plugin has examples")
	case len(text) > maxMapping:
		return nil, wrong(fmt.Sprintf("is larger than %d KiB", maxMapping>>10), "make a source of its own of a part of it")
	case credential.New().Found(text):
		return nil, wrong("holds what looks like a password, a token or a key", "take it out, change it, and give it as the secret of the way to sign in")
	}
	m := &mapping{}
	d := yaml.NewDecoder(strings.NewReader(text))
	d.KnownFields(true)
	if err := d.Decode(m); err != nil {
		return nil, wrong("cannot be read: "+said(err), "look at that line, and at the page of the plugin")
	}
	if err := d.Decode(&mapping{}); !errors.Is(err, io.EOF) {
		return nil, wrong("has more than one document", "write one document of YAML")
	}
	if err := m.complete(); err != nil {
		return nil, wrong(err.Error(), "look at the page of the plugin, which has examples")
	}
	return m, nil
}

var typeName = regexp.MustCompile(` in type rest\.\w+`)

// said is what the reader of YAML says, in one line and without names of ours.
func said(err error) string {
	text := strings.TrimPrefix(strings.TrimPrefix(err.Error(), "yaml: "), "unmarshal errors:")
	text = typeName.ReplaceAllString(strings.Join(strings.Fields(text), " "), "")
	return text[:min(len(text), 300)]
}

func (m *mapping) complete() error {
	if len(m.Lists) == 0 || len(m.Lists) > maxLists {
		return fmt.Errorf("has %d lists; it may have 1 to %d", len(m.Lists), maxLists)
	}
	names := map[string]bool{}
	for i, l := range m.Lists {
		if l == nil || l.Name == "" || names[l.Name] {
			return fmt.Errorf("has a list without a name of its own: the list %d", i+1)
		}
		names[l.Name] = true
		if err := l.complete(); err != nil {
			return fmt.Errorf("has a mistake in the list %s: %w", l.Name, err)
		}
	}
	return nil
}

func (l *list) complete() error {
	if l.Scope == "" {
		l.Scope = l.Name
	}
	switch asks := !l.Ask.Request.Path.empty(); {
	case asks == (l.Values != nil):
		return errors.New("it needs a request, or values, and not both")
	case l.Asset.Name.empty() || l.Asset.Kind.empty():
		return errors.New("its asset needs a name and a kind")
	case asks:
		if err := l.Ask.complete(); err != nil {
			return err
		}
	}
	if l.Detail != nil {
		if err := l.Detail.complete(); err != nil {
			return err
		}
	}
	for _, edge := range l.Asset.Lineage {
		if edge.Kind != "DERIVES" && edge.Kind != "USES" || edge.Name.empty() {
			return errors.New("a lineage needs a name and the kind DERIVES or USES")
		}
	}
	return l.Asset.Fields.complete()
}

func (f *fields) complete() error {
	if f == nil {
		return nil
	}
	switch asks := !f.Ask.Request.Path.empty(); {
	case asks == (f.In != nil):
		return errors.New("its fields need a place (in), or a request, and not both")
	case f.Name.empty():
		return errors.New("its fields need a name")
	case asks:
		return f.Ask.complete()
	}
	return nil
}

func (a *ask) complete() error {
	if err := a.Request.complete(); err != nil {
		return err
	}
	p := &a.Page
	needsParameter := p.By == "cursor" || p.By == "offset" || p.By == "number"
	switch {
	case needsParameter && p.Parameter == "":
		return fmt.Errorf("paging by %s needs a parameter", p.By)
	case (p.By == "cursor" || p.By == "link") && len(p.At) == 0:
		return fmt.Errorf("paging by %s needs at, the place where it stands in an answer", p.By)
	}
	switch p.By {
	case "", "none":
	case "cursor":
		p.next = web.NextCursor(p.Parameter, p.At...)
	case "offset":
		p.next = web.NextOffset(p.Parameter, p.Total...)
	case "number":
		p.next = web.NextNumber(p.Parameter)
	case "link":
		p.next = web.NextLink(p.At...)
	case "header":
		p.next = web.NextHeader()
	default:
		return errors.New("it pages by something unknown; there are none, cursor, offset, number, link and header")
	}
	return nil
}

// ownHeaders are set by the way to sign in, and by HTTP itself.
var ownHeaders = []string{"Authorization", "Cookie", "Host", "Content-Length", "Transfer-Encoding", "Connection", "Proxy-Authorization"}

func (q *question) complete() error {
	if len(q.Path.parts) == 0 || !strings.HasPrefix(q.Path.parts[0].text, "/") {
		return errors.New("a path begins with / and lies below the address of the source; no other host can be asked")
	}
	for _, p := range q.Path.parts {
		if strings.ContainsAny(p.text, "?#") {
			return errors.New("a path has no ? and no #; write the parameters under query")
		}
	}
	for name := range q.Headers {
		if !isToken(name) || slices.Contains(ownHeaders, http.CanonicalHeaderKey(name)) {
			return errors.New("a header of a request is none, or is set by the way to sign in")
		}
	}
	switch q.Method {
	case "", http.MethodGet:
		if q.Body != nil {
			return errors.New("a GET has no body")
		}
	case http.MethodPost:
		var err error
		q.body, err = json.Marshal(q.Body)
		return err
	default:
		return errors.New("a request is a GET, or a POST that only asks")
	}
	return nil
}
