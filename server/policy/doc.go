// Package policy turns a question into a decision with Rego. It owns the
// engine, the sandbox that policies run in, and the way the platform's and a
// domain's answers combine. It looks nothing up: whatever a policy may know
// comes with the question.
//
// The names of the files tell its parts:
//
//   - engine, snapshot, unit, module, draft: what is in force, compiled from
//     which text, and how another revision takes its place
//   - decide: the question, the input made of it, and the answers combined
//   - sandbox: what rules may call, refer to and spend
//   - check: what an author hears of a draft before it is tried
//   - proof: its tests, their coverage, the contract and the mutants, in a child
//     process; impact: what it would have decided otherwise, then or now
//   - explain, trace, path: why a decision came out as it did, and the way to another
//   - visible: the rules of looking as a condition over rows, for lists
//   - standards: findings about metadata; bundle and app: rules for engines outside
//   - reads: what rules look at, so that the log masks the rest
package policy
