package store

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"

	"golang.org/x/text/unicode/norm"

	"github.com/souk-mesh/souk/graph/model"
)

// The tables, one per noun, each with the indexes that its queries name.
// Every index ends in the id, so every order is total.
var (
	Principals = table("principal", "principal", func(p model.Principal) Keys {
		return Keys{"name": text(p.Name), "domain": text(p.DomainID), "role": texts(p.Roles), "team": texts(p.TeamIDs)}
	}, unique("by_name", "name"), index("by_domain", "domain", "name"), multi("by_role", "role", "name"), multi("by_team", "team", "name"))

	Tokens = table("token", "token", func(t model.Token) Keys {
		return Keys{"hash": text(t.Hash), "principal": text(t.PrincipalID)}
	}, unique("by_hash", "hash"), index("by_principal", "principal"))

	// The id is made of the session's, so there is one of each.
	SessionUses = table("session_use", "last use of a session", func(u model.SessionUse) Keys {
		return Keys{"session": text(u.SessionID), "at": moment(u.At)}
	}, index("by_time", "at"), index("by_session", "session"))

	Teams = table("team", "team", func(t model.Team) Keys {
		return Keys{"domain": text(t.DomainID), "name": text(t.Name)}
	}, unique("by_name", "domain", "name"))

	Domains = table("domain", "domain", func(d model.Domain) Keys {
		return Keys{"name": text(d.Name), "parent": text(d.ParentID), "steward": texts(d.StewardIDs)}
	}, unique("by_name", "name"), index("by_parent", "parent", "name"), multi("by_steward", "steward", "name"))

	Products = table("data_product", "data product", func(p model.DataProduct) Keys {
		assets := slices.Concat(p.Assets(model.OutputPort), p.Assets(model.InputPort))
		return Keys{
			"domain": text(p.DomainID), "name": text(p.Name), "status": text(p.Status), "asset": texts(assets),
			"owner": text(p.OwnerID), "team": text(p.OwnerTeamID), "visibility": text(p.Visibility), "classification": text(p.Classification),
		}
	}, unique("by_domain", "domain", "name"), index("by_name", "name"), index("by_status", "status", "name"), multi("by_asset", "asset", "name"))

	Assets = table("asset", "asset", func(a model.Asset) Keys {
		scopes := make([]Value, len(a.Sightings))
		for i, s := range a.Sightings {
			scopes[i] = ScopeKey(s.SourceID, s.Scope)
		}
		return Keys{
			"name": text(a.Name), "namespace": text(a.Namespace), "domain": text(a.DomainID), "kind": text(a.Kind),
			"status": text(a.Status), "platform": text(a.Platform), "scope": scopes, "lower": text(strings.ToLower(a.Name)),
			"claimant": texts(a.Claimants()), "contested": text(a.Contested()), "parent": text(a.ParentID),
		}
	}, index("by_name", "name"), index("by_lower", "lower"), index("by_namespace", "namespace", "name"), index("by_domain", "domain", "name"),
		index("by_kind", "kind", "name"), index("by_status", "status", "name"), multi("by_scope", "scope", "name"),
		multi("by_claimant", "claimant", "name"), index("by_contested", "contested", "name"),
		index("by_parent", "parent", "name"))

	// A namespace's id is made from its namespace and prefix, so there is one of each.
	Namespaces = table("namespace", "namespace", func(n model.Namespace) Keys {
		pending := ""
		if n.Pending {
			pending = "yes"
		}
		return Keys{"namespace": text(n.Namespace), "prefix": text(n.Prefix), "domain": text(n.DomainID), "pending": text(pending)}
	}, index("by_namespace", "namespace", "prefix"), index("by_domain", "domain", "namespace", "prefix"), index("by_pending", "pending", "namespace"))

	// An upgrade's id is made from its name, so that it is taken once.
	Upgrades = table("upgrade", "upgrade", func(u model.Upgrade) Keys { return Keys{"name": text(u.Name)} }, index("by_name", "name"))

	// An alias's id is made from its scheme, namespace and name, so the primary key keeps it unique.
	// Its tail is the name without the database, by which an incomplete name finds its table.
	// What only its source calls it so is found by that id alone.
	Aliases = table("alias", "alias", func(a model.Alias) Keys {
		if a.Scheme == model.SchemeSource {
			return Keys{"asset": text(a.AssetID), "namespace": nil, "folded": nil, "tail": nil, "lower": nil}
		}
		_, tail, _ := model.CutName(a.Folded)
		return Keys{"asset": text(a.AssetID), "namespace": text(a.Namespace), "folded": text(a.Folded), "tail": text(tail), "lower": text(strings.ToLower(a.Name))}
	}, index("by_asset", "asset"), index("by_lower", "lower"), index("by_folded", "namespace", "folded"), index("by_tail", "namespace", "tail"))

	Edges = table("edge", "lineage edge", func(e model.Edge) Keys {
		scopes := make([]Value, len(e.Evidence))
		for i, ev := range e.Evidence {
			scopes[i] = ScopeKey(ev.SourceID, ev.Scope)
		}
		return Keys{"from": text(e.FromID), "to": text(e.ToID), "kind": text(e.Kind), "scope": scopes}
	}, unique("by_from", "from", "to", "kind"), index("by_to", "to", "from"), multi("by_scope", "scope"))

	QualityRules = table("quality_rule", "quality rule", func(q model.QualityRule) Keys {
		return Keys{"asset": text(q.AssetID), "name": text(q.Name), "scope": {ScopeKey(q.SourceID, q.Scope)}, "key": text(q.Key)}
	}, index("by_asset", "asset", "name"), unique("by_scope", "scope", "key"))

	Requests = table("access_request", "access request", func(r model.AccessRequest) Keys {
		return Keys{
			"requester": text(r.RequesterID), "domain": text(r.DomainID), "product": text(r.ProductID),
			"status": text(r.Status), "created": moment(r.CreatedAt),
		}
	}, index("by_created", "created"), index("by_requester", "requester", "created"), index("by_domain", "domain", "status", "created"),
		index("by_product", "product", "created"), index("by_status", "status", "created"))

	Changes = table("change", "proposed change", func(c model.ProposedChange) Keys {
		return Keys{"subject": text(c.SubjectID), "domain": text(c.DomainID), "status": text(c.Status), "created": moment(c.CreatedAt)}
	}, index("by_created", "created"), index("by_subject", "subject", "status", "created"), index("by_domain", "domain", "status", "created"),
		index("by_status", "status", "created"))

	Grants = table("grant", "grant", func(g model.Grant) Keys {
		return Keys{
			"principal": text(g.PrincipalID), "product": text(g.ProductID), "domain": text(g.DomainID),
			"status": text(g.Status), "ends": moment(g.EndsAt),
		}
	}, index("by_principal", "principal", "product"), index("by_product", "product", "ends"),
		index("by_domain", "domain", "ends"), index("by_status", "status", "ends"))

	Sources = table("source", "source", func(s model.Source) Keys {
		name := s.Name
		if s.RemovedAt != nil {
			name = "" // is free for another
		}
		return Keys{"name": text(name), "domain": text(s.DomainID)}
	}, unique("by_home", "domain", "name"), index("named", "name"), index("by_domain", "domain", "name"))

	// Two holders never share a role: what one loses the other would lose, too.
	SourceRoles = table("source_role", "role in a source", func(r model.SourceRole) Keys {
		return Keys{"source": text(r.SourceID), "principal": text(r.PrincipalID), "team": text(r.TeamID), "role": text(r.Role), "domain": text(r.DomainID)}
	}, unique("by_principal", "source", "principal"), unique("by_team", "source", "team"), unique("by_role", "source", "role"), index("by_holder", "principal"))

	// The id is made of the source's, so there is one of each.
	SourceGrantings = table("source_granting", "grants of a source", func(g model.SourceGranting) Keys {
		return Keys{"source": text(g.SourceID), "domain": text(g.DomainID)}
	}, index("by_source", "source"))

	// The id of a grant in a source is made of the grant, the source and the asset, so there is one of each.
	SourceGrants = table("source_grant", "grant in a source", func(g model.SourceGrant) Keys {
		held, wants := "", ""
		if g.Given != nil {
			held = g.Given.Role
		}
		if g.Wanted != nil {
			wants = "yes"
		}
		return Keys{
			"grant": text(g.GrantID), "source": text(g.SourceID), "asset": text(g.AssetID), "domain": text(g.DomainID), "principal": text(g.PrincipalID),
			"team": text(g.TeamID), "product": text(g.ProductID), "state": text(g.State), "due": moment(g.DueAt), "created": moment(g.CreatedAt),
			"held": text(held), "wants": text(wants),
		}
	}, index("by_created", "created"), index("by_grant", "grant", "created"), index("by_source", "source", "created"), index("by_state", "state", "due"),
		index("by_team", "team", "product"), index("by_held", "source", "held", "asset"))

	Runs = table("run", "harvest run", func(r model.Run) Keys {
		return Keys{"source": text(r.SourceID), "started": moment(r.StartedAt), "status": text(r.Status)}
	}, index("by_started", "started"), index("by_source", "source", "started"), index("by_status", "status", "started"))

	// A memory's id is made of its source and its number, so it is found without an index.
	Memories = table("memory", "memory of a source", func(m model.Remembered) Keys {
		return Keys{"source": text(m.SourceID)}
	}, index("by_source", "source"))

	RunChanges = table("run_change", "part of what a run changed", func(c model.RunChange) Keys {
		return Keys{"source": text(c.SourceID), "run": text(c.RunID), "number": {int64(c.Number)}, "created": moment(c.CreatedAt)}
	}, index("by_run", "run", "number"), index("by_source", "source", "created"))

	Decisions = table("decision", "decision", func(d model.DecisionRecord) Keys {
		return Keys{
			"at": moment(d.At), "principal": text(d.PrincipalID), "resource": text(d.ResourceID),
			"domain": text(d.Domain), "outcome": text(d.Outcome), "action": text(d.Action),
		}
	}, index("by_time", "at"), index("by_principal", "principal", "at"), index("by_resource", "resource", "at"), index("by_domain", "domain", "at"))

	PolicyRevisions = table("policy_revision", "policy revision", func(r model.PolicyRevision) Keys {
		return Keys{"domain": text(r.Domain), "created": moment(r.CreatedAt)}
	}, index("by_domain", "domain", "created"))

	// A state's id is made from the domain's name, so there is one for each.
	PolicyStates = table("policy_state", "policy state", func(s model.PolicyState) Keys {
		return Keys{"domain": text(s.Domain)}
	}, unique("by_domain", "domain"))

	PolicyProposals = table("policy_proposal", "policy proposal", func(p model.PolicyProposal) Keys {
		return Keys{"domain": text(p.Domain), "status": text(p.Status), "author": text(p.AuthorID), "revision": text(p.RevisionID), "created": moment(p.CreatedAt)}
	}, index("by_created", "created"), index("by_domain", "domain", "created"), index("by_status", "status", "created"),
		index("by_author", "author", "created"), index("by_revision", "revision", "created"))

	PolicyDifferences = table("policy_difference", "policy difference", func(d model.PolicyDifference) Keys {
		return Keys{"proposal": text(d.ProposalID), "created": moment(d.CreatedAt)}
	}, index("by_proposal", "proposal", "created"))

	// A scorecard's id is made of its subject and its day, so there is one a day.
	Scorecards = table("scorecard", "scorecard", func(c model.Scorecard) Keys {
		return Keys{"day": moment(c.Day)}
	}, index("by_day", "day"))

	// There is one head, of the log that belongs to the store.
	DecisionHeads = table("decision_head", "head of the decision log", func(h model.DecisionHead) Keys {
		return Keys{"seq": {h.Seq}}
	}, index("by_seq", "seq"))

	// A name's id is made of its noun, its place and itself, so there is one claim on each.
	Names = table("name", "name", func(n model.Name) Keys {
		return Keys{"subject": text(n.SubjectID)}
	}, index("by_subject", "subject"))

	// A removed record's id is made of the record's, so it is removed once.
	Removals = table("removed_record", "removed record", func(r model.Removed) Keys {
		return Keys{"created": moment(r.CreatedAt)}
	}, index("by_created", "created"))

	// Events is written by the engines, inside Apply, and by nobody else.
	Events = table("event", "event", func(e model.Event) Keys {
		return Keys{"seq": {e.Seq}, "at": moment(e.At), "actor": text(e.ActorID), "subject": text(e.SubjectID), "action": text(e.Action)}
	}, unique("by_seq", "seq"), index("by_subject", "subject", "seq"), index("by_actor", "actor", "seq"))
)

