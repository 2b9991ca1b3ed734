package sdk

import (
	"context"
	"errors"
	"sync"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/souk-mesh/souk/sdk/credential"
	"github.com/souk-mesh/souk/sdk/internal/report"
	"github.com/souk-mesh/souk/sdk/internal/secret"
	harvestv1 "github.com/souk-mesh/souk/sdk/proto/harvest/v1"
)

// When a batch is sent: whichever comes first.
const (
	batchRecords  = 100
	batchBytes    = 256 << 10
	flushAfter    = 200 * time.Millisecond
	heartbeatEach = 5 * time.Second
)

// sink sends what a harvest emits, in batches, to one consumer. It is safe for
// use by several goroutines, since authors read several schemas at once.
type sink struct {
	ctx     context.Context //nolint:containedctx // the Sink interface promises the context's error
	send    func(*harvestv1.HarvestEvent) error
	secrets secret.Set

	mu        sync.Mutex
	batch     *harvestv1.Batch
	size      int
	since     time.Time // when the oldest record of the batch came
	progress  *harvestv1.Progress
	alive     bool // called since the last heartbeat
	quiet     bool // nothing sent since the last heartbeat
	broken    map[string]bool
	scopes    map[string]bool // done
	kept      map[string]bool // scopes, in a harvest since a watermark
	goesOn    bool            // there is a watermark that the harvest goes on from
	seq       uint64
	done      harvestv1.Done
	watermark Watermark // to be sent at the end
	over      bool      // Done was sent, or the harvest has ended: nothing follows
	err       error
	stop      chan struct{}
	stopped   sync.WaitGroup
}

func newSink(ctx context.Context, secrets secret.Set, send func(*harvestv1.HarvestEvent) error) *sink {
	s := &sink{
		ctx: ctx, send: send, secrets: secrets, batch: &harvestv1.Batch{}, quiet: true,
		broken: map[string]bool{}, scopes: map[string]bool{}, kept: map[string]bool{}, stop: make(chan struct{}),
	}
	s.stopped.Go(s.tick)
	return s
}

// tick sends what has waited long enough, and a heartbeat while the author's
// code is alive but has nothing to send.
func (s *sink) tick() {
	flush, beat := time.NewTicker(flushAfter/2), time.NewTicker(heartbeatEach)
	defer flush.Stop()
	defer beat.Stop()
	for {
		select {
		case <-s.stop:
			return
		case <-s.ctx.Done():
			return
		case now := <-flush.C:
			s.flushOld(now)
		case <-beat.C:
			s.beat()
		}
	}
}

func (s *sink) flushOld(now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.over {
		return
	}
	if len(s.batch.GetRecords()) > 0 && now.Sub(s.since) >= flushAfter {
		_ = s.flush() // kept in s.err for the next call
	}
	_ = s.putProgress()
}

// putProgress sends the latest progress, if there is one that was not sent.
func (s *sink) putProgress() error {
	if s.progress == nil {
		return nil
	}
	p := s.progress
	s.progress = nil
	return s.put(&harvestv1.HarvestEvent{Event: &harvestv1.HarvestEvent_Progress{Progress: p}})
}

func (s *sink) beat() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.alive && s.quiet && !s.over {
		_ = s.put(&harvestv1.HarvestEvent{Event: &harvestv1.HarvestEvent_Heartbeat{Heartbeat: &harvestv1.Heartbeat{}}})
	}
	s.alive, s.quiet = false, true
}

// live notes that the author's code is at work.
func (s *sink) live() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.alive = true
}

// begin is called with the lock held by every method of Sink.
func (s *sink) begin() error {
	s.alive = true
	if err := s.ctx.Err(); err != nil {
		return err
	}
	if s.over && s.err == nil {
		return errOver()
	}
	return s.err
}

// errOver is for a goroutine of the author's that outlives Harvest.
func errOver() error {
	return &Error{
		Class: ClassInternal, Code: "harvest_over", Message: "the harvest is over, and the plugin goes on emitting",
		Fix: "report it to the author of the plugin: Harvest must wait for its goroutines before it returns",
	}
}

