# METADATA
# title: The decision as Souk makes it
# description: |
#   The combination of the platform's rules and a domain's, for engines that run
#   the rules outside of Souk. It repeats what Souk's own combination does; both
#   are compared on random questions. What depends on the bundle (_actions,
#   _owner, _consent, revisions) stands in the module beside this one, and the
#   grants in data. Ask with strict built-in errors: a rule that breaks refuses
#   in Souk, while an engine that forgives lets a denial fall silent.
package souk.main

import rego.v2

# METADATA
# title: Decision
# description: |
#   The whole answer. There always is one, and without a reason to allow it
#   refuses. What the question did not tell and was added to it is "heard".
default decision := {
	"outcome": "DENY", "allow": false,
	"reasons": [{"code": "engine.error", "message": "The question could not be understood.", "origin": "engine"}],
}

decision := object.union_n([answer, {"revisions": _asked_revisions}, _heard]) if {
	question := object.union(input, _added)
	answer := _answer with input as question
}

# METADATA
# title: Allow
# description: |
#   The decision for whoever carries out no obligations: false where approval is
#   still needed, and where a mandatory obligation stands. Whoever does carry
#   them out reads the outcome and the obligations of the decision.
allow := decision.allow

# What the question does not tell. Its time is written as rules compare times.
_added := object.union({"facts": _facts, "context": {"now": _now}}, _known)

# What a product lacks consent for is known here, as grants are.
_known := {"resource": {"unconsented": _unconsented}} if _unconsented

_known := {} if not _unconsented

_unconsented := data.souk.unconsented[input.resource.id] if not input.resource.unconsented

_heard := {} if {
	_told
	not _unconsented
}

_heard := {"heard": _added} if not _told

_heard := {"heard": _added} if _unconsented

_told if {
	input.facts.grants
	input.context.now == _now
}

_facts := {} if input.facts.grants

_facts := {"grants": _grants, "roles_held": _roles_held} if not input.facts.grants

_now := _stamp(time.parse_rfc3339_ns(input.context.now))

_now := _stamp(time.now_ns()) if not input.context.now

_stamp(ns) := time.format([ns, "UTC", "2006-01-02T15:04:05.000Z"])

_grants := [grant |
	some product in _products
	some id, held in data.souk.grants[input.subject.id][product]
	held.from <= _now
	held.until > _now
	grant := {"id": id, "product": product, "purpose": held.purpose, "until": held.until}
]

_products contains object.get(input.resource, "id", "")

_products contains object.get(input.resource, "product", "")

_roles_held := [role |
	some role in ["domain_steward", "product_owner", "platform_steward"]
	_holds(role)
]

_holds("domain_steward") if input.resource.domain in input.subject.steward_of

_holds("product_owner") if {
	input.resource.owner != ""
	input.resource.owner == input.subject.id
}

_holds("platform_steward") if "STEWARD" in input.subject.roles

_asked_revisions := {"platform": _platform_revision, "domain": _domain_revision, "consent": _consent_revision}

default _domain_revision := ""

_domain_revision := object.get(_revisions, input.resource.domain, _template_revision) if {
	input.resource.domain != ""
	not _right.alone
}

default _consent_revision := ""

_consent_revision := _consent_revisions[input.subject.domain] if _consent_counts

# Whether the asker's own domain has a say in questions of the kind.
_consent_counts if {
	input.resource.domain != ""
	_right.consent
	not _right.alone
	_consent_revisions[input.subject.domain]
	input.subject.domain != input.resource.domain
}

_deny(reasons) := {"outcome": "DENY", "allow": false, "reasons": reasons}

_engine(code, message) := _deny([{"code": code, "message": message, "origin": "engine"}])

_answer := _engine("engine.unknown_action", "The action is none that policies know.") if not _right

_answer := _engine("engine.scope", "The bundle holds no rules for this domain.") if {
	_right
	_owner_wanted
	not _owner
}

_answer := _engine("engine.invalid_output", "The rules gave an answer that cannot be carried out.") if {
	_in_scope
	count(_faults) > 0
}

