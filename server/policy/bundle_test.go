package policy_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	mathrand "math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/bundle"
	"github.com/open-policy-agent/opa/v1/rego"
	"github.com/open-policy-agent/opa/v1/storage/inmem"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/policy"
	"github.com/souk-mesh/souk/server/policy/bundletest"
)

func bundleKey(tb testing.TB, curve elliptic.Curve) []byte {
	tb.Helper()
	key, err := ecdsa.GenerateKey(curve, rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		tb.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der})
}

// unpack signs the bundle of a scope and reads it back as OPA does.
func unpack(t *testing.T, e *policy.Engine, scope string, held ...policy.Holding) bundle.Bundle {
	t.Helper()
	key, err := policy.ReadBundleKey(bundleKey(t, elliptic.P256()))
	if err != nil {
		t.Fatal(err)
	}
	b, err := policy.BundleOf(e.Snapshot(), scope, policy.Holdings{Grants: held})
	if err != nil {
		t.Fatal(err)
	}
	packed, err := b.Sign(key)
	if err != nil {
		t.Fatal(err)
	}
	verify := bundle.NewVerificationConfig(map[string]*bundle.KeyConfig{key.ID: {Key: key.Public, Algorithm: "ES256"}}, "", "", nil)
	read, err := bundle.NewReader(bytes.NewReader(packed)).WithBundleVerificationConfig(verify).Read()
	if err != nil {
		t.Fatal(err)
	}
	if read.Manifest.Revision != b.Revision {
		t.Errorf("the manifest has the revision %q, want %q", read.Manifest.Revision, b.Revision)
	}
	packed[len(packed)/2] ^= 1
	if _, err := bundle.NewReader(bytes.NewReader(packed)).WithBundleVerificationConfig(verify).Read(); err == nil {
		t.Error("a damaged bundle verifies")
	}
	return read
}

func company(t *testing.T) *policy.Engine {
	t.Helper()
	e := engine(t)
	for _, d := range bundletest.Drafts() {
		if _, err := e.Activate(t.Context(), d); err != nil {
			t.Fatal(err)
		}
	}
	return e
}

func prepared(t *testing.T, b bundle.Bundle) rego.PreparedEvalQuery {
	t.Helper()
	modules := map[string]*ast.Module{}
	for _, m := range b.Modules {
		modules[m.Path] = m.Parsed
	}
	c := ast.NewCompiler()
	if c.Compile(modules); c.Failed() {
		t.Fatal(c.Errors)
	}
	q, err := rego.New(rego.Query("data.souk.main.decision"), rego.Compiler(c), rego.Store(inmem.NewFromObject(b.Data))).PrepareForEval(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return q
}

// TestBundleDecidesAlike puts random questions to Souk and to the rules of the
// bundle, and wants the same answer down to the last reason. Every second question
// leaves the facts for the bundle to find.
func TestBundleDecidesAlike(t *testing.T) {
	e := company(t)
	seed := mathrand.Uint64()
	r := mathrand.New(mathrand.NewPCG(seed, 1))
	held := bundletest.Holdings(r)
	q := prepared(t, unpack(t, e, policy.ScopePlatform, held...))
	n := 3000
	if testing.Short() {
		n = 800
	}
	seen := map[model.Outcome]int{}
	for i, c := range bundletest.Cases(r, n, held) {
		want, err := c.Decide(t.Context(), e)
		if err != nil {
			t.Fatal(err)
		}
		seen[want.Outcome]++
		input, err := ast.ValueFromReader(bytes.NewReader(c.Input))
		if err != nil {
			t.Fatal(err)
		}
		results, err := q.Eval(t.Context(), rego.EvalParsedInput(input))
		if err != nil || len(results) != 1 {
			t.Fatalf("seed %d, question %d: %v %v\n%s", seed, i, results, err, c.Input)
		}
		got, err := bundletest.Read([]byte(jsonText(t, results[0].Expressions[0].Value)))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("seed %d, question %d (-souk +bundle):\n%s\n%s", seed, i, diff, c.Input)
		}
	}
	if seen[model.Allow] < n/20 || seen[model.Deny] < n/20 || seen[model.NeedsApproval] == 0 {
		t.Errorf("the questions are one-sided: %v", seen)
	}
}

