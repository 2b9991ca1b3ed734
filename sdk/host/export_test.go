package host

// For tests.
var (
	OwnCgroup = ownCgroup
	EndCell   = endCell
)

// Hold starts a cell of the name below the cgroup with the process in it.
func Hold(parent, name string, pid int) { newCell(parent, name).hold(pid) }
