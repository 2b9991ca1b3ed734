package sdk

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// OffersGrants is what a plugin whose sources are Granters says in Info.Offers.
const OffersGrants = "grants"

// Granter is a Source that can also give and take rights in its system. Only
// ApplyGrant changes anything there, and it does so with a credential of its own
// that nobody has to give: without it every method says so by NoGrants.
type Granter interface {
	// ListGrants tells what the plugin has given, and what the roles have
	// besides by whatever hand, as it stands in the source.
	ListGrants(ctx context.Context, roles []string, emit func(HeldGrant) error) error

	// PlanGrant gives the exact statements, in order, and has no effect. There
	// are none where the source is already as it should be.
	PlanGrant(ctx context.Context, r GrantRequest) (GrantPlan, error)

	// ApplyGrant does what was planned, whole or not at all. It answers
	// GrantAlready where that is done already, so that it may be called again after
	// a crash, and GrantChanged, having done nothing, where the source is no longer
	// the one that the plan was made on.
	ApplyGrant(ctx context.Context, r GrantRequest, p GrantPlan) (GrantOutcome, error)

	// VerifyGrant tells what the role of the grant can read now, by whatever way.
	VerifyGrant(ctx context.Context, g Grant) (Effective, error)
}

// Grant is a decision of Souk: a role of the source may read an asset, or some of it.
type Grant struct {
	ID       string      `json:"id"`                 // unique; what the grant has of its own in the source is called by it
	Asset    NativeID    `json:"asset"`              // as the plugin emits it
	StableID string      `json:"stableId,omitempty"` // of the asset, as it was harvested: what has its name and another id is another asset
	Role     string      `json:"role"`               // of the source, as an administrator has named it
	Fields   []string    `json:"fields,omitempty"`   // that may be read as they are; none: all of them, but for the masked
	Masks    []Mask      `json:"masks,omitempty"`    // fields that show something else than their values
	Filters  []RowFilter `json:"filters,omitempty"`  // all of which have to hold for a row to be shown
	TakeOver bool        `json:"takeOver,omitempty"` // what the role has already by another hand counts as this grant's from now on
}

// Mask is a field that shows something else.
type Mask struct {
	Field string `json:"field"`
	With  string `json:"with"` // null, hash or partial
}

// RowFilter is a condition on rows.
type RowFilter struct {
	Field string `json:"field"`
	Op    string `json:"op"`    // eq, ne, lt, le, gt, ge or in
	Value string `json:"value"` // of in: a list with commas
}

// GrantRequest is a grant to give or to take away.
type GrantRequest struct {
	Grant  Grant   `json:"grant"`
	Revoke bool    `json:"revoke,omitempty"`
	Others []Grant `json:"others,omitempty"` // of the same role on the same asset: they stay
}

// GrantPlan is what would be done.
type GrantPlan struct {
	Statements   []string `json:"statements"`        // exactly, in order; none: the source is so already
	Precondition string   `json:"precondition"`      // stands for the state of the source that this was planned on
	Remarks      []string `json:"remarks,omitempty"` // for people: what this can do, and what it cannot
	Reads        NativeID `json:"reads,omitzero"`    // where the role finds what it may read
}

// GrantOutcome is how an ApplyGrant ended that is no error.
type GrantOutcome string

// The outcomes.
const (
	GrantDone    GrantOutcome = "done"
	GrantAlready GrantOutcome = "already"
	GrantChanged GrantOutcome = "changed" // nothing was done: plan again
)

// HeldGrant is a right that a role has in the source.
type HeldGrant struct {
	Asset   NativeID `json:"asset"`
	Role    string   `json:"role"`
	Fields  []string `json:"fields,omitempty"`  // none: all of them
	By      string   `json:"by,omitempty"`      // who gave it
	Ours    bool     `json:"ours,omitempty"`    // given by this plugin
	GrantID string   `json:"grantId,omitempty"` // where the source says for which grant it is
}

