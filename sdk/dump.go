package sdk

import (
	"context"
	"encoding/json"
	"errors"
	"sync"

	"github.com/souk-mesh/souk/sdk/proto/harvest/v1"
)

// dump holds the plugin to the rules of a harvest, and prints what it emits.
func (t *tool) dump(ctx context.Context, r Registration, in input) error {
	source, err := t.open(ctx, r, in)
	if err != nil {
		return err
	}
	p := &printer{
		sink: newSink(ctx, r.secretSet(in.config, in.secrets), func(*harvestv1.HarvestEvent) error { return nil }),
		out:  json.NewEncoder(t.stdout),
	}
	p.out.SetEscapeHTML(false)
	defer p.close()
	return errors.Join(p.harvest(ctx, source, in.since), source.Close())
}

// harvest also prints the watermark of a source that has one, to be given as --since.
func (p *printer) harvest(ctx context.Context, source Source, since Watermark) error {
	changer, can := source.(Changer)
	switch {
	case can:
	case len(since) > 0:
		return Config("since", "the plugin cannot tell what has changed", "leave it out")
	default:
		return source.Harvest(ctx, Request{RunID: "dump"}, p)
	}
	p.goesOn = len(since) > 0
	mark, err := changer.Changes(ctx, Request{RunID: "dump"}, since, p)
	if err == nil {
		err = p.mark(mark)
	}
	return p.print(err, "watermark", mark)
}

// printer is a sink that prints what passed the rules of another.
type printer struct {
	*sink

	line sync.Mutex
	out  *json.Encoder
}

func (p *printer) print(refused error, what string, value any) error {
	if refused != nil {
		return refused
	}
	p.line.Lock()
	defer p.line.Unlock()
	return p.out.Encode(map[string]any{what: value})
}

// Emit prints the record under the name of its kind.
func (p *printer) Emit(r Record) error {
	if n, cut := Cut(r, p.secrets.Strike); cut && Validate(r) == nil {
		if err := p.Note(n); err != nil {
			return err
		}
	}
	kind := "asset"
	switch r.(type) {
	case *Edge:
		kind = "edge"
	case *Quality:
		kind = "quality"
	}
	return p.print(p.sink.Emit(r), kind, r)
}

// Checkpoint prints the state.
func (p *printer) Checkpoint(state []byte) error {
	return p.print(p.sink.Checkpoint(state), "checkpoint", state)
}

// ScopeDone prints the scope.
func (p *printer) ScopeDone(scope string) error {
	return p.print(p.sink.ScopeDone(scope), "scopeDone", scope)
}

// ScopeKept prints the scope.
func (p *printer) ScopeKept(scope string) error {
	return p.print(p.sink.ScopeKept(scope), "scopeKept", scope)
}

// Gone prints the name.
func (p *printer) Gone(scope string, asset NativeID) error {
	return p.print(p.sink.Gone(scope, asset), "gone", struct {
		NativeID

		Scope string `json:"scope"`
	}{asset, scope})
}

// Note prints the note without secrets.
func (p *printer) Note(n Note) error {
	n.Title, n.Sample = p.secrets.Strike(n.Title), p.secrets.Strike(n.Sample)
	return p.print(p.sink.Note(n), "note", n)
}

var _ ChangeSink = (*printer)(nil)