func jsonText(t *testing.T, v any) string {
	t.Helper()
	term, err := ast.InterfaceToValue(v)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprint(term)
}

// TestBundleAllowIsForThoseWhoCarryNothing reads the plain allow where a mask is
// mandatory, and where none is.
func TestBundleAllowIsForThoseWhoCarryNothing(t *testing.T) {
	q := prepared(t, unpack(t, company(t), policy.ScopePlatform))
	for ports, want := range map[int]bool{0: true, 1: false} {
		question := ask(cy, model.ActDataRead, with(orders, func(r *policy.Resource) {
			r.Classification, r.Ports, r.Described, r.Exposed = model.Public, ports, false, false
		}))
		question.Subject.Teams = nil
		input, err := ast.ValueFromReader(bytes.NewReader(question.Input()))
		if err != nil {
			t.Fatal(err)
		}
		results, err := q.Eval(t.Context(), rego.EvalParsedInput(input))
		if err != nil {
			t.Fatal(err)
		}
		got, err := bundletest.Read([]byte(jsonText(t, results[0].Expressions[0].Value)))
		if err != nil || got.Outcome != model.Allow || got.Allow != want {
			t.Errorf("%d ports: got %+v, %v; want the outcome ALLOW and allow %v", ports, got, err, want)
		}
	}
}

// TestBundleScope lets a domain's bundle decide over its own resources only.
func TestBundleScope(t *testing.T) {
	e := company(t)
	for scope, want := range map[string]map[model.Slug]string{
		"sales":   {"sales": "ALLOW sales.open", "finance": "DENY engine.scope", "marketing": "DENY engine.scope"},
		"finance": {"finance": "ALLOW read.public", "sales": "DENY engine.scope"},
	} {
		q := prepared(t, unpack(t, e, scope))
		for domain, want := range want {
			question := ask(cy, model.ActDataRead, with(orders, func(r *policy.Resource) { r.Domain, r.Classification = domain, model.Public }))
			input, err := ast.ValueFromReader(bytes.NewReader(question.Input()))
			if err != nil {
				t.Fatal(err)
			}
			results, err := q.Eval(t.Context(), rego.EvalParsedInput(input))
			if err != nil {
				t.Fatal(err)
			}
			got, err := bundletest.Read([]byte(jsonText(t, results[0].Expressions[0].Value)))
			if err != nil {
				t.Fatal(err)
			}
			if text := string(got.Outcome) + " " + got.Reasons[len(got.Reasons)-1].Code; text != want {
				t.Errorf("%s about %s: got %s, want %s", scope, domain, text, want)
			}
		}
	}
	for _, bad := range []string{"", "../sales", "Sales"} {
		if _, err := policy.BundleOf(e.Snapshot(), bad, policy.Holdings{}); !model.Is(err, model.KindInvalid) {
			t.Errorf("scope %q: got %v", bad, err)
		}
	}
}

// TestBundleRevision changes when a rule in it does, and only then.
func TestBundleRevision(t *testing.T) {
	e := company(t)
	revision := func(scope string) string {
		b, err := policy.BundleOf(e.Snapshot(), scope, policy.Holdings{})
		if err != nil {
			t.Fatal(err)
		}
		return b.Revision
	}
	sales, finance, all := revision("sales"), revision("finance"), revision(policy.ScopePlatform)
	if sales != revision("sales") || sales == finance {
		t.Error("the revision does not name the rules")
	}
	activate(t, e, "sales", open)
	if sales == revision("sales") || all == revision(policy.ScopePlatform) {
		t.Error("new rules have the old revision")
	}
	if finance != revision("finance") {
		t.Error("the rules of one domain change the bundle of another")
	}
}

// TestBundleKey refuses keys that do not sign with ES256.
func TestBundleKey(t *testing.T) {
	for name, text := range map[string][]byte{"nothing": nil, "no PEM": []byte("secret"), "other curve": bundleKey(t, elliptic.P384())} {
		if _, err := policy.ReadBundleKey(text); !model.Is(err, model.KindInvalid) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}
