package conformance

import (
	"bytes"
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/souk-mesh/souk/sdk"
	"github.com/souk-mesh/souk/sdk/host"
	"github.com/souk-mesh/souk/sdk/internal/secret"
)

// suite judges one plugin.
type suite struct {
	ctx      context.Context //nolint:containedctx // of this one judgement, which ends with the function that made it
	spec     host.Spec
	ways     []way // the first is the reference, the last is a process of its own
	fixture  Fixture
	problems []string
	skipped  string // why the case at hand has nothing to judge
	measured string // what it found to tell beside that

	described *host.Description // once it has been asked
	clean     *harvest          // once it went well
	said      []said            // everything that came out of the plugin, to look for secrets
}

// said is a text that came out of the plugin, and where.
type said struct{ where, text string }

// skip says why there is nothing to judge.
func (s *suite) skip(format string, args ...any) { s.skipped = fmt.Sprintf(format, args...) }

func (s *suite) problem(format string, args ...any) {
	s.problems = append(s.problems, fmt.Sprintf(format, args...))
}

// say keeps texts for the case that looks for secrets.
func (s *suite) say(where string, texts ...string) {
	for _, text := range texts {
		s.said = append(s.said, said{where, text})
	}
}

// harvest is what one harvest gave, as a sink in process and as a handler of
// the host. What comes after the last checkpoint counts for nothing when the
// harvest is interrupted.
type harvest struct {
	mu         sync.Mutex
	ctx        context.Context //nolint:containedctx // of the one harvest that it takes
	records    map[string]string
	kept       map[string]string // up to the checkpoint
	order      []sdk.Record
	scopes     []string
	notes      []sdk.Note
	checkpoint []byte
	staying    []string // scopes, in a harvest since a watermark
	gone       []sdk.NativeID
	watermark  sdk.Watermark
	doubled    []string
	late       []string     // scopes called done although an error was noted
	onRecord   func() error // called for each record, or each batch of them
}

func newHarvest(ctx context.Context) *harvest {
	return &harvest{ctx: ctx, records: map[string]string{}, kept: map[string]string{}}
}

// Emit takes one record in process, by the rules of the host.
func (h *harvest) Emit(r sdk.Record) error {
	if err := sdk.Validate(r); err != nil {
		return err
	}
	if n, cut := sdk.Cut(r, func(text string) string { return text }); cut {
		if err := (inProcess{h}).Note(n); err != nil {
			return err
		}
	}
	return h.Records([]sdk.Record{r})
}

// Records takes records.
func (h *harvest) Records(records []sdk.Record) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if err := h.ctx.Err(); err != nil {
		return err
	}
	for _, r := range records {
		key, line := keyOf(r), lineOf(r)
		if _, twice := h.records[key]; twice {
			h.doubled = append(h.doubled, key)
		}
		h.records[key] = line
		h.order = append(h.order, r)
	}
	if h.onRecord != nil {
		return h.onRecord()
	}
	return nil
}

// Checkpoint keeps what came before.
func (h *harvest) Checkpoint(state []byte) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.checkpoint = bytes.Clone(state)
	maps.Copy(h.kept, h.records)
	return h.ctx.Err()
}

// ScopeDone keeps the scope.
func (h *harvest) ScopeDone(scope string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, n := range h.notes {
		if n.Level == sdk.ErrorLevel && n.Asset == (sdk.NativeID{}) && (n.Scope == scope || n.Scope == "") {
			h.late = append(h.late, scope)
		}
	}
	h.scopes = append(h.scopes, scope)
	return h.ctx.Err()
}

// inProcess is the side of the harvest that a plugin in this process sees.
type inProcess struct{ *harvest }

// Progress is not kept.
func (h inProcess) Progress(int64, int64, string) error { return h.ctx.Err() }

// Note keeps the note.
func (h inProcess) Note(n sdk.Note) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.notes = append(h.notes, n)
	return h.ctx.Err()
}

// overPipe is the side of the harvest that the host sees.
type overPipe struct{ *harvest }

// Progress is not kept.
func (h overPipe) Progress(int64, int64, string) {}

