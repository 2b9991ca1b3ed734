package decisionlog

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"hash/fnv"
	"iter"
	"slices"
	"time"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/decisionlog/chain"
	"github.com/souk-mesh/souk/server/store"
)

// readRows is how many rows the walks read at a time, and maxPassed how many
// Only may pass over for one page.
const (
	readRows  = 1000
	maxPassed = 1_000_000
)

// Filter narrows the log; empty fields do not.
type Filter struct {
	PrincipalID model.ID
	ResourceID  model.ID
	Domain      model.Slug
	Actions     []model.Action // any of them
	Outcome     model.Outcome
	From, To    time.Time // From <= at < To
	WithInput   bool      // only decisions that can be made again

	// Only narrows a page by the id, the domain and the principal of its rows,
	// and is no part of the list: cursors outlive its changes.
	Only store.Filter
}

func (f Filter) rows() chain.Filter {
	return chain.Filter{
		Principal: f.PrincipalID, Resource: f.ResourceID, Domain: f.Domain, Actions: f.Actions, Outcome: f.Outcome,
		From: millis(f.From), To: millis(f.To), WithInput: f.WithInput,
	}
}

func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

// Find reads a page, the newest first. It begins with what the store knows at
// this moment. A cursor of another list is an error of kind BadCursor.
func (l *Log) Find(ctx context.Context, f Filter, p model.Paging) (model.Page[model.DecisionRecord], error) {
	page := model.Page[model.DecisionRecord]{}
	if p.First < 1 || p.First > store.MaxPage {
		return page, model.Invalid("first", "must be between 1 and 1000", "ask for fewer rows and go on with after")
	}
	at, err := f.decode(p.After)
	if err != nil {
		return page, err
	}
	if at == 0 {
		if err := l.CatchUp(ctx); err != nil {
			return page, err
		}
	}
	return page, l.fill(ctx, &page, f, at, p.First)
}

// fill reads the page, and whether there is more.
func (l *Log) fill(ctx context.Context, page *model.Page[model.DecisionRecord], f Filter, at int64, limit int) error {
	s, err := f.sieve()
	if err != nil || s.nothing {
		return err
	}
	some := limit + 1
	if s.passes != nil {
		some = readRows
	}
	passed := 0
	for r, err := range l.rows(ctx, f.rows(), at, true, some) {
		if err != nil {
			return err
		}
		if s.passes != nil && !s.passes(r.Keys) {
			if passed++; passed < maxPassed {
				continue
			}
			if page.More = len(page.Nodes) > 0; page.More {
				return nil
			}
			return model.Invalid("filter", "too many decisions in a row are hidden from you", "narrow the list with a filter")
		}
		if page.More = len(page.Nodes) == limit; page.More {
			return nil
		}
		b, err := decode(r)
		if err != nil {
			return err
		}
		page.Nodes, page.Cursors = append(page.Nodes, b.DecisionRecord), append(page.Cursors, f.cursor(b.Seq))
	}
	return nil
}

// sieve is what Only comes to.
type sieve struct {
	nothing bool
	passes  func(chain.Keys) bool // nil lets everything through
}

func (f Filter) sieve() (sieve, error) {
	if f.Only.Op == "" {
		return sieve{}, nil
	}
	plan, err := store.Query{Kind: store.Decisions.Kind(), Index: "by_time", Only: f.Only}.Plan()
	if err != nil {
		return sieve{}, err
	}
	return sieve{nothing: plan.Only.Op == store.OpOr && len(plan.Only.Filters) == 0, passes: func(k chain.Keys) bool {
		return store.Match(plan.Only, func(p store.Path) []store.Value {
			switch p {
			case store.PathID:
				return present(k.ID)
			case "domain":
				return present(k.Domain)
			case "principal":
				return present(k.Principal)
			default:
				return nil
			}
		})
	}}, nil
}

func present[S ~string](s S) []store.Value {
	if s == "" {
		return nil
	}
	return []store.Value{string(s)}
}

// Newest walks the log backwards.
func (l *Log) Newest(ctx context.Context, f Filter) iter.Seq2[model.DecisionRecord, error] {
	return l.fresh(ctx, l.walk(ctx, f, 0, true, readRows))
}

// Oldest walks the log from its beginning.
func (l *Log) Oldest(ctx context.Context, f Filter) iter.Seq2[model.DecisionRecord, error] {
	return l.fresh(ctx, l.walk(ctx, f, 0, false, readRows))
}

func (l *Log) fresh(ctx context.Context, rows iter.Seq2[model.DecisionRecord, error]) iter.Seq2[model.DecisionRecord, error] {
	return func(yield func(model.DecisionRecord, error) bool) {
		if err := l.CatchUp(ctx); err != nil {
			yield(model.DecisionRecord{}, err)
			return
		}
		rows(yield)
	}
}

