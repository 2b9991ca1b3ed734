package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/user"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/decisionlog"
	"github.com/souk-mesh/souk/server/policy"
	"github.com/souk-mesh/souk/server/store"
)

// minRetention leaves a draft of policies something to be tried on.
const minRetention = 24 * time.Hour

// retention reads the setting.
func (c Config) retention() (time.Duration, error) {
	if c.Retention == "" {
		return decisionlog.DefaultRetention, nil
	}
	d, err := model.ParseDuration("decision-retention", c.Retention)
	if err != nil {
		return 0, err
	}
	if d < minRetention {
		return 0, model.Invalid("decision-retention", "is shorter than a day", "use a number of days such as 90d")
	}
	return d, nil
}

func openDecisions(ctx context.Context, cfg Config, records store.Store, engine *policy.Engine, log *slog.Logger) (*decisionlog.Log, error) {
	retention, err := cfg.retention()
	if err != nil {
		return nil, err
	}
	r := &rulesRead{engine: engine}
	return decisionlog.Open(ctx, decisionlog.Config{URI: cfg.Store, Store: records, Retention: retention, Reads: r.by, Log: log})
}

// rulesRead remembers what the rules in force read of the input. Other rules
// come with another snapshot, and are looked at anew.
type rulesRead struct {
	engine *policy.Engine
	latest atomic.Pointer[readOf]
}

// readOf is what the rules of one snapshot read, by domains.
type readOf struct {
	rules *policy.Snapshot
	paths sync.Map // model.Slug to []string
}

// byTemplate stands for all domains that have no rules of their own.
const byTemplate model.Slug = "by the template"

// by gives what the rules read that made the decision.
func (r *rulesRead) by(d model.DecisionRecord) ([]string, bool) {
	known := r.latest.Load()
	if rules := r.engine.Snapshot(); known == nil || known.rules != rules {
		known = &readOf{rules: rules}
		r.latest.Store(known)
	}
	if !known.rules.Made(d) {
		return nil, false // rules that have gone since may have read more
	}
	whose := d.Domain
	if whose != "" && !known.rules.Owns(whose) {
		whose = byTemplate
	}
	if paths, ok := known.paths.Load(whose); ok {
		return paths.([]string), true
	}
	paths := known.rules.Reads(d.Domain)
	known.paths.Store(whose, paths)
	return paths, true
}

// OpenDecisions opens the decision log for reading, with the store that it is
// compared with: it works beside a running server. It shows what that server has
// copied so far. Where there is no store the error is of kind NotFound.
func OpenDecisions(ctx context.Context, cfg Config) (*decisionlog.Log, error) {
	c := decisionlog.Config{URI: cfg.Store, ReadOnly: true, Owns: true}
	records, err := openStore(ctx, cfg.Store, store.Reading)
	switch {
	case model.Is(err, model.KindNotFound):
		return nil, err
	case err != nil: // the log is read none the less
		c.Fault = err.Error()
	default:
		c.Store = records
	}
	l, err := decisionlog.Open(ctx, c)
	if err != nil && c.Store != nil {
		err = errors.Join(err, c.Store.Close())
	}
	return l, err
}

// AcceptDecisions lets a store and a decision log go on together that have lost
// what the other one knows of, and tells what that was.
func AcceptDecisions(ctx context.Context, cfg Config, reason string, log *slog.Logger) ([]string, error) {
	records, err := openStore(ctx, cfg.Store, store.Existing)
	if err != nil {
		return nil, fmt.Errorf("open store: %w", err)
	}
	l, err := decisionlog.Open(ctx, decisionlog.Config{URI: cfg.Store, Store: records, Owns: true, Accept: reason, Accepting: account(), Log: log})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open decision log: %w", err), records.Close())
	}
	return l.Accepted(), l.Close()
}

// account names who runs this process, as the machine knows them.
func account() string {
	name := "uid " + strconv.Itoa(os.Getuid())
	if u, err := user.Current(); err == nil {
		name = u.Username
	}
	if asked := os.Getenv("SUDO_USER"); asked != "" {
		name = asked + " as " + name
	}
	if host, err := os.Hostname(); err == nil {
		name += " on " + host
	}
	return name
}

// Replay makes the logged decisions again with the policies in force.
func (s *Server) Replay(ctx context.Context, f decisionlog.Filter, progress func(done, total int64)) (decisionlog.ReplayReport, error) {
	return s.Decisions.Replay(ctx, f, s.engine.Snapshot().Again, progress)
}
