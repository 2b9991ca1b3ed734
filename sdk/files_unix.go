//go:build unix

package sdk

import "syscall"

// nonBlocking keeps a named pipe from blocking whoever opens it.
const nonBlocking = syscall.O_NONBLOCK
