# METADATA
# title: Shared helpers
# description: |
#   Pure functions that every package may call. They look at their arguments
#   only, so that what a rule depends on can be read in the rule itself.
package souk.lib

import rego.v2

# METADATA
# title: Administrator
# description: Whether the subject runs the platform. The server's own principal does.
is_admin(subject) if "ADMIN" in subject.roles

# METADATA
# title: Platform steward
# description: Whether the subject approves on behalf of the whole platform.
is_platform_steward(subject) if "STEWARD" in subject.roles

# METADATA
# title: Steward
# description: Whether the subject speaks for the domain.
is_steward(subject, domain) if {
	domain != ""
	domain in subject.steward_of
}

# METADATA
# title: Member
# description: Whether the subject belongs to the domain. Its stewards do, wherever they sit.
is_member(subject, domain) if {
	domain != ""
	subject.domain == domain
}

is_member(subject, domain) if is_steward(subject, domain)

# METADATA
# title: Owner
# description: Whether the subject, or a team of theirs, owns the resource.
is_owner(subject, resource) if {
	resource.owner != ""
	resource.owner == subject.id
}

is_owner(subject, resource) if {
	resource.owner_team != ""
	resource.owner_team in subject.teams
}

# METADATA
# title: Insider
# description: Whether the subject may know of what the resource's domain has not published.
is_insider(subject, resource) if is_member(subject, resource.domain)

is_insider(subject, resource) if is_owner(subject, resource)

is_insider(subject, _) if is_admin(subject)
