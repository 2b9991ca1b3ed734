//go:build race

package review

// childMemory bounds nothing in a binary with the race detector, whose shadow
// of the memory alone is larger than any useful limit.
const childMemory = 1 << 50
