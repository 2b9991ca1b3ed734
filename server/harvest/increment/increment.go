// Package increment decides whether a run of a source reads everything or only
// what has changed since an earlier one, and what the source remembers of a run
// that has ended. It refuses to go on from a watermark whose ground has moved: in
// doubt everything is read, which costs time and loses nothing.
package increment

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/souk-mesh/souk/graph/model"
)

// The time between two full runs of a source.
const (
	DefaultEvery = 24 * time.Hour
	LeastEvery   = time.Hour
	MostEvery    = 30 * 24 * time.Hour
)

// clockPatience is how far apart the clocks of two servers may be. A full run
// that began later than that was made before the clock went back.
const clockPatience = 10 * time.Minute

// version is part of what a watermark is bound to: raise it when the server makes
// something else of what a source says, so that all of it is read again.
const version = 1

// CheckEvery says what is wrong with a time between full runs.
func CheckEvery(d time.Duration) error {
	if d < LeastEvery || d > MostEvery {
		return model.Invalid("fullEvery", "is out of bounds", "write a length of time from 1 hour to 30 days, such as P1D")
	}
	return nil
}

// Every is the time between two full runs of the source.
func Every(s model.Source) time.Duration {
	if s.FullEvery == nil {
		return DefaultEvery // of a source of before, too
	}
	return *s.FullEvery
}

// Due is when the source is next read in full at the latest; nil is with its next run.
func Due(s model.Source) *time.Time {
	if len(s.Watermark) == 0 || s.FullAt == nil {
		return nil
	}
	due := s.FullAt.Add(Every(s))
	return &due
}

// Ground names everything that a watermark stands on: where it is another one, a
// source read as it is set up now could show something else than it did.
func Ground(p model.PluginInfo, s model.Source) string {
	secrets, _ := json.Marshal(s.Secrets) // in order; names of places, never a secret
	sum := sha256.New()
	for _, part := range []string{strconv.Itoa(version), build(), p.Name, p.Version, p.SHA256, string(p.Schema), string(s.Config), string(secrets), string(s.DomainID)} {
		_, _ = fmt.Fprintf(sum, "%d %s", len(part), part) // never fails
	}
	return hex.EncodeToString(sum.Sum(nil))
}

// build names the release of the server, in which the bundled plugins are, whatever
// version they give themselves.
func build() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	name := []string{info.Main.Version}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" || s.Key == "vcs.modified" {
			name = append(name, s.Value)
		}
	}
	return strings.Join(name, " ")
}

// Changes reports whether a run of the source that begins now reads only what has
// changed. One that goes on from a checkpoint is of the kind of the run that left it.
func Changes(p model.PluginInfo, s model.Source, now time.Time) bool {
	switch {
	case !p.OffersChanges || len(s.Watermark) == 0 || s.WatermarkOn != Ground(p, s):
		return false
	case s.AllowRetireAll: // it is for what a full run alone can find
		return false
	case len(s.Checkpoint) > 0:
		return s.CheckpointOfChanges
	case s.FullAt == nil || s.FullAt.Sub(now) > clockPatience:
		return false
	}
	return now.Before(s.FullAt.Add(Every(s)))
}

// Ended is what a run that has ended well tells of how far it has read.
type Ended struct {
	Changes   bool      // it read only what had changed
	Resumed   bool      // it went on from a checkpoint
	Owes      bool      // something that it found was not taken over, or not read
	Began     time.Time // the run
	Watermark []byte
	Ground    string
}

// Keep brings the source up to date with the run. A watermark of a run that did
// not see everything of its own is not kept: what it missed would not be looked
// for again. After one that read everything there is then none at all, so that
// the next reads everything, too; after another, the one before still stands.
// A plugin that gives none wants everything to be read.
func (e Ended) Keep(s *model.Source) {
	switch whole := !e.Resumed && !e.Owes; {
	case whole && len(e.Watermark) > 0:
		began := e.Began
		s.Watermark, s.WatermarkOn, s.WatermarkAt = e.Watermark, e.Ground, &began
		if !e.Changes {
			s.FullAt = &began
		}
	case whole || !e.Changes:
		Forget(s)
	}
}

// Forget has the next run of the source read everything.
func Forget(s *model.Source) { s.Watermark, s.WatermarkOn, s.WatermarkAt = nil, "", nil }