_answer := _deny(_sorted(_denials)) if {
	_in_scope
	count(_faults) == 0
	count(_denials) > 0
}

_answer := _engine("no.rule", "No rule allows this.") if {
	_in_scope
	count(_faults) + count(_denials) + count(_allows) == 0
}

_answer := answer if {
	_in_scope
	count(_faults) + count(_denials) == 0
	count(_allows) > 0
	answer := {
		"outcome": _outcome, "allow": _unconditional, "reasons": _sorted(_allows),
		"obligations": _obligations, "approvals": _approvals, "ttl_max_s": _ttl,
	}
}

_in_scope if {
	_right
	not _owner_wanted
}

_in_scope if {
	_right
	_owner
}

# The rights of the action: Souk's own are listed, those of applications have none.
_right := _actions[input.action.name]

_right := {"platform": false, "approval": false, "consent": false, "alone": false} if {
	not _actions[input.action.name]
	regex.match(_app_action, input.action.name)
}

# Who is asked. After a refusal nobody else needs to be.
_platform := {
	"origin": "platform",
	"allow": {r | some r in data.souk.platform.allow} | {r | _looking; some r in data.souk.platform.visible},
	"deny": {r | some r in data.souk.platform.deny},
	"obligations": {o | some o in data.souk.platform.obligations},
	"approvals": {a | some a in data.souk.platform.approvals},
}

_looking if input.action.name == "metadata.view"

_owner_wanted if {
	input.resource.domain != ""
	not _right.alone
	not _refuses(_platform)
}

_voices := [_platform] if not _owner_wanted

_voices := [_platform, _owner] if _owner_wanted

_refuses(voice) if count(voice.deny) > 0

_refuses(voice) if _faulty(voice)

_denials contains _reason(r, voice.origin) if {
	some voice in _voices
	some r in voice.deny
}

_denials contains reason if {
	_consent_wanted
	count(_consent) == 0
	reason := {
		"code": "domain.no_consent", "origin": input.subject.domain,
		"message": concat("", ["The asker's own domain, ", input.subject.domain, ", does not consent."]),
	}
}

_consent_wanted if {
	_consent_counts
	_owner_wanted
	not _refuses(_owner)
}

_allows contains _reason(r, "platform") if {
	_platform_counts
	some r in _platform.allow
}

_allows contains _reason(r, _owner.origin) if {
	_owner_wanted
	some r in _owner.allow
}

_platform_counts if _right.platform

_platform_counts if input.resource.domain == ""

_reason(r, origin) := {"code": r.code, "message": r.message, "origin": origin}

# The platform's reasons come first, and the same ones always in the same order.
_sorted(reasons) := [{"code": k[2], "message": k[3], "origin": k[1]} |
	some k in sort({[_rank(r.origin), r.origin, r.code, r.message] | some r in reasons})
]

_rank(origin) := 0 if origin == "platform"

_rank(origin) := 1 if origin != "platform"

_outcome := "NEEDS_APPROVAL" if count(_approvals) > 0

_outcome := "ALLOW" if count(_approvals) == 0

default _unconditional := false

_unconditional if {
	_outcome == "ALLOW"
	every o in _obligations {
		not o.mandatory
	}
}

# What cannot be carried out to the letter is a fault, and refuses.
_faults contains voice.origin if {
	some voice in _voices
	_faulty(voice)
}

_faults contains input.subject.domain if {
	_consent_wanted
	some r in _consent
	not _sound_reason(r)
}

_faulty(voice) if {
	some r in voice.allow | voice.deny
	not _sound_reason(r)
}

_faulty(voice) if {
	some o in voice.obligations
	not _sound_obligation(o)
}

_faulty(voice) if {
	some a in voice.approvals
	not _sound_approval(a)
}

_sound_reason(r) if {
	_filled(r.code)
	_filled(r.message)
}

_filled(text) if {
	is_string(text)
	text != ""
}

_sound_approval(a) if {
	a.role in {"domain_steward", "product_owner", "platform_steward"}
	is_string(object.get(a, "domain", ""))
	is_boolean(object.get(a, "exclude_requester", true))
	_min(a) in numbers.range(1, 10)
}

