//go:build !race

package process

// DefaultMemory is what a process may have that nobody gives another limit. Go starts from 128 MiB.
const DefaultMemory = 512 << 20