// Schemas lists every table, for an engine that prepares itself.
func Schemas() []Schema {
	return []Schema{
		Principals.schema, Tokens.schema, Teams.schema, Domains.schema, Products.schema, Assets.schema, Aliases.schema,
		Edges.schema, QualityRules.schema, Requests.schema, Changes.schema, Grants.schema, Sources.schema, Runs.schema, Decisions.schema, Events.schema,
		PolicyRevisions.schema, PolicyStates.schema, PolicyProposals.schema, PolicyDifferences.schema,
		Scorecards.schema, DecisionHeads.schema, Namespaces.schema, Upgrades.schema, Names.schema, Removals.schema, Memories.schema, RunChanges.schema,
		SourceRoles.schema, SourceGrants.schema, SourceGrantings.schema, SessionUses.schema,
	}
}

// ScopeKey is how assets, edges and rules are found by the source and scope that show them.
func ScopeKey(source model.ID, scope string) string {
	return norm.NFC.String(string(source) + " " + scope)
}

func table[T any, P model.PointerTo[T]](kind Kind, noun string, keys func(T) Keys, indexes ...Index) Table[T, P] {
	extract := func(doc []byte) (Keys, error) {
		var n T
		err := json.Unmarshal(doc, &n)
		return keys(n), err
	}
	var empty T // has every path, each without a value
	paths := slices.Sorted(maps.Keys(keys(empty)))
	return Table[T, P]{schema: Schema{Kind: kind, Noun: noun, Paths: paths, Indexes: indexes, Extract: extract}, keys: keys}
}

