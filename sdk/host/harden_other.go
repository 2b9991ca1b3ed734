//go:build !linux

package host

// Harden has no means here.
func Harden() error { return nil }
