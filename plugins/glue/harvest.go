package glue

import (
	"context"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/glue"
	"github.com/aws/aws-sdk-go-v2/service/glue/types"

	access "github.com/souk-mesh/souk/plugins/internal/aws"
	"github.com/souk-mesh/souk/plugins/internal/dataset"
	"github.com/souk-mesh/souk/plugins/internal/fit"
	"github.com/souk-mesh/souk/sdk"
)

// The scopes beside those of the catalog.
const (
	jobScope        = "jobs"
	crawlerScope    = "crawlers"
	triggerScope    = "triggers"
	workflowScope   = "workflows"
	connectionScope = "connections"
)

// edgeKey is what makes an edge the same, whatever it is known by.
type edgeKey struct {
	from, to sdk.NativeID
	kind     string
}

// harvest is one pass over a catalog and what stands beside it.
type harvest struct {
	*source
	out  sdk.Sink
	data names // of databases and tables
	work names // of the rest

	open        map[string]bool // scopes that cannot be done
	noTags      bool
	noRuns      bool
	located     map[sdk.NativeID]bool            // places that a table has the name of
	crawled     map[string]map[sdk.NativeID]bool // what each crawler has made, and where it lies
	known       map[string]string                // the names of tables by those in small letters; "" where two have it
	columns     map[string][]string              // those of tables, as long as there is room
	held        int                              // of how many columns the names are held, or would be
	views       []view
	connections map[string]connection
	named       map[sdk.NativeID]bool // references
	edges       map[edgeKey]bool
	count       int64
}

func (s *source) newHarvest(out sdk.Sink) *harvest {
	return &harvest{
		source: s, out: out, open: map[string]bool{}, located: map[sdk.NativeID]bool{}, crawled: map[string]map[sdk.NativeID]bool{}, known: map[string]string{}, columns: map[string][]string{},
		connections: map[string]connection{}, named: map[sdk.NativeID]bool{}, edges: map[edgeKey]bool{},
	}
}

// Harvest emits the catalog, then connections, jobs and what starts them.
func (s *source) Harvest(ctx context.Context, _ sdk.Request, out sdk.Sink) error {
	h := s.newHarvest(out)
	databases, err := h.databases(ctx)
	if err != nil {
		return err
	}
	if err := h.whose(databases); err != nil {
		return err
	}
	if s.config.Jobs != "skip" { // connections first, since tables and jobs lead through them
		if err := h.part(ctx, connectionScope, h.readConnections); err != nil {
			return err
		}
	}
	if err := h.tables(ctx, databases); err != nil || s.config.Jobs == "skip" {
		return err
	}
	for _, p := range []struct {
		scope string
		read  func(context.Context) error
	}{{jobScope, h.jobs}, {crawlerScope, h.crawlers}, {triggerScope, h.triggers}, {workflowScope, h.workflows}} {
		if err := h.part(ctx, p.scope, p.read); err != nil {
			return err
		}
	}
	return nil
}

// whose finds out which account everything is of.
func (h *harvest) whose(databases []types.Database) error {
	held := h.config.CatalogID
	for _, d := range databases {
		if held == "" {
			held = aws.ToString(d.CatalogId)
		}
	}
	region := h.config.SigningRegion()
	h.data = names{region: region}.within(held, "")
	h.work = names{region: region, account: h.config.Account}
	if h.work.account == "" {
		h.work.account = access.AccountOf(h.config.RoleARN)
	}
	if h.work.account == "" {
		h.work.account = h.data.account
	}
	if h.data.account == "" {
		h.data.account = h.work.account
	}
	if h.work.account == "" {
		return sdk.Config("account", "is not known: the catalog shows no database to tell it by", "write the id of the account, such as 123456789012")
	}
	return nil
}

// part reads one scope. Where it may not be read, or the service has had enough,
// that is noted and the others go on.
func (h *harvest) part(ctx context.Context, scope string, read func(context.Context) error) error {
	err := read(ctx)
	if err != nil {
		return h.unread(ctx, scope, scope, err)
	}
	return h.done(scope)
}

func (h *harvest) done(scope string) error {
	if h.open[scope] {
		return nil
	}
	return h.out.ScopeDone(scope)
}

// unread notes a part of a scope that cannot be read. An error that the rest
// would meet too ends the harvest.
func (h *harvest) unread(ctx context.Context, scope, what string, err error) error {
	code, title := "glue.denied", "A part of Glue may not be read. Nothing of its scope is retired; the sample says what allows it."
	switch classOf(err) {
	case sdk.ClassDenied:
	case sdk.ClassThrottled:
		code, title = "glue.throttled", "The service asked to slow down so often that a part was given up. Nothing of its scope is retired."
	case sdk.ClassConfig:
		code, title = "glue.gone", "A part of Glue is gone since it was listed. Nothing of its scope is retired in this run."
	default:
		return err
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	h.open[scope] = true
	sample := what + ": " + err.Error()
	if e, ours := asError(err); ours {
		sample += ". " + e.Fix
	}
	return h.out.Note(sdk.Note{Level: sdk.ErrorLevel, Code: code, Title: title, Sample: sample, Scope: scope})
}

// emit counts what is emitted, as a sign of life.
func (h *harvest) emit(a *sdk.Asset) error {
	if err := h.cut(a); err != nil {
		return err
	}
	if err := h.out.Emit(a); err != nil {
		return err
	}
	if h.count++; h.count%100 == 0 {
		return h.out.Progress(h.count, 0, "tables and jobs")
	}
	return nil
}

// cut leaves out what a record cannot hold.
func (h *harvest) cut(a *sdk.Asset) error {
	dropped := fit.Columns(a)
	if dropped == 0 {
		return nil
	}
	return h.out.Note(sdk.Note{
		Level: sdk.WarnLevel, Code: "glue.fields_left_out", Title: "A table has more columns, or longer ones, than a record can hold: the first ones are shown.",
		Sample: a.ID.Name + ": " + strconv.Itoa(dropped),
	})
}

// refer emits the name of what another system holds, once.
func (h *harvest) refer(d dataset.Dataset, scope string) error {
	if h.named[d.ID] || h.located[d.ID] {
		return nil
	}
	h.named[d.ID] = true
	return h.out.Emit(reference(d, scope))
}

// edge emits an edge once.
func (h *harvest) edge(e sdk.Edge) error {
	key := edgeKey{e.From, e.To, e.Kind}
	if e.From == e.To || e.From.Name == "" || e.To.Name == "" || h.edges[key] {
		return nil
	}
	h.edges[key] = true
	if e.Confidence == 0 {
		e.Confidence = 1
	}
	return h.out.Emit(&e)
}

// tagsOf reads the tags of a thing. Where that is forbidden, things are complete
// without them.
func (h *harvest) tagsOf(ctx context.Context, of names, kind, name string) ([]string, error) {
	if h.noTags || h.config.Tags == "skip" {
		return nil, nil
	}
	arn := of.resource(kind, name)
	answer, err := h.client.GetTags(ctx, &glue.GetTagsInput{ResourceArn: &arn})
	if err == nil {
		return tags(answer.Tags), nil
	}
	err = h.explain(err, "reading tags", "glue:GetTags")
	switch classOf(err) {
	case sdk.ClassConfig: // it is gone meanwhile, or has no tags here
		return nil, nil
	case sdk.ClassDenied:
		h.noTags = true
		return nil, h.out.Note(sdk.Note{Level: sdk.WarnLevel, Code: "glue.no_tags", Title: "Tags may not be read, and are left out.", Sample: err.Error()})
	default:
		return nil, err
	}
}
