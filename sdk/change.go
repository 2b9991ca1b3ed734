package sdk

import (
	"context"
	"unicode/utf8"

	harvestv1 "github.com/souk-mesh/souk/sdk/proto/harvest/v1"
)

// OffersChanges is what a plugin whose sources are Changers says in Info.Offers.
const OffersChanges = "changes"

// Watermark says how far a harvest has read, in a form that only its plugin
// understands: a cursor, a time of the source, a hash of what was read. It is at
// most 64 KiB and holds no secret. The host keeps it when the harvest has ended
// well, for as long as the plugin and the configuration stay as they are.
type Watermark []byte

// Changer is a Source that can also tell what has changed since an earlier
// harvest. A host that does not know of it calls Harvest.
type Changer interface {
	// Changes emits what has changed since the watermark. Each scope ends by
	// ScopeKept, or by ScopeDone where it was read from one end to the other, or by
	// neither where it could not be read. Without a watermark it is Harvest.
	//
	// What it gives is the watermark of the next harvest: of the moment at which it
	// began to read, never of a later one, so that nothing falls between the two.
	// None has the next harvest read everything. It gives Expired for a watermark
	// that it cannot go on from, and is then called without one.
	Changes(ctx context.Context, req Request, since Watermark, out ChangeSink) (Watermark, error)
}

// ChangeSink is the Sink of Changes. Its further methods are refused where there
// is no watermark: then everything is emitted, and what is not is gone.
type ChangeSink interface {
	Sink

	// ScopeKept ends a scope: everything that has changed in it has been emitted or
	// named as gone, and the rest is as it was.
	ScopeKept(scope string) error

	// Gone names an asset that the source itself says is no longer there. Its tests,
	// and the edges of the scope that touch it, go with it. An edge or a test alone
	// cannot be named: emit the scope from one end to the other instead.
	Gone(scope string, asset NativeID) error
}

// codeExpired marks a watermark that a plugin cannot go on from.
const codeExpired = harvestv1.CodeExpired

// Expired says that the source cannot tell what has changed since the watermark: it
// is of another shape, or the source remembers less far back. Everything is then read.
func Expired(why string) *Error {
	return &Error{Class: ClassInternal, Code: codeExpired, Message: "the watermark is not valid any more: " + why, Fix: "run the source once in full"}
}

// changes calls the source as a Changer, if the host has asked for that and it is one.
func (c *call) changes(ctx context.Context, source Source, req *harvestv1.HarvestRequest, out *sink) error {
	r := Request{RunID: req.GetRunId(), Checkpoint: req.GetCheckpoint()}
	changer, can := source.(Changer)
	if !can || !req.GetChanges() {
		return source.Harvest(ctx, r, out)
	}
	out.goesOn = len(req.GetWatermark()) > 0
	mark, err := changer.Changes(ctx, r, req.GetWatermark(), out)
	if err != nil {
		return err
	}
	return out.mark(mark)
}

// ScopeKept says that the scope is as it was, but for what was sent of it.
func (s *sink) ScopeKept(scope string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.changing(scope); err != nil {
		return err
	}
	switch {
	case s.broken[scope] || s.broken[""]:
		return &Error{
			Class: ClassInternal, Code: "scope_incomplete", Message: "the scope " + s.secrets.Strike(scope) + " is called kept although an error was noted for it",
			Fix: "call ScopeKept only for scopes without a note of ErrorLevel",
		}
	case s.scopes[scope]:
		return errTwice(s.secrets.Strike(scope))
	}
	if err := s.event(&harvestv1.HarvestEvent{Event: &harvestv1.HarvestEvent_ScopeKept{ScopeKept: &harvestv1.ScopeKept{Scope: scope}}}); err != nil {
		return err
	}
	s.kept[scope] = true
	s.done.Kept = int64(len(s.kept))
	return nil
}

func errTwice(scope string) error {
	return &Error{Class: ClassInternal, Code: "scope_twice", Message: "the scope " + scope + " is called kept and done", Fix: "end each scope once"}
}

// Gone names what is no longer there.
func (s *sink) Gone(scope string, asset NativeID) error {
	if err := asset.validate("asset", "id"); err != nil {
		return err
	}
	if !utf8.ValidString(scope + asset.Namespace + asset.Name) {
		return badRecord("asset", "id", "has a name that is no UTF-8", "name it as it was emitted")
	}
	if s.secrets.In([]byte(scope + " " + asset.Namespace + " " + asset.Name)) {
		return errSecret("the name of an asset")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.changing(scope); err != nil {
		return err
	}
	if s.done.GetGone() >= harvestv1.MaxGone {
		return Expired("more is gone than one harvest may name")
	}
	s.done.Gone++
	return s.event(&harvestv1.HarvestEvent{Event: &harvestv1.HarvestEvent_Gone{Gone: &harvestv1.Gone{Scope: scope, Asset: encodeID(asset)}}})
}

// changing refuses what only a harvest since a watermark says. The lock is held.
func (s *sink) changing(scope string) error {
	switch {
	case scope == "":
		return badRecord("scope", "", "has no name", "name the scope as the records do")
	case !s.goesOn:
		return &Error{Class: ClassInternal, Code: "no_watermark", Message: "it is said what stays or is gone in a harvest of everything", Fix: "call ScopeKept and Gone only where there is a watermark"}
	}
	return nil
}

// mark keeps the watermark for the end of the harvest.
func (s *sink) mark(w Watermark) error {
	switch {
	case len(w) > harvestv1.MaxWatermarkBytes:
		return badRecord("watermark", "", "is larger than 64 KiB", "keep a cursor or a hash, not the data")
	case s.secrets.In(w):
		return errSecret("a watermark")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.watermark = w
	return nil
}

// putWatermark sends it, right before the counts. The lock is held.
func (s *sink) putWatermark() error {
	if len(s.watermark) == 0 {
		return nil
	}
	return s.put(&harvestv1.HarvestEvent{Event: &harvestv1.HarvestEvent_Watermark{Watermark: &harvestv1.Watermark{State: s.watermark}}})
}

var _ ChangeSink = (*sink)(nil)
