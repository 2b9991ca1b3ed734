package mongodb

import (
	"context"
	"errors"

	"go.mongodb.org/mongo-driver/v2/mongo"

	"github.com/souk-mesh/souk/sdk"
)

// Harvest emits the deployment under one scope where every database is listed
// and wanted, and else each database under its own.
func (s *source) Harvest(ctx context.Context, _ sdk.Request, out sdk.Sink) error {
	client, end, err := s.connect(ctx)
	if err != nil {
		return err
	}
	defer end()
	l, err := s.list(ctx, client)
	if err != nil {
		return err
	}
	h := &harvest{source: s, listing: l, client: client, out: out, open: map[string]bool{}}
	if err := h.noteAbsent(); err != nil {
		return err
	}
	for _, d := range l.databases {
		if err := h.database(ctx, d); err != nil {
			return err
		}
	}
	return h.endScopes()
}

// harvest is one run.
type harvest struct {
	*source
	*listing
	client *mongo.Client
	out    sdk.Sink
	open   map[string]bool // scopes that cannot be done
}

const deployment = "deployment"

// scope is the deployment's where every database is seen and wanted. Otherwise
// a database that is not seen is not gone for that.
func (h *harvest) scope(database string) string {
	if h.whole && len(h.include)+len(h.exclude) == 0 {
		return deployment
	}
	return "database:" + database
}

func (h *harvest) noteAbsent() error {
	for _, name := range h.absent {
		err := h.shut(name, sdk.Note{
			Code: "mongodb.no_database", Sample: name,
			Title: "A database to include does not exist, or the user may not see it: correct its name, take it out of includeDatabases, or grant a right on it.",
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// shut notes why a scope cannot be done.
func (h *harvest) shut(database string, n sdk.Note) error {
	n.Level, n.Scope = sdk.ErrorLevel, h.scope(database)
	h.open[n.Scope] = true
	return h.out.Note(n)
}

func (h *harvest) endScopes() error {
	done := map[string]bool{}
	for _, d := range append([]string{""}, h.databases...) {
		scope := h.scope(d)
		if d == "" && scope != deployment || done[scope] || h.open[scope] {
			continue
		}
		done[scope] = true
		if err := h.out.ScopeDone(scope); err != nil {
			return err
		}
	}
	return nil
}

// database emits a database with its collections. One whose collections may not
// be listed is named, and nothing of it is retired.
func (h *harvest) database(ctx context.Context, name string) error {
	all, err := h.collections(ctx, h.client.Database(name))
	if e, ok := errors.AsType[*sdk.Error](err); ok && e.Class == sdk.ClassDenied {
		return h.shut(name, sdk.Note{
			Code: "mongodb.no_right", Sample: name,
			Title: "The user may not list the collections of a database: grant it listCollections there, or leave the database out. What is known of it stays.",
		})
	}
	if err != nil {
		return err
	}
	if err := h.out.Emit(&sdk.Asset{ID: h.id(name, ""), Scope: h.scope(name), Kind: "DATABASE", Rank: sdk.Holder, ShortName: name, Aliases: h.aliases(name, "")}); err != nil {
		return err
	}
	for i, c := range all {
		if err := h.collection(ctx, c); err != nil {
			return err
		}
		if err := h.out.Progress(int64(i+1), int64(len(all)), "collections of "+name); err != nil {
			return err
		}
	}
	return nil
}

// collection emits one collection or view. One that cannot be described or read
// is named, and what is known of it stays.
func (h *harvest) collection(ctx context.Context, c *collection) error {
	db := h.client.Database(c.database)
	err := h.describe(ctx, db, c)
	var sampled *shape
	if err == nil {
		sampled, err = h.read(ctx, db, c)
	}
	if e, ok := errors.AsType[*sdk.Error](err); ok && ctx.Err() == nil && h.onlyThis(e) {
		return h.out.Note(sdk.Note{
			Level: sdk.ErrorLevel, Code: "mongodb.unread", Scope: h.scope(c.database), Asset: h.id(c.database, c.name), Sample: sdk.JoinName(c.database, c.name) + ": " + e.Message,
			Title: "A collection or view cannot be read: grant listIndexes and find on it or set sample to 0; raise sampleTime for one that is slow; mend a view that fails. What is known of it stays.",
		})
	}
	if err != nil {
		return err
	}
	return h.emit(c, sampled)
}

// onlyThis tells whether an error is about one collection: not that the server
// is gone or refuses the user.
func (h *harvest) onlyThis(e *sdk.Error) bool {
	if e.Class == sdk.ClassDenied || e.Code == codeSlow {
		return true
	}
	_, told := errors.AsType[mongo.ServerError](e.Err)
	return told && e.Class == sdk.ClassUnavailable && !mongo.IsNetworkError(e.Err) && !mongo.IsTimeout(e.Err)
}

func (h *harvest) emit(c *collection, sampled *shape) error {
	asset, cut := h.asset(c, sampled)
	if cut {
		err := h.out.Note(sdk.Note{
			Level: sdk.WarnLevel, Code: "mongodb.many_fields", Sample: asset.ID.Name,
			Title: "A collection has more than 5,000 fields; the first ones are kept.",
		})
		if err != nil {
			return err
		}
	}
	if err := h.out.Emit(asset); err != nil {
		return err
	}
	if c.kind != viewKind {
		return nil
	}
	followed, known := columnsOf(c.options.ViewOn, c.options.Pipeline)
	from := append([]string{c.options.ViewOn}, readsOf(c.options.Pipeline)...)
	for i, name := range from {
		if name == c.name || i > 0 && name == c.options.ViewOn {
			continue
		}
		edge := &sdk.Edge{
			From: h.id(c.database, name), To: asset.ID, Scope: asset.Scope, Kind: "DERIVES",
			Method: "mongodb.view_pipeline", Confidence: 1,
		}
		if known {
			edge.Fields = followed.fieldEdges(asset.Fields, name)
		}
		if err := h.out.Emit(edge); err != nil {
			return err
		}
	}
	return nil
}
