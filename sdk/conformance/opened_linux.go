package conformance

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// opened tells what a process that has only described itself has done to the
// world: connections that are not those of its host, and files in its folder.
func opened(pid int) []string {
	proc := "/proc/" + strconv.Itoa(pid)
	return slices.Concat(connections(proc), filesIn(proc+"/cwd/"))
}

// connections are those that the process has made itself.
func connections(proc string) (found []string) {
	inodes := map[string]bool{}
	entries, _ := os.ReadDir(proc + "/fd")
	for _, entry := range entries {
		target, _ := os.Readlink(proc + "/fd/" + entry.Name())
		if inode, ok := strings.CutPrefix(target, "socket:["); ok {
			inodes[strings.TrimSuffix(inode, "]")] = true
		}
	}
	listening := map[string]bool{} // local addresses at which the host may have connected
	var connected [][2]string
	for _, table := range []string{"tcp", "tcp6", "udp", "udp6"} {
		text, _ := os.ReadFile(proc + "/net/" + table) //nolint:gosec // of the kernel
		for line := range strings.Lines(string(text)) {
			f := strings.Fields(line) // its number, local and remote address, ..., the inode
			if len(f) < 10 || !inodes[f[9]] {
				continue
			}
			if strings.HasSuffix(f[2], ":0000") {
				listening[port(f[1])] = true
			} else {
				connected = append(connected, [2]string{f[1], f[2]})
			}
		}
	}
	for _, c := range connected {
		if !listening[port(c[0])] {
			found = append(found, "opens a connection to "+c[1])
		}
	}
	return found
}

func port(address string) string { return address[strings.LastIndexByte(address, ':')+1:] }

// filesIn are the plain files of the process's folder, but for the host's own and
// for the copy of an interpreted program.
func filesIn(folder string) (found []string) {
	_ = filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() && d.Name() == "program" {
			return fs.SkipDir
		}
		if err == nil && d.Type().IsRegular() && d.Name() != ".owner" {
			found = append(found, "writes the file "+d.Name())
		}
		return nil
	})
	return found
}
