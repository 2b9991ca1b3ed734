package pdp

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"slices"
	"strings"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/store"
)

// The bounds of one page of a search.
const (
	DefaultResults = 100
	MaxResults     = 1000
	maxCandidates  = 2000 // that one page asks about; a page may be short, and then goes on
	pageRows       = 200
)

// Found is one page of a search. Next is "" at its end.
type Found struct {
	Names []Entity
	Next  string
}

// Window is which page of a search is asked for.
type Window struct {
	Limit int
	Token string // the Next of the page before, of the same search
}

// Subjects lists who may do the action to the resource, among the subjects of
// the type. The id of the question's subject is not looked at.
func (s *Service) Subjects(ctx context.Context, q Question, w Window, c Client) (Found, error) {
	q.Subject.ID = ""
	r, after, err := s.begin(ctx, "subject", q, &w, c)
	if err != nil {
		return Found{}, err
	}
	what, err := r.resource(ctx, q.Resource)
	kind, ok := kinds[q.Subject.Type]
	if err != nil || what.absent || !ok {
		return Found{}, err
	}
	query := store.Query{Index: "by_name", After: after}
	return scan(ctx, r, store.Principals, query, w, "subject", q, func(p model.Principal) (Entity, bool, error) {
		if p.Kind != kind {
			return Entity{}, false, nil
		}
		allowed, err := r.would(ctx, p, *what, q)
		return Entity{Type: q.Subject.Type, ID: p.Name}, allowed, err
	})
}

// Resources lists the resources of the type to which the subject may do the action.
func (s *Service) Resources(ctx context.Context, q Question, w Window, c Client) (Found, error) {
	q.Resource.ID = ""
	r, after, err := s.begin(ctx, "resource", q, &w, c)
	if err != nil {
		return Found{}, err
	}
	who, err := r.subject(ctx, q.Subject)
	if err != nil || who == nil {
		return Found{}, err
	}
	return r.nounOf(q.Resource.Type).search(ctx, r, search{*who, q, w, after})
}

// Actions lists what the subject may do to the resource: of the mesh's own
// actions those that fit it, and of applications' those that the rules of its
// domain name.
func (s *Service) Actions(ctx context.Context, q Question, c Client) (Found, error) {
	r := s.batch(c)
	who, err := r.subject(ctx, q.Subject)
	if err != nil {
		return Found{}, err
	}
	if err := r.mayAsk(ctx, who); err != nil || who == nil {
		return Found{}, err
	}
	what, err := r.resource(ctx, q.Resource)
	if err != nil {
		return Found{}, err
	}
	var found Found
	candidates := slices.Concat(r.nounOf(q.Resource.Type).actions, r.session.Actions(what.res.Domain))
	for _, action := range candidates {
		q.Action = string(action)
		allowed, err := r.would(ctx, *who, *what, q)
		if err != nil {
			return Found{}, err
		}
		if allowed && !what.absent { // which is asked about all the same
			found.Names = append(found.Names, Entity{ID: strings.TrimPrefix(q.Action, model.AppActions)})
		}
	}
	q.Action = ""
	r.sumUp("action", q, len(candidates), len(found.Names))
	return found, r.keep(ctx)
}

// begin checks the right to search and the page that is asked for.
func (s *Service) begin(ctx context.Context, kind string, q Question, w *Window, c Client) (*batch, store.Cursor, error) {
	r := s.batch(c)
	var self *model.Principal
	if kind == "resource" {
		who, err := r.subject(ctx, q.Subject)
		if err != nil {
			return nil, "", err
		}
		self = who
	}
	if err := r.mayAsk(ctx, self); err != nil {
		return nil, "", err
	}
	if w.Limit <= 0 {
		w.Limit = DefaultResults
	}
	w.Limit = min(w.Limit, MaxResults)
	after, err := open(w.Token, fingerprint(kind, q))
	return r, after, err
}

// would is an evaluation that leaves no row of its own.
func (r *batch) would(ctx context.Context, who model.Principal, what target, q Question) (bool, error) {
	d, err := r.askUnlogged(ctx, who, what, q)
	if err != nil {
		return false, err
	}
	d, err = r.offered(ctx, who, what, q, d, r.askUnlogged)
	return err == nil && r.carried(d).Allowed(), err
}

// scan asks about candidates until the page is full.
func scan[T any, P model.PointerTo[T]](ctx context.Context, r *batch, table store.Table[T, P], q store.Query, w Window, kind string, about Question, ask func(T) (Entity, bool, error)) (Found, error) {
	var found Found
	asked := 0
	for {
		q.Limit = pageRows
		rows, err := table.Find(ctx, r.store, q)
		if err != nil {
			return Found{}, err
		}
		for i, n := range rows.Nodes {
			e, allowed, err := ask(n)
			if err != nil {
				return Found{}, err
			}
			if asked++; allowed {
				found.Names = append(found.Names, e)
			}
			last := i == len(rows.Nodes)-1 && !rows.More
			if full := len(found.Names) == w.Limit || asked == maxCandidates; full && !last {
				found.Next = seal(rows.Cursors[i], fingerprint(kind, about))
				r.sumUp(kind, about, asked, len(found.Names))
				return found, r.keep(ctx)
			}
		}
		if !rows.More {
			r.sumUp(kind, about, asked, len(found.Names))
			return found, r.keep(ctx)
		}
		q.After = rows.Cursors[len(rows.Cursors)-1]
	}
}

// sumUp leaves one row for all the decisions of a search.
func (r *batch) sumUp(kind string, q Question, asked, shown int) {
	id := model.NewID(model.PrefixDecision)
	row := model.DecisionRecord{
		Meta: model.Meta{ID: id}, At: r.now(), PrincipalID: r.caller, RequestID: r.request, Action: model.ActDecisionAsk, Outcome: model.Allow,
		Decision: model.Decision{ID: id, Outcome: model.Allow, Revisions: r.session.Revisions()},
		List:     &model.DecisionList{Kind: "search." + kind, Filter: fingerprint(kind, q), Asked: asked, Shown: shown},
	}
	r.rows = append(r.rows, row)
}

// fingerprint ties a token to the search that it came from.
func fingerprint(kind string, q Question) string {
	text, _ := json.Marshal([]any{kind, q}) // a question came out of JSON
	sum := sha256.Sum256(text)
	return base64.RawURLEncoding.EncodeToString(sum[:12])
}

func seal(c store.Cursor, print string) string { return print + "." + string(c) }

// open reads a token, or says that it is none of this search.
func open(token, print string) (store.Cursor, error) {
	if token == "" {
		return "", nil
	}
	of, cursor, ok := strings.Cut(token, ".")
	if !ok || of != print || cursor == "" {
		return "", &model.Error{Kind: model.KindBadCursor, Field: "page.token", Message: "belongs to another search", Hint: "repeat the request that gave it and change nothing but the token"}
	}
	return store.Cursor(cursor), nil
}