// walk decodes the rows that match, after the row at, reading some at a time.
func (l *Log) walk(ctx context.Context, f Filter, at int64, desc bool, some int) iter.Seq2[model.DecisionRecord, error] {
	return func(yield func(model.DecisionRecord, error) bool) {
		for r, err := range l.rows(ctx, f.rows(), at, desc, some) {
			var b body
			if err == nil {
				b, err = decode(r)
			}
			if !yield(b.DecisionRecord, err) || err != nil {
				return
			}
		}
	}
}

// rows walks the rows of all segments.
func (l *Log) rows(ctx context.Context, f chain.Filter, at int64, desc bool, some int) iter.Seq2[chain.Row, error] {
	return func(yield func(chain.Row, error) bool) {
		segments, err := l.keeper.Segments(ctx)
		if err != nil {
			yield(chain.Row{}, err)
			return
		}
		if desc {
			slices.Reverse(segments)
		}
		for _, s := range segments {
			if at != 0 && (desc && s.First >= at || !desc && s.Closed && s.Seq <= at) {
				continue
			}
			for after := at; ; {
				rows, err := l.keeper.Rows(ctx, chain.Query{Segment: s.Name, Filter: f, After: after, Desc: desc, Limit: some})
				if err != nil {
					yield(chain.Row{}, err)
					return
				}
				for _, r := range rows {
					if after = r.Seq; !yield(r, nil) {
						return
					}
				}
				if len(rows) < some {
					break
				}
			}
		}
	}
}

// Get finds one decision, or gives an error of kind NotFound.
func (l *Log) Get(ctx context.Context, id model.ID) (model.DecisionRecord, error) {
	if err := l.CatchUp(ctx); err != nil {
		return model.DecisionRecord{}, err
	}
	r, ok, err := l.keeper.Row(ctx, string(id))
	if err == nil && !ok && !l.config.ReadOnly {
		if err = l.settled(ctx); err == nil {
			r, ok, err = l.keeper.Row(ctx, string(id))
		}
	}
	if err != nil || !ok {
		if err == nil {
			err = model.NotFound("decision", id)
		}
		return model.DecisionRecord{}, err
	}
	b, err := decode(r)
	return b.DecisionRecord, err
}

// settled waits for what was noted before: whoever was told the id of a
// decision finds its row, though nobody waited for the disk when it was made.
func (l *Log) settled(ctx context.Context) error {
	return l.do(ctx, &job{alone: func(context.Context) error { return nil }})
}

// place is what a cursor says.
type place struct {
	Filter uint64 `json:"f"`
	Seq    int64  `json:"s"`
}

func (f Filter) fingerprint() uint64 {
	h := fnv.New64a()
	_ = json.NewEncoder(h).Encode(f.rows()) // plain data, and a hash takes everything
	return h.Sum64() >> 12                  // what every reader of JSON keeps exactly
}

func (f Filter) cursor(seq int64) string {
	doc, _ := json.Marshal(place{f.fingerprint(), seq}) // two numbers always marshal
	return base64.RawURLEncoding.EncodeToString(doc)
}

// decode reads a cursor; "" is the beginning.
func (f Filter) decode(cursor string) (int64, error) {
	if cursor == "" {
		return 0, nil
	}
	var p place
	doc, err := base64.RawURLEncoding.Strict().DecodeString(cursor)
	if err != nil || json.Unmarshal(doc, &p) != nil || p.Seq < 1 {
		return 0, &model.Error{
			Kind: model.KindBadCursor, Field: "after", Message: "this is no cursor",
			Hint: "pass a cursor exactly as a page gave it, or leave it out to begin at the first page",
		}
	}
	if p.Filter != f.fingerprint() {
		return 0, &model.Error{
			Kind: model.KindBadCursor, Field: "after", Message: "the cursor belongs to another list",
			Hint: "keep the filter while you page, or leave the cursor out to begin at the first page",
		}
	}
	return p.Seq, nil
}

// Count tells how many decisions Recent would give.
func (l *Log) Count(ctx context.Context, domain model.Slug, since time.Time, most int) (int, error) {
	if err := l.CatchUp(ctx); err != nil {
		return 0, err
	}
	n := 0
	for _, err := range l.rows(ctx, recent(domain, since).rows(), 0, true, readRows) {
		if n++; err != nil || n >= most {
			return min(n, most), err
		}
	}
	return n, nil
}

// Recent gives the decisions about a domain's resources, "" about all, that
// can be made again, the newest first and at most so many.
func (l *Log) Recent(ctx context.Context, domain model.Slug, since time.Time, most int) iter.Seq2[model.DecisionRecord, error] {
	return func(yield func(model.DecisionRecord, error) bool) {
		n := 0
		for d, err := range l.Newest(ctx, recent(domain, since)) {
			if n++; n > most || !yield(d, err) {
				return
			}
		}
	}
}

func recent(domain model.Slug, since time.Time) Filter {
	return Filter{Domain: domain, From: since, WithInput: true}
}