func index(name string, paths ...Path) Index { return Index{Name: name, Paths: paths} }

func unique(name string, paths ...Path) Index { return Index{Name: name, Paths: paths, Unique: true} }

func multi(name string, paths ...Path) Index { return Index{Name: name, Paths: paths, Multi: true} }

// text makes a path's value of a string; the empty one is null.
func text[S ~string](s S) []Value {
	if s == "" {
		return nil
	}
	return []Value{norm.NFC.String(string(s))}
}

func texts[S ~string](list []S) []Value {
	var values []Value
	for _, s := range list {
		if v := Value(norm.NFC.String(string(s))); s != "" && !slices.Contains(values, v) {
			values = append(values, v)
		}
	}
	return values
}

func moment(t time.Time) []Value {
	if t.IsZero() {
		return nil
	}
	return []Value{t.UnixMilli()}
}

// Newest gives the number of the newest event; 0 is none.
func Newest(ctx context.Context, s Store) (int64, error) {
	last, err := Events.Find(ctx, s, Query{Index: "by_seq", Desc: true, Limit: 1})
	if err != nil || len(last.Nodes) == 0 {
		return 0, err
	}
	return last.Nodes[0].Seq, nil
}

// DomainNamed gives the domain of this name, or an error of kind NotFound.
func DomainNamed(ctx context.Context, s Store, name model.Slug) (model.Domain, error) {
	return Domains.First(ctx, s, Query{Index: "by_name", Where: Eq("name", string(name))})
}
