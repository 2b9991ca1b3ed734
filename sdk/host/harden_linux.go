package host

import (
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Harden keeps other processes of the same user, plugins among them, from
// reading the memory, the environment and the open files of this one, and
// takes the environment that it was started with out of its memory. The
// program's own copy stays. It is called once, before any plugin is launched.
func Harden() error {
	if err := forgetEnvironment(); err != nil {
		return fmt.Errorf("forget the environment: %w", err)
	}
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		return fmt.Errorf("close the memory: %w", err)
	}
	return nil
}

// forgetEnvironment writes zeros where the kernel shows the environment from.
func forgetEnvironment() error {
	stat, err := os.ReadFile("/proc/self/stat")
	if err != nil {
		return err
	}
	fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
	const begin, end = 47, 48 // env_start and env_end, counted from the state
	if len(fields) <= end {
		return nil // a kernel that does not tell
	}
	from, err := strconv.ParseInt(fields[begin], 10, 64)
	if err != nil {
		return err
	}
	to, err := strconv.ParseInt(fields[end], 10, 64)
	if err != nil || to <= from || to-from > 8<<20 {
		return err
	}
	memory, err := os.OpenFile("/proc/self/mem", os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = memory.WriteAt(make([]byte, to-from), from)
	if closed := memory.Close(); err == nil {
		err = closed
	}
	return err
}
