package harvest

import (
	"context"
	"fmt"
	"maps"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/catalog"
	"github.com/souk-mesh/souk/server/gate"
	"github.com/souk-mesh/souk/server/harvest/form"
	"github.com/souk-mesh/souk/server/harvest/vault"
	"github.com/souk-mesh/souk/server/store"
)

// Binding is the operator's word that the sources of a domain may show a
// secret to a host. Without one, whoever may set up a source could send any
// secret of the server to a host of their own.
type Binding struct {
	Ref    model.SecretRef // a * at the end stands for the rest
	Domain model.Slug
	Host   string // host:port; the port may be *, and * alone is every host and none
}

// anyHost in a binding lets the plugin connect where it wants.
const anyHost = "*"

// ParseBindings reads the setting secret-bindings, each REFERENCE=DOMAIN@HOST:PORT.
func ParseBindings(lines []string) ([]Binding, error) {
	var bindings []Binding
	for _, line := range lines {
		b, err := parseBinding(line)
		if err != nil {
			return nil, err
		}
		bindings = append(bindings, b)
	}
	return bindings, nil
}

func parseBinding(line string) (Binding, error) {
	bad := func(what string) error {
		return model.Invalid("secret-bindings", clip(line, 200)+": "+what, "write REFERENCE=DOMAIN@HOST:PORT, such as env:SOUK_SECRET_SHOP=sales@db.acme.example:5432")
	}
	i := strings.LastIndex(line, "=")
	if i < 0 {
		return Binding{}, bad("there is no = in it")
	}
	domain, host, found := strings.Cut(line[i+1:], "@")
	b := Binding{Ref: model.SecretRef(strings.TrimSpace(line[:i])), Domain: model.Slug(domain), Host: strings.ToLower(strings.TrimSpace(host))}
	from, name, _ := strings.Cut(string(b.Ref), ":")
	switch {
	case from+":" != vault.FromEnv && from+":" != vault.FromFile || name == "" || name == "*":
		return Binding{}, bad("the reference must begin with env: or file: and name one")
	case !found || b.Domain.Validate("domain") != nil:
		return Binding{}, bad("there is no domain in it")
	case b.Host == anyHost:
		return b, nil
	}
	if name, port, err := net.SplitHostPort(b.Host); err != nil || name == "" || port == "" {
		return Binding{}, bad("the host wants a port; * is any")
	}
	return b, nil
}

// opens reports whether the binding lets the domain show the secret to the host.
func (b Binding) opens(v vault.Vault, ref model.SecretRef, domain model.Slug, host string) bool {
	return b.Domain == domain && b.names(v, ref) && b.reaches(host)
}

func (b Binding) names(v vault.Vault, ref model.SecretRef) bool {
	if stem, open := strings.CutSuffix(string(b.Ref), "*"); open {
		return strings.HasPrefix(string(v.Plain(ref)), stem)
	}
	return v.Plain(b.Ref) == v.Plain(ref)
}

func (b Binding) reaches(host string) bool {
	if b.Host == anyHost || b.Host == host {
		return true
	}
	name, open := strings.CutSuffix(b.Host, ":*")
	other, _, err := net.SplitHostPort(host)
	return open && err == nil && strings.Trim(name, "[]") == other
}

// hostsOf lists where the plugin would connect, as its schema tells: every field
// that names an address or a host. The error names the field that hides one.
func hostsOf(f *form.Form, config []byte) ([]string, error) {
	var hosts []string
	err := f.Each(config, form.MarkHost, func(path, value string) error {
		named, err := hostsIn(value)
		if err != "" {
			return form.Wrong(path, err, "write one address, such as postgres://ROLE@HOST:5432/DATABASE, with the host before the path")
		}
		hosts = append(hosts, named...)
		return nil
	})
	slices.Sort(hosts)
	return slices.Compact(hosts), err
}

// hostWords are parameters of an address by which client libraries let
// themselves be sent elsewhere.
var hostWords = []string{"host", "hostaddr", "port", "server", "servers", "service", "servicefile", "socket", "address", "addr"}

