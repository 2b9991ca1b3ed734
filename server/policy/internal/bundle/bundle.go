// Package bundle packs rules for engines outside of Souk. It owns the combination
// as Rego, the data that stands in for the facts of the server, and the
// signature.
//
// It refuses to carry the limits of the sandbox: an engine outside knows nothing
// of them.
package bundle

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/sha256"
	"crypto/x509"
	_ "embed"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/bundle"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/policy/internal/decide"
	"github.com/souk-mesh/souk/server/policy/internal/question"
	"github.com/souk-mesh/souk/server/policy/internal/sandbox"
)

//go:embed combination.rego
var combination string

// ScopePlatform is the scope of a bundle that decides for every domain.
const ScopePlatform = "platform"

// Bundle is a set of rules for engines outside of Souk, with the revision that
// tells whether it has changed.
type Bundle struct {
	Scope    string
	Revision string
	modules  map[string]string // the rules by their paths in the bundle
	data     bundleData
}

// bundleData is what the rules of a bundle look up, under data.souk.
type bundleData struct {
	Grants      grantTable       `json:"grants"`
	Unconsented map[model.ID]int `json:"unconsented"` // by product
}

// Holdings is what a scope's resources are known by beside their questions.
type Holdings struct {
	Grants      []Holding
	Unconsented map[model.ID]int // assets that a product offers without consent
}

// Holding is a grant as a bundle carries it.
type Holding struct {
	question.GrantFact
	Holder model.ID
	From   time.Time
}

// grantTable is the data of a bundle: by holder, then by product, then by id,
// so that a decision finds its grants without looking at any other.
type grantTable map[model.ID]map[model.ID]map[model.ID]grantRow

type grantRow struct {
	Purpose string `json:"purpose"`
	From    string `json:"from"`
	Until   string `json:"until"`
}

func tableOf(held []Holding) grantTable {
	table := grantTable{}
	for _, h := range held {
		products := table[h.Holder]
		if products == nil {
			products = map[model.ID]map[model.ID]grantRow{}
			table[h.Holder] = products
		}
		if products[h.Product] == nil {
			products[h.Product] = map[model.ID]grantRow{}
		}
		products[h.Product][h.ID] = grantRow{Purpose: h.Purpose, From: h.From.UTC().Format(question.Stamp), Until: h.Until.UTC().Format(question.Stamp)}
	}
	return table
}

// Of collects what decides over the resources of a scope: the platform's
// rules, the domain's own, those of each domain that wants to consent, the
// grants on the scope's products, and what these offer without consent. A
// question that tells no grants is heard with those of the bundle that are live
// at its time. One that tells them, and be it none, is complete: its own facts
// stand and nothing is added, so that every decision of Souk comes out the
// same. In the same way a question that does not tell what a product lacks
// consent for is heard with what the bundle knows. What the bundle added to a
// question stands beside the decision as "heard".
//
// The limits of the engine are not in the bundle: an outside engine knows
// nothing of the budget of steps, the deadline, the bound on memory and the
// quarantine that hold in Souk. Rules were within them when they came into force.
func Of(s *decide.Snapshot, scope string, held Holdings) (Bundle, error) {
	b := Bundle{Scope: scope, modules: map[string]string{}, data: bundleData{Grants: tableOf(held.Grants), Unconsented: held.Unconsented}}
	if b.data.Unconsented == nil {
		b.data.Unconsented = map[model.ID]int{}
	}
	if scope != ScopePlatform {
		if err := model.Slug(scope).Validate("scope"); err != nil {
			return b, err
		}
	}
	b.add("lib", s.Library().RuleFiles())
	b.add("platform", s.Platform().RuleFiles())
	b.add("template", s.Template().RuleFiles())
	for _, domain := range s.Domains() {
		u := s.Of(domain)
		if scope == ScopePlatform || scope == string(domain) || u.Consent != nil {
			b.add(sandbox.FolderDomains+"/"+string(domain), u.RuleFiles())
		}
	}
	b.modules["main/combination.rego"] = combination
	b.modules["main/scope.rego"] = scopeModule(s, scope)
	b.Revision = sandbox.Revision(b.modules, map[string]string{"data.json": jsonOf(b.data)})
	return b, nil
}

func (b Bundle) add(folder string, modules map[string]string) {
	for file, text := range modules {
		b.modules[folder+"/"+path.Base(file)] = text
	}
}

