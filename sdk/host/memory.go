//go:build !race

package host

// defaultMemory is what a plugin may have. Go starts from 128 MiB.
const defaultMemory = 512 << 20
