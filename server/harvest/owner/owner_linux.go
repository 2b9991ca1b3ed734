package owner

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// Of names a process for good: its machine since that was started, the
// space that its number counts in (a container has one of its own), the number,
// and when it began, since numbers come again. It is "" where that cannot be told.
func Of(pid int) string {
	state, began := processState(pid)
	place := ownPlace()
	if place == "" || state == "" || state == "Z" {
		return ""
	}
	return fmt.Sprintf("%s %d %s", place, pid, began)
}

// Gone reports an owner that has certainly ended. One on another machine, in
// another container, or that may not be looked at, may live.
func Gone(owner string) bool {
	words := strings.Fields(owner)
	place := ownPlace()
	if len(words) != 4 || place == "" || words[0]+" "+words[1] != place {
		return false
	}
	pid, err := strconv.Atoi(words[2])
	if err != nil || pid <= 0 {
		return false
	}
	if errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
		return true
	}
	state, began := processState(pid)
	return state == "Z" || (state != "" && began != words[3])
}

// ownPlace is where this process can tell the living from the dead.
func ownPlace() string {
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	space, err := os.Readlink("/proc/self/ns/pid")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(boot)) + " " + space
}

// processState is the state of a process, such as R or Z (it has ended, and nobody
// has asked how), and when it began. Both are "" where that cannot be read.
func processState(pid int) (state, began string) {
	line, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return "", ""
	}
	text := string(line)
	fields := strings.Fields(text[strings.LastIndexByte(text, ')')+1:]) // the name before may hold anything
	const beganAt = 19
	if len(fields) <= beganAt {
		return "", ""
	}
	return fields[0], fields[beganAt]
}