// hostsIn takes the hosts out of an address or a plain HOST[:PORT], each with
// its port where that is known, and says what hides one.
func hostsIn(value string) (hosts []string, problem string) {
	authority, scheme := value, ""
	if strings.Contains(value, "://") {
		u, err := url.Parse(value)
		switch {
		case err != nil:
			return nil, "is no address"
		case strings.Count(value[:len(value)-len(u.RawQuery)], "@") > 1, strings.ContainsAny(value, "\\ \t\r\n"):
			return nil, "may be read as more than one host"
		}
		for key := range u.Query() {
			if slices.Contains(hostWords, strings.ToLower(key)) || strings.Contains(strings.ToLower(key), "host") {
				return nil, "names a host or port again in the parameter " + clip(key, 40)
			}
		}
		authority, scheme = u.Host, u.Scheme
	}
	for part := range strings.SplitSeq(authority, ",") {
		if part = strings.ToLower(strings.TrimSpace(part)); part == "" {
			continue
		}
		host, port, err := net.SplitHostPort(part)
		if err != nil {
			host, port = strings.Trim(part, "[]"), catalog.DefaultPort(scheme)
		}
		hosts = append(hosts, net.JoinHostPort(strings.TrimSuffix(host, "."), port))
	}
	return hosts, ""
}

// permit asks whether the source may be used as it stands: whether its files lie
// in the folders of its domain, whether the operator has bound its secrets to its domain and hosts, and whether only an
// administrator may set what it sets. Whoever set the source up answers for
// what is bound to nobody, with the rights that they have now. The decisions
// that it took are to be kept with whatever is done next.
func (s *Service) permit(ctx context.Context, in *gate.Session, p *plugin, source model.Source) ([]store.Write, error) {
	domain, err := s.gate.DomainName(ctx, source.DomainID)
	if err != nil {
		return nil, err
	}
	if err := s.enclosed(p, source, domain); err != nil {
		return nil, err
	}
	problem, err := s.reserved(p, source, domain)
	if err != nil || problem == nil {
		return nil, err
	}
	answer, err := s.vouch(ctx, in, source)
	if err != nil {
		return nil, err
	}
	if !answer.Allowed() {
		return nil, problem
	}
	return []store.Write{answer.Record}, nil
}

// Stopped is a source that does not run as the settings stand.
type Stopped struct {
	Source model.Source
	Domain model.Slug
	Why    string
	Lines  []string // of the settings, which let it run as it is; none when there are none that do
}

// Stopped lists the sources that the operator's bindings and folders stop, with
// the lines of the settings that keep each.
func (s *Service) Stopped(ctx context.Context) ([]Stopped, error) {
	var stopped []Stopped
	in := s.gate.Session()
	for source, err := range store.Sources.All(ctx, s.store, store.Query{Index: "named", Limit: store.MaxPage}) {
		if err != nil {
			return nil, err
		}
		if source.RemovedAt != nil {
			continue
		}
		p, err := s.plugins.find(ctx, source.Plugin)
		if err != nil {
			continue // that is no news of the settings
		}
		_, err = s.permit(ctx, in, p, source)
		if !model.Is(err, model.KindInvalid) {
			if err != nil {
				return nil, err
			}
			continue
		}
		domain, nameless := s.gate.DomainName(ctx, source.DomainID)
		if nameless != nil {
			return nil, nameless
		}
		stopped = append(stopped, Stopped{Source: source, Domain: domain, Why: err.Error(), Lines: s.keep(p, source, domain)})
	}
	return stopped, nil
}