// scopeModule writes the part of souk.main that depends on the bundle.
func scopeModule(s *decide.Snapshot, scope string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "package souk.main\n\nimport rego.v2\n\n")
	table := map[model.Action]map[string]bool{}
	for action, r := range question.RightsByAction {
		table[action] = map[string]bool{"platform": r.Platform, "approval": r.Approval, "consent": r.Consent, "alone": r.Alone}
	}
	fmt.Fprintf(&b, "_actions := %s\n\n_app_action := %s\n\n", jsonOf(table), jsonOf(question.ForeignShape.String()))
	fmt.Fprintf(&b, "_platform_revision := %s\n\n_template_revision := %s\n\n", jsonOf(s.Platform().Revision), jsonOf(s.Template().Revision))
	revisions := map[model.Slug]string{}
	own := s.Domains()
	for _, domain := range own {
		if scope == ScopePlatform || scope == string(domain) {
			revisions[domain] = s.Of(domain).Revision
			b.WriteString(ownerRule(s.Of(domain), string(domain), fmt.Sprintf("input.resource.domain == %q", domain)))
		}
	}
	switch has := slices.Contains(own, model.Slug(scope)); {
	case scope == ScopePlatform:
		b.WriteString(ownerRule(s.Template(), "", "not input.resource.domain in "+setOf(own)))
	case !has:
		b.WriteString(ownerRule(s.Template(), "", fmt.Sprintf("input.resource.domain == %q", scope)))
	}
	fmt.Fprintf(&b, "_revisions := %s\n\n", jsonOf(revisions))
	b.WriteString("_consent := set() if 1 == 0\n\n")
	consents := map[model.Slug]string{}
	for _, domain := range own {
		if s.Of(domain).Consent != nil {
			consents[domain] = s.Of(domain).Revision
			fmt.Fprintf(&b, "_consent := {r | some r in data.%s.consent} if input.subject.domain == %q\n\n", s.Of(domain).Pkg, domain)
		}
	}
	fmt.Fprintf(&b, "_consent_revisions := %s\n\n", jsonOf(consents))
	return b.String()
}

// ownerRule writes the rule that asks a package when the condition holds. Without
// an origin it speaks for the resource's domain. As in Souk, visible is heard
// of who looks at metadata, and is an allow then.
func ownerRule(u *decide.Package, origin, condition string) string {
	from := "input.resource.domain"
	if origin != "" {
		from = jsonOf(origin)
	}
	said := func(entry string) string { return fmt.Sprintf("{x | some x in data.%s.%s}", u.Pkg, entry) }
	allow := said("allow")
	if slices.Contains(u.Defined, "visible") {
		allow += fmt.Sprintf(" | {x | _looking; some x in data.%s.visible}", u.Pkg)
	}
	parts := []string{`"origin": ` + from, `"allow": ` + allow}
	for _, entry := range []string{"deny", "obligations", "approvals"} {
		parts = append(parts, fmt.Sprintf("%q: %s", entry, said(entry)))
	}
	return "_owner := {" + strings.Join(parts, ", ") + "} if " + condition + "\n\n"
}

func setOf(names []model.Slug) string {
	if len(names) == 0 {
		return "set()"
	}
	words := make([]string, len(names))
	for i, n := range names {
		words[i] = jsonOf(n)
	}
	return "{" + strings.Join(words, ", ") + "}"
}

// jsonOf writes plain data; JSON is Rego as well.
func jsonOf(v any) string {
	text, _ := json.Marshal(v) // the values are ours
	return string(text)
}

// Key signs bundles. Its public half verifies them.
type Key struct {
	ID      string // tells one key from another while keys rotate
	Public  string // PEM
	private string // PEM
}

// ReadKey reads a private key for ES256 in PEM.
func ReadKey(text []byte) (Key, error) {
	wrong := model.Invalid("bundle-key", "holds no EC private key of the curve P-256 in PEM", "make one with: openssl ecparam -name prime256v1 -genkey -noout")
	block, _ := pem.Decode(text)
	if block == nil {
		return Key{}, wrong
	}
	key, err := x509.ParseECPrivateKey(block.Bytes)
	if err != nil {
		parsed, _ := x509.ParsePKCS8PrivateKey(block.Bytes)
		ec, ok := parsed.(*ecdsa.PrivateKey)
		if !ok {
			return Key{}, wrong
		}
		key = ec
	}
	if key.Curve.Params().BitSize != 256 {
		return Key{}, wrong
	}
	private, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return Key{}, fmt.Errorf("encode key: %w", err)
	}
	public, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		return Key{}, fmt.Errorf("encode key: %w", err)
	}
	sum := sha256.Sum256(public)
	return Key{
		ID:      hex.EncodeToString(sum[:8]),
		Public:  string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public})),
		private: string(pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: private})),
	}, nil
}

// Sign writes the bundle as a signed archive, as OPA reads it.
func (b Bundle) Sign(key Key) ([]byte, error) {
	var data map[string]any
	if err := json.Unmarshal([]byte(jsonOf(b.data)), &data); err != nil {
		return nil, fmt.Errorf("write data: %w", err)
	}
	version := 1
	out := bundle.Bundle{
		Manifest: bundle.Manifest{
			Revision: b.Revision, Roots: &[]string{"souk"}, RegoVersion: &version,
			Metadata: map[string]any{"scope": b.Scope, "input": question.InputVersion},
		},
		Data: map[string]any{"souk": data},
	}
	for _, file := range slices.Sorted(maps.Keys(b.modules)) {
		parsed, err := ast.ParseModuleWithOpts(file, b.modules[file], ast.ParserOptions{RegoVersion: ast.RegoV1})
		if err != nil {
			return nil, fmt.Errorf("parse %s: %w", file, err)
		}
		out.Modules = append(out.Modules, bundle.ModuleFile{URL: "/" + file, Path: "/" + file, Raw: []byte(b.modules[file]), Parsed: parsed})
	}
	if err := out.GenerateSignature(bundle.NewSigningConfig(key.private, "ES256", ""), key.ID, true); err != nil {
		return nil, fmt.Errorf("sign bundle: %w", err)
	}
	var packed bytes.Buffer
	if err := bundle.NewWriter(&packed).UseModulePath(true).Write(out); err != nil {
		return nil, fmt.Errorf("write bundle: %w", err)
	}
	return packed.Bytes(), nil
}