func (s *sink) put(e *harvestv1.HarvestEvent) error {
	if s.err != nil {
		return s.err
	}
	s.quiet = false
	if err := s.send(e); err != nil {
		if ended := s.ctx.Err(); ended != nil {
			err = ended
		}
		s.err = err
	}
	return s.err
}

func (s *sink) flush() error {
	if len(s.batch.GetRecords()) == 0 {
		return nil
	}
	s.seq++
	s.batch.Seq = s.seq
	e := &harvestv1.HarvestEvent{Event: &harvestv1.HarvestEvent_Batch{Batch: s.batch}}
	s.batch, s.size = &harvestv1.Batch{}, 0
	return s.put(e)
}

// Emit takes one record.
func (s *sink) Emit(r Record) error {
	if err := Validate(r); err != nil {
		return err
	}
	clean := func(text string) string { return credential.New().Redact(s.secrets.Strike(text)) } // for the few that are cut
	if n, cut := Cut(r, clean); cut {
		if err := s.Note(n); err != nil {
			return err
		}
	}
	wire, bytes, err := s.encode(r)
	switch {
	case err != nil:
		return badRecord("record", "", "cannot be encoded", "emit only UTF-8 text")
	case len(bytes) > harvestv1.MaxRecordBytes:
		return badRecord("record", "", "is larger than 1 MiB", "cut long descriptions, and emit fewer properties")
	case s.secrets.In(bytes):
		return errSecret("a record")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.begin(); err != nil {
		return err
	}
	return s.add(r, wire, len(bytes))
}

// encode strikes the secrets of this run out of the texts; those in names stay,
// and are refused.
func (s *sink) encode(r Record) (*harvestv1.Record, []byte, error) {
	wire := encode(r)
	bytes, err := proto.Marshal(wire)
	if err != nil || !s.secrets.In(bytes) {
		return wire, bytes, err
	}
	EachText(r, s.secrets.Strike)
	wire = encode(r)
	bytes, err = proto.Marshal(wire)
	return wire, bytes, err
}

func errSecret(where string) error {
	return &Error{
		Class: ClassInternal, Code: "secret_in_record", Message: "the value of a secret stands in " + where,
		Fix: "report it to the author of the plugin: it must leave out connection strings and settings",
	}
}

func (s *sink) add(r Record, wire *harvestv1.Record, size int) error {
	if s.size+size > batchBytes {
		if err := s.flush(); err != nil {
			return err
		}
	}
	if len(s.batch.GetRecords()) == 0 {
		s.since = time.Now()
	}
	s.batch.Records, s.size = append(s.batch.Records, wire), s.size+size
	switch r.(type) {
	case *Asset:
		s.done.Assets++
	case *Edge:
		s.done.Edges++
	case *Quality:
		s.done.Quality++
	}
	if len(s.batch.Records) >= batchRecords || s.size >= batchBytes {
		return s.flush()
	}
	return nil
}

// event sends what is pending and then the event.
func (s *sink) event(e *harvestv1.HarvestEvent) error {
	if err := s.begin(); err != nil {
		return err
	}
	if err := s.flush(); err != nil {
		return err
	}
	return s.put(e)
}

// Checkpoint sends what is pending and then the state.
func (s *sink) Checkpoint(state []byte) error {
	if len(state) > harvestv1.MaxCheckpointBytes {
		return badRecord("checkpoint", "", "is larger than 1 MiB", "keep a cursor, not the data")
	}
	if s.secrets.In(state) {
		return errSecret("a checkpoint")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.event(&harvestv1.HarvestEvent{Event: &harvestv1.HarvestEvent_Checkpoint{Checkpoint: &harvestv1.Checkpoint{State: state}}})
}

// ScopeDone says that the scope is complete.
func (s *sink) ScopeDone(scope string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case scope == "":
		return badRecord("scope", "", "has no name", "name the scope as the records do")
	case s.broken[scope] || s.broken[""]:
		return &Error{
			Class: ClassInternal, Code: "scope_incomplete", Message: "the scope " + s.secrets.Strike(scope) + " is called done although an error was noted for it",
			Fix: "call ScopeDone only for scopes without a note of ErrorLevel",
		}
	case s.kept[scope]:
		return errTwice(s.secrets.Strike(scope))
	}
	if err := s.event(&harvestv1.HarvestEvent{Event: &harvestv1.HarvestEvent_ScopeDone{ScopeDone: &harvestv1.ScopeDone{Scope: scope}}}); err != nil {
		return err
	}
	s.scopes[scope] = true
	s.done.Scopes = int64(len(s.scopes))
	return nil
}

// Progress is sent at most every flushAfter; the latest wins.
func (s *sink) Progress(done, total int64, what string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.begin(); err != nil {
		return err
	}
	s.progress = &harvestv1.Progress{Done: done, Total: total, What: report.Clip(s.secrets.Strike(what))}
	return nil
}

// Note sends a remark, in its place among the records.
func (s *sink) Note(n Note) error {
	if s.secrets.In([]byte(n.Asset.Namespace + " " + n.Asset.Name)) {
		return errSecret("the name of an asset")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if n.Level == ErrorLevel && n.Asset == (NativeID{}) {
		s.broken[n.Scope] = true
	}
	return s.event(&harvestv1.HarvestEvent{Event: &harvestv1.HarvestEvent_Note{Note: &harvestv1.Note{
		Level: string(n.Level), Code: report.Clip(n.Code), Title: report.Clip(s.secrets.Strike(n.Title)), Sample: report.Clip(s.secrets.Strike(n.Sample)), Scope: n.Scope,
		Asset: encodeAbsent(n.Asset),
	}}})
}

// close ends the goroutine. Nothing is sent after it, whatever still calls.
func (s *sink) close() {
	close(s.stop)
	s.stopped.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.over = true
}

// finish sends what is pending and, as the last event of all, the counts. The
// ticker may wait for the lock with a progress to send: what is pending goes
// out here, and nothing after it.
func (s *sink) finish() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.begin(); err != nil {
		return err
	}
	if err := errors.Join(s.flush(), s.putProgress()); err != nil {
		return s.err
	}
	s.over = true
	if err := s.putWatermark(); err != nil {
		return err
	}
	return s.put(&harvestv1.HarvestEvent{Event: &harvestv1.HarvestEvent_Done{Done: &s.done}})
}

// waitingEach is the time between two signs of life of a plugin that waits.
const waitingEach = 3 * time.Second

// Waiting does what takes long in one piece, such as a query over a whole
// catalogue, and shows the host all the while that the plugin lives. After the
// most that it may take it shows it no more, so that the host ends what hangs.
func Waiting(out Sink, what string, most time.Duration, do func() error) error {
	done := make(chan struct{})
	var telling sync.WaitGroup
	telling.Go(func() { tellUntil(done, time.After(most), out, what) })
	defer telling.Wait()
	defer close(done)
	return do()
}

func tellUntil(done <-chan struct{}, end <-chan time.Time, out Sink, what string) {
	each := time.NewTicker(waitingEach)
	defer each.Stop()
	for {
		select {
		case <-done:
			return
		case <-end:
			return
		case <-each.C:
			_ = out.Progress(0, 0, what) // what ends a run ends what is waited for, too
		}
	}
}

type aliveKey struct{}

// withAlive gives a harvest's context the way to say that its plugin is at work.
func withAlive(ctx context.Context, say func()) context.Context {
	return context.WithValue(ctx, aliveKey{}, say)
}

// Alive says that the plugin is at work although it has nothing to emit yet: it
// goes through a long listing. The context is the one that Harvest was called
// with, or one made of it. The client of sdk/web says it with each answer.
func Alive(ctx context.Context) {
	if say, ok := ctx.Value(aliveKey{}).(func()); ok {
		say()
	}
}
