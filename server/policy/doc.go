// Package policy turns a question into a decision with Rego. It owns the
// engine, the sandbox that policies run in, and the way the platform's and a
// domain's answers combine. It looks nothing up: whatever a policy may know
// comes with the question.
package policy
