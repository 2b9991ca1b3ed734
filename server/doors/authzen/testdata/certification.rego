# METADATA
# title: The fixture of the AuthZEN certification scenario
# description: |
#   Two people, two records, three actions of an application. Records are
#   assets; their status is known to the server.
package souk.domains.certification

import rego.v2

# METADATA
# title: Reading
# description: Alice and Bob read every record.
allow contains {"code": "record.read", "message": "You may read records."} if {
	input.action.name == "app.read"
	input.subject.name in {"alice", "bob"}
}

# METADATA
# title: Writing
# description: Alice writes what is not archived.
allow contains {"code": "record.write", "message": "You may write records in use."} if {
	input.action.name == "app.write"
	input.subject.name == "alice"
	input.properties.resource.status != "archived"
}

# METADATA
# title: Writing the archive
# description: Administrators of records write what is archived.
allow contains {"code": "record.archive", "message": "You keep the archive."} if {
	input.action.name == "app.write"
	input.properties.resource.status == "archived"
	_keeps_archive(input)
}

_keeps_archive(question) if question.properties.subject.role == "admin"

_keeps_archive(question) if "certification/admins" in question.subject.teams

# METADATA
# title: Deleting
# description: Alice deletes what can be brought back.
allow contains {"code": "record.delete", "message": "You may delete softly."} if {
	input.action.name == "app.delete"
	input.subject.name == "alice"
	input.properties.action.soft == true
}