// keep gives the lines of the settings that let the source run as it is.
func (s *Service) keep(p *plugin, source model.Source, domain model.Slug) []string {
	var lines []string
	_ = p.form.Each(source.Config, form.MarkPath, func(_, path string) error {
		folder, err := filepath.Abs(path)
		if err == nil && s.enclosed(p, source, domain) != nil {
			if info, err := os.Stat(folder); err != nil || !info.IsDir() {
				folder = filepath.Dir(folder)
			}
			lines = append(lines, "source-folders: ["+string(domain)+"="+folder+"]")
		}
		return nil
	})
	hosts, err := hostsOf(p.form, source.Config)
	if err != nil {
		return lines
	}
	if len(hosts) == 0 {
		hosts = []string{anyHost}
	}
	for _, field := range slices.Sorted(maps.Keys(source.Secrets)) {
		for _, host := range hosts {
			if ref := source.Secrets[field]; s.unbound(ref, domain, []string{host}) != "" {
				lines = append(lines, fmt.Sprintf("secret-bindings: [%s=%s@%s]", ref, domain, host))
			}
		}
	}
	return lines
}

// reserved tells the first thing about the source that is an administrator's
// to decide, as the error for everybody else.
func (s *Service) reserved(p *plugin, source model.Source, domain model.Slug) (*model.Error, error) {
	if err := p.form.Administered(source.Config); err != nil {
		return err, nil
	}
	if len(source.Secrets) == 0 {
		return nil, nil //nolint:nilnil // nothing is an answer here
	}
	hosts, err := hostsOf(p.form, source.Config)
	if err != nil {
		return nil, err
	}
	for _, field := range slices.Sorted(maps.Keys(source.Secrets)) {
		if missing := s.unbound(source.Secrets[field], domain, hosts); missing != "" {
			return &model.Error{
				Kind: model.KindInvalid, Code: codeUnbound, Field: "secrets." + field,
				Message: "the secret is not bound to this domain and " + missing,
				Hint: fmt.Sprintf("let the operator bind it with the setting secret-bindings: [%s=%s@%s], or an administrator set the source up",
					source.Secrets[field], domain, strings.TrimPrefix(missing, "the host ")),
			}, nil
		}
	}
	return nil, nil //nolint:nilnil // nothing is an answer here
}

// codeUnbound marks the refusal of a secret that the operator has not bound.
const codeUnbound = "secret_not_bound"

// unbound names the first host that the domain may not show the secret to, or
// "". A plugin that names no host may connect anywhere.
func (s *Service) unbound(ref model.SecretRef, domain model.Slug, hosts []string) string {
	if len(hosts) == 0 {
		hosts = []string{anyHost}
	}
	for _, host := range hosts {
		if !slices.ContainsFunc(s.bindings, func(b Binding) bool { return b.opens(s.secrets, ref, domain, host) }) {
			return "the host " + host
		}
	}
	return ""
}

// vouch asks whether the person who set the source up may decide for the
// whole platform. Nobody answers for a source of which that is not known.
func (s *Service) vouch(ctx context.Context, in *gate.Session, source model.Source) (gate.Answer, error) {
	if asker, err := model.PrincipalFrom(ctx); err != nil || asker.ID != source.SetUpBy {
		person, err := s.person(ctx, source.SetUpBy)
		if err != nil {
			return gate.Answer{}, err
		}
		ctx = model.WithPrincipal(ctx, person)
	}
	return in.Ask(ctx, model.ActSourceAdmin, s.gate.Platform("source_setting", string(source.Name)), gate.Extra{})
}

func (s *Service) person(ctx context.Context, id model.ID) (model.Principal, error) {
	if id == model.System().ID {
		return model.System(), nil
	}
	found, err := store.Principals.GetMany(ctx, s.store, id)
	if err != nil || len(found) == 0 {
		return model.Principal{Meta: model.Meta{ID: "prn_nobody"}, Suspended: true}, err
	}
	return found[0], nil
}

// uses tells the audit which secrets are shown to which hosts.
func (s *Service) uses(p *plugin, source model.Source) string {
	if len(source.Secrets) == 0 {
		return ""
	}
	hosts, _ := hostsOf(p.form, source.Config)
	if len(hosts) == 0 {
		hosts = []string{"hosts of the plugin's choice"}
	}
	var words []string
	for _, field := range slices.Sorted(maps.Keys(source.Secrets)) {
		words = append(words, fmt.Sprintf("%s by %s", field, source.Secrets[field]))
	}
	return "uses " + clip(strings.Join(words, ", "), maxText) + " against " + clip(strings.Join(hosts, ", "), maxText)
}
