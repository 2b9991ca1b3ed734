package host

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/souk-mesh/souk/sdk"
	"github.com/souk-mesh/souk/sdk/credential"
	"github.com/souk-mesh/souk/sdk/internal/report"
	"github.com/souk-mesh/souk/sdk/internal/secret"
	harvestv1 "github.com/souk-mesh/souk/sdk/proto/harvest/v1"
)

// Harvest gives the handler everything that the plugin finds. The result counts
// what was received also when the harvest ends badly. The error is a *Failure;
// one of the handler is its cause.
func (p *Process) Harvest(ctx context.Context, req Request, h Handler) (Result, error) {
	set := p.learn(req.Config, req.Secrets)
	c := p.newCall(ctx, p.limits.Wall, "harvest the source")
	defer c.end()
	c.codec.secrets = set
	r := &receiver{credentials: credential.New(), codec: c.codec, handler: h, recaller: recallerOf(h), limits: p.limits, secrets: set, started: time.Now(), scopes: map[string]bool{}, kept: map[string]bool{}, broken: map[string]bool{}, asked: req.Changes, goesOn: req.Changes && len(req.Watermark) > 0}
	err := c.receive(r, &harvestv1.HarvestRequest{
		ConfigJson: req.Config, Secrets: req.Secrets, Checkpoint: req.Checkpoint, RunId: req.RunID, Folders: p.folders,
		Changes: req.Changes, Watermark: req.Watermark,
	})
	r.result.Duration = time.Since(r.started)
	if err != nil {
		r.result.Watermark = nil // it stands for what has come to its end
		return r.result, r.expired(c.explain(err))
	}
	return r.result, nil
}

// receive reads the stream to its end. Idle time counts only while the plugin
// is waited for, not while the handler works.
func (c *call) receive(r *receiver, req *harvestv1.HarvestRequest) error {
	limit := c.process.limits.Idle
	idle := time.AfterFunc(limit, func() {
		c.cancel(broken("hang", "the plugin has sent nothing for "+limit.String(), "look whether the source answers, and try again; if it stays, "+reportIt))
	})
	defer idle.Stop()
	stream, err := c.process.source.Harvest(c.ctx, req, c.options()...)
	if err != nil {
		return err
	}
	for {
		event, err := stream.Recv()
		idle.Stop()
		switch {
		case ended(err):
			return r.finish()
		case err != nil && r.done != nil && c.caller.Err() == nil && c.codec.problem == nil:
			// All that the harvest has found is here: how the plugin ends is
			// its own business, and the end of the process is ours.
			c.process.failed = true
			c.process.log.Warn("the plugin did not end well after it was done", slog.String("cause", report.Clip(r.secrets.Strike(err.Error()))))
			return r.finish()
		case err != nil:
			return err
		case c.ctx.Err() != nil: // an event that was already here when the run was cancelled
			return context.Cause(c.ctx)
		}
		if err := r.take(event); err != nil {
			return err
		}
		if r.done != nil {
			limit = min(limit, farewell)
		}
		idle.Reset(limit)
	}
}

func ended(err error) bool { return errors.Is(err, io.EOF) }

// receiver checks what a plugin sends against the protocol before it hands it on.
type receiver struct {
	credentials *credential.Finder
	codec       *inspecting
	handler     Handler
	recaller    *recalling // where the handler is a Recaller
	limits      Limits
	secrets     secret.Set
	started     time.Time
	seq         uint64
	received    int             // records and other events
	scopes      map[string]bool // done
	kept        map[string]bool // scopes, in a harvest since a watermark
	asked       bool            // for what has changed
	goesOn      bool            // from a watermark
	marked      bool            // has given the next watermark, after which nothing follows
	broken      map[string]bool // with an error noted
	done        *harvestv1.Done
	result      Result
}

func (r *receiver) take(event *harvestv1.HarvestEvent) error {
	if r.done != nil {
		if event.GetProgress() != nil || event.GetHeartbeat() != nil {
			return nil // a ticker of before this was said to authors
		}
		return protocolError("it goes on after it was done")
	}
	if r.marked && event.GetDone() == nil && event.GetProgress() == nil && event.GetHeartbeat() == nil {
		return protocolError("it goes on after it gave its watermark")
	}
	r.received += 1 + len(r.codec.records)
	if r.received > r.limits.Records {
		return broken("too_many_records", fmt.Sprintf("the plugin sends more than %d records and events, which is the limit of one harvest", r.limits.Records),
			"harvest a part of the source, such as some schemas; if the source is smaller, "+reportIt)
	}
	switch e := event.GetEvent().(type) {
	case *harvestv1.HarvestEvent_Batch:
		return r.batch(e.Batch)
	case *harvestv1.HarvestEvent_Checkpoint:
		return r.checkpoint(e.Checkpoint.GetState())
	case *harvestv1.HarvestEvent_ScopeDone:
		return r.scopeDone(e.ScopeDone.GetScope())
	case *harvestv1.HarvestEvent_Progress:
		r.handler.Progress(max(e.Progress.GetDone(), 0), max(e.Progress.GetTotal(), 0), report.Clip(r.cleaned(e.Progress.GetWhat())))
	case *harvestv1.HarvestEvent_Note:
		return r.note(e.Note)
	case *harvestv1.HarvestEvent_Heartbeat:
	case *harvestv1.HarvestEvent_ScopeKept, *harvestv1.HarvestEvent_Gone, *harvestv1.HarvestEvent_Watermark:
		return r.change(event)
	case *harvestv1.HarvestEvent_Done:
		r.done = e.Done
	default:
		r.result.Unknown++
	}
	return nil
}

