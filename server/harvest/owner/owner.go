// Package owner names the processes that make runs, so that another one on the
// same machine can tell at once that one has ended. It refuses to guess: where it
// cannot be certain, a process may live.
package owner
