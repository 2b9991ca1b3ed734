package gate

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/policies"
	"github.com/souk-mesh/souk/server/policy"
	"github.com/souk-mesh/souk/server/store"
	"github.com/souk-mesh/souk/server/store/enginetest"
)

// inward are the tables that hold no noun that somebody asks about: what the
// server notes for itself, and parts that are reached through another noun.
var inward = map[store.Kind]string{
	"alias": "of an asset", "edge": "between assets", "quality_rule": "of an asset", "run": "lies where its source does", "policy_state": "of a domain's rules",
	"policy_difference": "of a proposal", "scorecard": "counted anew each day", "decision_head": "the log's", "upgrade": "the server's", "memory": "the server's", "run_change": "the server's", "name": "a claim", "removed_record": "kept, and described as its domain's",
	"source_role": "of a source", "source_grant": "seen with its grant", "source_granting": "the server's", "session_use": "the server's",
}

// TestNounsAreTheTablesOrSayWhyNot fails for a table that is new and has no row
// in nouns, and for a row that lacks a part.
func TestNounsAreTheTablesOrSayWhyNot(t *testing.T) {
	engine, err := policy.New(policy.Config{Files: policies.Files})
	if err != nil {
		t.Fatal(err)
	}
	g := New(enginetest.SQLite(t), engine, time.Now, nil)
	rows, prefixes := map[store.Kind]Noun{}, map[model.Prefix]bool{}
	for _, n := range g.nouns {
		if _, twice := rows[n.Kind]; twice || prefixes[n.Prefix] || n.Prefix == "" || n.Type == "" || n.describe == nil {
			t.Errorf("the row of %s is there twice or lacks a part: %+v", n.Kind, n)
		}
		rows[n.Kind], prefixes[n.Prefix] = n, true
	}
	for _, s := range store.Schemas() {
		_, described := rows[s.Kind]
		if _, internal := inward[s.Kind]; described == internal {
			t.Errorf("%s: give the table a row in nouns, or say in inward why nobody asks about it", s.Kind)
		}
		for field, c := range rows[s.Kind].layout.columns {
			if c.path != store.PathID && !slices.Contains(s.Paths, c.path) {
				t.Errorf("%s: field %d is read from the column %s, which the table has not", s.Kind, field, c.path)
			}
		}
	}
}

// everywhere are nouns that lie in no domain though their rows name one.
var everywhere = map[store.Kind]string{
	"principal": "is the platform's, wherever they belong", "policy_revision": "events tell of its proposal", "decision": "no event tells of one",
}

// TestNounsLieSomewhere fails for a noun whose rows name a domain and whose
// events would be the platform's all the same.
func TestNounsLieSomewhere(t *testing.T) {
	g := New(nil, nil, nil, nil)
	placed := map[store.Kind]bool{}
	for _, n := range slices.Concat(g.nouns, g.unasked) {
		placed[n.Kind] = n.place != nil
	}
	for _, s := range store.Schemas() {
		of, known := placed[s.Kind]
		if known && slices.Contains(s.Paths, "domain") && of == (everywhere[s.Kind] != "") {
			t.Errorf("%s: say in its row where it lies, or in everywhere why nowhere", s.Kind)
		}
	}
}

// TestNounsAreDescribedByTheirTypes describes one of each noun that needs no
// other, and compares what policies call it.
func TestNounsAreDescribedByTheirTypes(t *testing.T) {
	engine, err := policy.New(policy.Config{Files: policies.Files})
	if err != nil {
		t.Fatal(err)
	}
	db := enginetest.SQLite(t)
	g := New(db, engine, time.Now, nil)
	head := func(p model.Prefix) model.Meta { return model.Meta{ID: model.NewID(p)} }
	product := model.DataProduct{Meta: head(model.PrefixProduct), Name: "orders"}
	writes := []store.Write{
		store.Domains.Put(model.Domain{Meta: head(model.PrefixDomain), Name: "sales"}), store.Teams.Put(model.Team{Meta: head(model.PrefixTeam), Name: "desk"}),
		store.Products.Put(product), store.Assets.Put(model.Asset{Meta: head(model.PrefixAsset), Name: "t"}),
		store.Requests.Put(model.AccessRequest{Meta: head(model.PrefixRequest), ProductID: product.ID}), store.Grants.Put(model.Grant{Meta: head(model.PrefixGrant), ProductID: product.ID}),
		store.Sources.Put(model.Source{Meta: head(model.PrefixSource), Name: "s"}), store.Changes.Put(model.ProposedChange{Meta: head(model.PrefixChange), SubjectID: product.ID}),
		store.Namespaces.Put(model.Namespace{Meta: head(model.PrefixNamespace), Namespace: "n"}), store.Principals.Put(model.Principal{Meta: head(model.PrefixPrincipal), Name: "ana"}),
		store.Tokens.Put(model.Token{Meta: head(model.PrefixToken), Hash: "h"}), store.PolicyProposals.Put(model.PolicyProposal{Meta: head(model.PrefixProposal)}),
		store.PolicyRevisions.Put(model.PolicyRevision{Meta: head(model.PrefixRevision)}), store.Decisions.Put(model.DecisionRecord{Meta: head(model.PrefixDecision)}),
	}
	ctx := model.WithPrincipal(context.WithoutCancel(t.Context()), model.System())
	event, err := db.Apply(ctx, store.Change{Action: "test", Subject: product.ID, Writes: writes})
	if err != nil {
		t.Fatal(err)
	}
	ids := []model.ID{event.ID}
	for _, w := range writes {
		ids = append(ids, w.Record.ID)
	}
	found := map[model.ID]policy.Resource{}
	if err := g.DescribeAll(ctx, ids, found); err != nil {
		t.Fatal(err)
	}
	types := map[model.Prefix]string{}
	for id, res := range found {
		types[id.Prefix()] = res.Type
	}
	for _, n := range g.nouns {
		if got := types[n.Prefix]; got != n.Type {
			t.Errorf("%s is described as %q, and its row says %q", n.Kind, got, n.Type)
		}
	}
}