// Effective is what a role can read of an asset.
type Effective struct {
	Given    bool     `json:"given"`    // what the grant gives is there, whole
	Readable []string `json:"readable"` // fields of the asset itself whose values the role can read
	Ways     []Way    `json:"ways"`     // by what
}

// Way is by what a role can read an asset.
type Way struct {
	Kind    WayKind  `json:"kind"`
	Through string   `json:"through,omitempty"` // which role, where it is another one
	Fields  []string `json:"fields,omitempty"`  // none: all of them
	Ours    bool     `json:"ours,omitempty"`    // given by this plugin
}

// WayKind is a kind of way.
type WayKind string

// The kinds of ways.
const (
	ByGrant     WayKind = "grant"     // a right of the role itself
	ByPublic    WayKind = "public"    // a right that everybody has
	ByInherited WayKind = "inherited" // a right of a role that it is a member of
	ByOwner     WayKind = "owner"     // it owns the asset, or is a member of the owner
	BySuperuser WayKind = "superuser" // nothing is asked of it
	ByOther     WayKind = "other"     // such as a right to read everything
)

// NoGrants says that the source gives no grants as it is configured, and which
// field would change that.
func NoGrants(field string) *Error {
	e := Config(field, "is not set: this source gives and takes no rights", "an administrator sets the credential with which rights are given, which is off by default")
	e.Code = "grants.off"
	return e
}

var grantID = regexp.MustCompile(`^[A-Za-z0-9_-]{1,40}$`)

// The words of masks and filters.
var (
	maskWords   = []string{"null", "hash", "partial"}
	filterWords = []string{"eq", "ne", "lt", "le", "gt", "ge", "in"}
)

// Validate says what is wrong with the request in itself.
func (r GrantRequest) Validate() error {
	if err := r.Grant.Validate(); err != nil {
		return err
	}
	for _, other := range r.Others {
		if err := other.Validate(); err != nil {
			return err
		}
		if other.Asset != r.Grant.Asset || other.Role != r.Grant.Role || other.ID == r.Grant.ID {
			return Config("others", "names a grant of another role or asset, or the grant itself", "name the grants beside it alone")
		}
	}
	return nil
}

// Validate says what is wrong with the grant in itself.
func (g Grant) Validate() error {
	names := slices.Concat([]string{g.Role, g.Asset.Name}, g.Fields)
	for _, m := range g.Masks {
		names = append(names, m.Field)
		if !slices.Contains(maskWords, m.With) {
			return Config("masks", "has a mask that is not known", "write one of "+strings.Join(maskWords, ", "))
		}
	}
	for _, f := range g.Filters {
		names = append(names, f.Field)
		if !slices.Contains(filterWords, f.Op) || !wellFormed(f.Value) {
			return Config("filters", "has a filter that is not known", "compare by one of "+strings.Join(filterWords, ", ")+" with a text")
		}
	}
	for _, name := range names {
		if name == "" || !wellFormed(name) {
			return Config("grant", fmt.Sprintf("has an empty name or one that is no text: %.40q", name), "name the asset, the role and the fields as the source does")
		}
	}
	if !grantID.MatchString(g.ID) {
		return Config("grant.id", "is no id of a grant", "write up to 40 letters, digits, _ and -")
	}
	return g.overlap()
}

func wellFormed(text string) bool { return utf8.ValidString(text) && !strings.Contains(text, "\x00") }

// overlap refuses a field that is named twice, of which the stricter could be lost.
func (g Grant) overlap() error {
	seen := map[string]bool{}
	for _, field := range g.Fields {
		seen[field] = true
	}
	if len(seen) < len(g.Fields) {
		return Config("fields", "names a field twice", "name it once")
	}
	for _, m := range g.Masks {
		if seen[m.Field] {
			return Config("masks", "has a field that is named twice, or also to be read as it is", "name it once")
		}
		seen[m.Field] = true
	}
	return nil
}
