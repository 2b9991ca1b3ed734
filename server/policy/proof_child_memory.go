//go:build !race

package policy

// childMemory is how much data a child may hold, by the system's count.
const childMemory = 512 << 20
