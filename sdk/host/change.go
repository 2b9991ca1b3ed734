package host

import (
	"bytes"
	"unicode/utf8"

	"github.com/souk-mesh/souk/sdk"
	"github.com/souk-mesh/souk/sdk/internal/report"
	harvestv1 "github.com/souk-mesh/souk/sdk/proto/harvest/v1"
)

// Follower is a Handler that takes what has changed since a watermark. The plugin
// says of itself whether it offers changes; one that does not is harvested whole.
type Follower interface {
	Handler

	// ScopeKept ends a scope of which everything that has changed was handed on.
	ScopeKept(scope string) error

	// Gone names an asset that the source says is no longer there. It counts once
	// its scope is kept.
	Gone(scope string, asset sdk.NativeID) error
}

// CodeExpired is the code of the failure of a harvest whose plugin cannot go on
// from the watermark. Nothing is wrong but that everything has to be read.
const CodeExpired = harvestv1.CodeExpired

// expired holds a plugin to its word: who was given no watermark cannot find it expired.
func (r *receiver) expired(f *Failure) *Failure {
	if f.Code != CodeExpired || r.goesOn {
		return f
	}
	wrong := protocolError("it says that its watermark has expired, and was given none")
	wrong.Stderr = f.Stderr
	return wrong
}

// change takes the events of a harvest that may go on from a watermark.
func (r *receiver) change(e *harvestv1.HarvestEvent) error {
	follower, follows := r.handler.(Follower)
	switch {
	case !follows || !r.asked:
		return protocolError("it tells what has changed, which it was not asked for")
	case e.GetWatermark() != nil:
		return r.mark(e.GetWatermark().GetState())
	case !r.goesOn:
		return protocolError("it says what stays or is gone in a harvest of everything")
	case e.GetGone() != nil:
		return r.gone(follower, e.GetGone())
	}
	return r.scopeKept(follower, e.GetScopeKept().GetScope())
}

// scopeKept refuses a scope of which something is missing: what changed there
// would not be looked for again.
func (r *receiver) scopeKept(follower Follower, scope string) error {
	told := report.Clip(r.secrets.Strike(scope))
	switch {
	case scope == "":
		return protocolError("a scope without a name is called kept")
	case r.broken[scope] || r.broken[""]:
		return protocolError("the scope %s is called kept although an error was noted for it", told)
	case r.scopes[scope]:
		return protocolError("the scope %s is called kept and done", told)
	case r.kept[scope]:
		return nil
	}
	r.kept[scope] = true
	r.result.Kept = append(r.result.Kept, scope)
	return r.handled(follower.ScopeKept(scope))
}

func (r *receiver) gone(follower Follower, g *harvestv1.Gone) error {
	asset, scope := decodeID(g.GetAsset()), g.GetScope()
	switch {
	case asset.Namespace == "" || asset.Name == "" || scope == "":
		return protocolError("it says that something is gone which has no name or no scope")
	case !utf8.ValidString(asset.Namespace + asset.Name + scope):
		return protocolError("it says that something is gone whose name is no UTF-8")
	case r.secrets.In([]byte(scope + " " + asset.Namespace + " " + asset.Name)):
		return toldSecret()
	case r.result.Gone >= harvestv1.MaxGone:
		return protocolError("it says of more than %d assets that they are gone, which is the limit: it must say that the watermark has expired", harvestv1.MaxGone)
	}
	r.result.Gone++
	return r.handled(follower.Gone(scope, asset))
}

func (r *receiver) mark(state []byte) error {
	switch {
	case len(state) == 0:
		return protocolError("its watermark is empty: it must leave it out")
	case len(state) > harvestv1.MaxWatermarkBytes:
		return protocolError("its watermark of %d bytes is larger than 64 KiB", len(state))
	}
	r.marked = true
	r.result.Watermark = bytes.Clone(state)
	return nil
}