_min(a) := object.get(a, "min", 1)

_duties := {
	"mask": {"needs": {"field", "with"}, "may": set()},
	"row_filter": {"needs": {"field", "op", "value"}, "may": set()},
	"log": {"needs": set(), "may": {"note"}},
	"watermark": {"needs": set(), "may": {"text"}},
	"ttl_max": {"needs": {"duration_s"}, "may": set()},
	"no_export": {"needs": set(), "may": set()},
	"acknowledge": {"needs": {"text"}, "may": set()},
}

_sound_obligation(o) if {
	_filled(o.id)
	is_boolean(object.get(o, "mandatory", true))
	duty := _duties[o.type]
	is_object(object.get(o, "params", {}))
	every value in object.get(o, "params", {}) {
		_is_word(value)
	}
	params := _params(o)
	every name in duty.needs {
		object.get(params, name, "") != ""
	}
	every name, _ in params {
		name in duty.needs | duty.may
	}
	_sound_params(o.type, params)
}

_is_word(value) if is_string(value)

_is_word(value) if is_number(value)

_sound_params("mask", params) if _strength[params["with"]] >= 0

_sound_params("row_filter", params) if params.op in {"eq", "ne", "lt", "le", "gt", "ge", "in"}

_sound_params("ttl_max", params) if {
	regex.match(`^[+-]?[0-9]+$`, params.duration_s)
	seconds := to_number(trim_prefix(params.duration_s, "+"))
	seconds >= 1
	seconds <= 3162240000
}

_sound_params(type, _) if not type in {"mask", "row_filter", "ttl_max"}

_strength := {"none": 0, "partial": 1, "hash": 2, "null": 3}

_params(o) := {name: _word(value) | some name, value in object.get(o, "params", {})}

_word(value) := value if is_string(value)

_word(value) := sprintf("%v", [value]) if is_number(value)

# The union by strictness: of two masks on one field the one that shows less,
# of two limits the shorter; mandatory if any says so.
_wanted contains {"id": o.id, "type": o.type, "mandatory": object.get(o, "mandatory", true), "params": _params(o)} if {
	some voice in _voices
	some o in voice.obligations
}

_about(o) := concat(" ", ["mask", o.params.field]) if o.type == "mask"

_about(o) := concat("\u0000", ["row_filter", o.params.field, o.params.op, o.params.value]) if o.type == "row_filter"

_about(o) := concat(" ", ["acknowledge", o.params.text]) if o.type == "acknowledge"

_about(o) := o.type if not o.type in {"mask", "row_filter", "acknowledge"}

_loose(o) := 0 - _strength[o.params["with"]] if o.type == "mask"

_loose(o) := to_number(o.params.duration_s) if o.type == "ttl_max"

_loose(o) := 0 if not o.type in {"mask", "ttl_max"}

_obligations := [obligation |
	some about in sort({[o.type, _about(o)] | some o in _wanted})
	alike := {[_loose(o), o.id, object.get(o.params, "text", ""), object.get(o.params, "note", ""), o] |
		some o in _wanted
		_about(o) == about[1]
	}
	strictest := sort(alike)[0][4]
	mandatory := count([k | some k in alike; k[4].mandatory]) > 0
	obligation := object.union(strictest, {"mandatory": mandatory})
]

_ttl := min({to_number(o.params.duration_s) | some o in _obligations; o.type == "ttl_max"} | {_no_limit}) % _no_limit

_no_limit := 3162240001

# Of one role over one domain, the most votes that anybody wants.
_seats contains [a.role, object.get(a, "domain", ""), _min(a), object.get(a, "exclude_requester", true)] if {
	_right.approval
	some voice in _voices
	some a in voice.approvals
}

_approvals := [approval |
	some seat in sort({[s[0], s[1]] | some s in _seats})
	alike := {s | some s in _seats; s[0] == seat[0]; s[1] == seat[1]}
	approval := {
		"role": seat[0], "domain": seat[1], "min": max({s[2] | some s in alike}),
		"exclude_requester": count([s | some s in alike; s[3]]) > 0,
	}
]
