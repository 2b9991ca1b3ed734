// Package policy turns a question into a decision with Rego. It is the face of
// its rooms: the engine, and the nouns that others ask it with. It looks nothing
// up: whatever a policy may know comes with the question.
//
// The rooms below, each of which imports only those before it:
//
//   - question: what the policies get to know, and how the rules see it
//   - sandbox: what a package of rules is, and what it may do
//   - usage: what rules read, mention and compare
//   - verdict: what packages say, and what that comes to
//   - filter: the algebra of conditions over rows
//   - partial: rules made conditions
//   - decide: the policies in force, asked
//   - explain, impact, review, bundle: why a decision came out so, what a draft
//     would decide otherwise, whether it is sound, and rules for other engines
package policy
