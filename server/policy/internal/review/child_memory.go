//go:build !race

package review

// childMemory is how much data a child may hold, by the system's count.
const childMemory = 512 << 20