// Note keeps the note.
func (h overPipe) Note(n sdk.Note) { _ = inProcess(h).Note(n) }

var (
	_ sdk.Sink     = inProcess{}
	_ host.Handler = overPipe{}
)

// lines is everything that the harvest came to, without order and times.
func (h *harvest) lines() []string {
	lines := slices.Collect(maps.Values(h.records))
	for _, scope := range h.scopes {
		lines = append(lines, encode(map[string]any{"scopeDone": scope}))
	}
	for _, n := range h.notes {
		lines = append(lines, encode(map[string]any{"note": n}))
	}
	slices.Sort(lines)
	return lines
}

// keyOf names what the record is about.
func keyOf(r sdk.Record) string {
	switch r := r.(type) {
	case *sdk.Asset:
		return fmt.Sprintf("asset %s %s", r.ID.Namespace, r.ID.Name)
	case *sdk.Edge:
		return fmt.Sprintf("edge %s %s -> %s %s %s", r.From.Namespace, r.From.Name, r.To.Namespace, r.To.Name, r.Kind)
	case *sdk.Quality:
		return fmt.Sprintf("test %s %s %s", r.Asset.Namespace, r.Asset.Name, r.Key)
	}
	return "nothing"
}

// lineOf is the record as JSON, as the host takes it: a time in another zone is
// the same time, and no rank is the least one.
func lineOf(r sdk.Record) string {
	switch record := r.(type) {
	case *sdk.Asset:
		a := *record
		a.Rank = cmp.Or(a.Rank, sdk.Reference)
		if a.ChangedAt != nil {
			at := a.ChangedAt.UTC()
			a.ChangedAt = &at
		}
		if a.Usage != nil {
			u := *a.Usage
			u.From, u.To = u.From.UTC(), u.To.UTC()
			a.Usage = &u
		}
		a.Runs = slices.Clone(a.Runs)
		for i := range a.Runs {
			a.Runs[i].Started, a.Runs[i].Ended = a.Runs[i].Started.UTC(), a.Runs[i].Ended.UTC()
		}
		return encode(map[string]any{"asset": &a})
	case *sdk.Edge:
		return encode(map[string]any{"edge": r})
	case *sdk.Quality:
		q := *record
		if q.Result != nil {
			result := *q.Result
			result.At = result.At.UTC()
			q.Result = &result
		}
		return encode(map[string]any{"test": &q})
	}
	return "nothing"
}

func encode(v any) string {
	var text bytes.Buffer
	e := json.NewEncoder(&text)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return "cannot be encoded: " + err.Error()
	}
	return strings.TrimSpace(text.String())
}

// cleanHarvest gives what an undisturbed harvest comes to.
func (s *suite) cleanHarvest() *harvest {
	if s.clean != nil {
		return s.clean
	}
	h := newHarvest(s.ctx)
	if _, err := s.ways[0].harvest(h, s.good()); err != nil {
		s.problem("the harvest of the fixture ends badly: %s", describeError(err))
		return nil
	}
	if len(h.records) == 0 {
		s.problem("the harvest of the fixture finds nothing")
		return nil
	}
	s.clean = h
	return h
}

func describeError(err error) string {
	var fix string
	if e, ok := errors.AsType[*sdk.Error](err); ok {
		fix = e.Fix
	}
	if f, ok := errors.AsType[*host.Failure](err); ok {
		fix = fmt.Sprintf("%s (%s %s)", f.Fix, f.Fault, f.Code)
	}
	return fmt.Sprintf("%v; %s", err, fix)
}

// secretSet knows the fixture's secrets.
func (s *suite) secretSet() secret.Set {
	values := slices.Collect(maps.Values(s.fixture.Secrets))
	for _, bad := range s.fixture.BadConfigs {
		values = append(values, slices.Collect(maps.Values(bad.Secrets))...)
	}
	return secret.New(values, "")
}

// journal is a log that is read afterwards.
type journal struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(p)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}

func (j *journal) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(j, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

func stateText(state []byte) string {
	return base64.StdEncoding.EncodeToString(state) + " " + string(state)
}
