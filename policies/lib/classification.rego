package souk.lib

import rego.v2

# METADATA
# title: Rank
# description: |
#   How much harm a disclosure does, from 0 for PUBLIC to 3 for RESTRICTED. What
#   nobody has classified counts as INTERNAL, and a word that we do not know as
#   the most harmful.
rank(classification) := object.get(
	{"": 1, "PUBLIC": 0, "INTERNAL": 1, "CONFIDENTIAL": 2, "RESTRICTED": 3},
	classification, 3,
)

# METADATA
# title: Clearance
# description: |
#   The rank that a clearance reaches. None at all reaches INTERNAL, and a word
#   that we do not know reaches nothing but public data.
clearance(word) := object.get(
	{"": 1, "PUBLIC": 0, "INTERNAL": 1, "CONFIDENTIAL": 2, "RESTRICTED": 3},
	word, 0,
)

# METADATA
# title: Cleared
# description: Whether the subject's clearance reaches the classification.
is_cleared(subject, classification) if clearance(subject.clearance) >= rank(classification)

# METADATA
# title: Sensitive
# description: Whether data of the classification asks for a purpose and leaves a trace.
is_sensitive(classification) if not classification in {"", "PUBLIC", "INTERNAL"}