func (r *receiver) batch(b *harvestv1.Batch) error {
	if r.seq++; b.GetSeq() != r.seq {
		return protocolError("batch %d follows batch %d", b.GetSeq(), r.seq-1)
	}
	fresh, err := r.fresh(r.codec.records)
	if err != nil {
		return r.handled(err)
	}
	records, prints := make([]sdk.Record, 0, len(fresh)), make([]Print, 0, len(fresh))
	for _, come := range fresh {
		record, same, err := r.record(come.bytes)
		switch {
		case err != nil:
			return err
		case record == nil:
			r.result.Unknown++
			continue
		case !same:
			come.print = Print{}
		}
		r.count(record)
		records, prints = append(records, record), append(prints, come.print)
	}
	if r.recaller != nil {
		return r.handled(r.recaller.Printed(records, prints))
	}
	return r.handled(r.handler.Records(records))
}

// record gives a record as it is handed on. It is not the same as it came when
// something was taken out of it, or would have to be by other secrets.
func (r *receiver) record(bytes []byte) (record sdk.Record, same bool, err error) {
	var wire harvestv1.Record
	if err := proto.Unmarshal(bytes, &wire); err != nil {
		return nil, false, protocolError("a record cannot be read: see that its texts are UTF-8")
	}
	if record = decode(&wire); record == nil {
		return nil, false, nil
	}
	if err := sdk.Validate(record); err != nil {
		return nil, false, badRecord(err, r.secrets)
	}
	same = !r.clean(record)
	if n, cut := sdk.Cut(record, r.cleaned); cut {
		n.Sample = report.Clip(r.cleaned(n.Sample))
		r.handler.Note(n)
		same = false
	}
	if r.codec.suspect && r.tells(record) {
		return nil, false, broken("secret_in_record", "the plugin sends the value of a secret as if it were metadata",
			"report it to the author of the plugin: it must leave out connection strings and settings; and change the secret")
	}
	return record, same, nil
}

func (r *receiver) count(record sdk.Record) {
	switch record.(type) {
	case *sdk.Asset:
		r.result.Assets++
	case *sdk.Edge:
		r.result.Edges++
	case *sdk.Quality:
		r.result.Quality++
	}
}

func (r *receiver) checkpoint(state []byte) error {
	if len(state) > harvestv1.MaxCheckpointBytes {
		return protocolError("its checkpoint of %d bytes is larger than 1 MiB", len(state))
	}
	r.result.Checkpoints++
	return r.handled(r.handler.Checkpoint(state))
}

// scopeDone refuses a scope of which something is missing: what was not seen
// there would be retired.
func (r *receiver) scopeDone(scope string) error {
	switch {
	case scope == "":
		return protocolError("a scope without a name is called done")
	case r.broken[scope] || r.broken[""]:
		return protocolError("the scope %s is called done although an error was noted for it", report.Clip(r.secrets.Strike(scope)))
	case r.kept[scope]:
		return protocolError("the scope %s is called kept and done", report.Clip(r.secrets.Strike(scope)))
	case r.scopes[scope]:
		return nil
	}
	r.scopes[scope] = true
	r.result.Scopes = append(r.result.Scopes, scope)
	return r.handled(r.handler.ScopeDone(scope))
}

func (r *receiver) note(n *harvestv1.Note) error {
	level := sdk.Level(n.GetLevel())
	if !slices.Contains([]sdk.Level{sdk.InfoLevel, sdk.WarnLevel, sdk.ErrorLevel}, level) {
		level = sdk.WarnLevel
	}
	asset := decodeID(n.GetAsset())
	if r.secrets.In([]byte(asset.Namespace + " " + asset.Name)) {
		return toldSecret()
	}
	if level == sdk.ErrorLevel && asset == (sdk.NativeID{}) {
		r.broken[n.GetScope()] = true
	}
	r.result.Notes++
	r.handler.Note(sdk.Note{
		Level: level, Code: report.Clip(r.secrets.Strike(n.GetCode())), Title: report.Clip(r.cleaned(n.GetTitle())),
		Sample: report.Clip(r.cleaned(n.GetSample())), Scope: n.GetScope(), Asset: asset,
	})
	return nil
}

func (r *receiver) handled(err error) error {
	if err == nil {
		return nil
	}
	if _, own := errors.AsType[*Failure](err); own {
		return err
	}
	return ours("not_kept", "what the plugin found could not be kept: "+r.secrets.Strike(err.Error()), "look into the server's log", err)
}

// finish compares what the plugin says it sent with what came. Records that this
// host does not know cannot be compared.
func (r *receiver) finish() error {
	switch {
	case r.done == nil:
		return protocolError("it ends the harvest without saying that it is done")
	case r.result.Unknown > 0:
		return nil
	}
	for _, c := range []struct {
		what      string
		sent, got int64
	}{
		{"assets", r.done.GetAssets(), r.result.Assets},
		{"edges", r.done.GetEdges(), r.result.Edges},
		{"tests", r.done.GetQuality(), r.result.Quality},
		{"scopes", r.done.GetScopes(), int64(len(r.result.Scopes))},
		{"kept scopes", r.done.GetKept(), int64(len(r.result.Kept))},
		{"assets that are gone", r.done.GetGone(), r.result.Gone},
	} {
		if c.sent != c.got {
			return protocolError("it says that it sent %d %s, and %d came", c.sent, c.what, c.got)
		}
	}
	return nil
}
