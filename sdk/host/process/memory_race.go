//go:build race

package process

// DefaultMemory bounds nothing in a binary with the race detector, whose shadow
// of the memory alone is larger than any useful limit.
const DefaultMemory = 1 << 50
