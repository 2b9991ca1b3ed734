package model

// Explanation says why a decision was what it was, and what would change it.
type Explanation struct {
	DecisionID ID
	Outcome    Outcome // of the evaluation again
	Faithful   bool    // the rules are those that decided, and they decided the same again
	Reasons    []Reason
	Rules      []RuleTrace // every rule for the action, the platform's first
	Paths      []LegalPath // single changes that make it allowed, the shortest first
}

// RuleTrace is one rule that could have applied.
type RuleTrace struct {
	Package string // souk.platform, souk.domains.sales
	Entry   string // allow, deny or consent
	Title   string // from its METADATA
	Code    string // of the reason that it gives
	File    string
	Line    int
	Held    bool             // every condition was met
	Failed  *FailedCondition // else the first that was not
}

// FailedCondition is a condition that was not met.
type FailedCondition struct {
	File    string
	Line    int
	Column  int
	Text    string // as the author wrote it
	Values  []ComparedValue
	Because []FailedCondition // the conditions of the helper rules that it asks, when those were not met
}

// ComparedValue is what a condition looked at.
type ComparedValue struct {
	Path     string // input.resource.classification
	Value    string // as JSON; "" when it is hidden
	Missing  bool   // the input holds no such value
	Redacted bool
}

// LegalPath is one thing that somebody can do to be allowed.
type LegalPath struct {
	Kind      string // request_access, state_purpose, hold_role, ...
	Message   string
	Outcome   Outcome    // what the policies would answer then
	Approvals []Approval // when that wants votes
	Changes   []ComparedValue
}

// Redacted gives a copy that shows no value whose path the predicate hides.
// What the rules say is open to everybody; what they saw may not be.
func (e Explanation) Redacted(hide func(path string) bool) Explanation {
	rules := make([]RuleTrace, len(e.Rules))
	for i, r := range e.Rules {
		if r.Failed != nil {
			failed := r.Failed.redacted(hide)
			r.Failed = &failed
		}
		rules[i] = r
	}
	paths := make([]LegalPath, len(e.Paths))
	for i, p := range e.Paths {
		p.Changes = redacted(p.Changes, hide)
		paths[i] = p
	}
	e.Rules, e.Paths = rules, paths
	return e
}

func redacted(values []ComparedValue, hide func(path string) bool) []ComparedValue {
	shown := make([]ComparedValue, len(values))
	for i, v := range values {
		if shown[i] = v; hide(v.Path) {
			shown[i] = ComparedValue{Path: v.Path, Redacted: true}
		}
	}
	return shown
}

func (c FailedCondition) redacted(hide func(path string) bool) FailedCondition {
	because := make([]FailedCondition, len(c.Because))
	for i, b := range c.Because {
		because[i] = b.redacted(hide)
	}
	c.Values, c.Because = redacted(c.Values, hide), because
	return c
}

// UnmetCondition is a condition with its depth in the list that Conditions gives.
type UnmetCondition struct {
	FailedCondition

	Depth int // 0 for the rule's own; 1 for one of a helper that it asks, and so on
}

// Conditions lists what was not met in the order in which it reads: the rule's
// own condition, and below each one those of the helpers that it asks.
func (t RuleTrace) Conditions() []UnmetCondition {
	list := []UnmetCondition{}
	if t.Failed != nil {
		list = t.Failed.flattened(list, 0)
	}
	return list
}

func (c FailedCondition) flattened(list []UnmetCondition, depth int) []UnmetCondition {
	list = append(list, UnmetCondition{FailedCondition: c, Depth: depth})
	for _, b := range c.Because {
		list = b.flattened(list, depth+1)
	}
	return list
}
