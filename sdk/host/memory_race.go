//go:build race

package host

// defaultMemory bounds nothing in a binary with the race detector, whose shadow
// of the memory alone is larger than any useful limit.
const defaultMemory = 1 << 50
