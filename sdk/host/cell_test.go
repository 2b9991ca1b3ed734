package host_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/souk-mesh/souk/sdk/host"
	"github.com/souk-mesh/souk/sdk/host/process"
)

// divisible gives the cgroup of this process if it may make others below it.
// Where it may not, plugins have no cells, and that is looked at instead.
func divisible(t *testing.T) string {
	t.Helper()
	parent := process.OwnCgroup()
	probe := filepath.Join(parent, "souk-probe")
	if parent == "" || os.Mkdir(probe, 0o755) != nil {
		return ""
	}
	_, err := os.Stat(filepath.Join(probe, "cgroup.kill"))
	if removed := os.Remove(probe); err != nil || removed != nil {
		return ""
	}
	return parent
}

// TestACellHoldsWhatAPluginStarts, in a session of its own too, and is gone
// with the plugin.
func TestACellHoldsWhatAPluginStarts(t *testing.T) {
	parent := divisible(t)
	b := newBench(t)
	p, failure := b.launch(host.Self("escape by a session"), host.Limits{})
	if failure != nil {
		t.Fatal(failure)
	}
	var m memory
	if _, err := p.Harvest(t.Context(), host.Request{}, &m); err != nil || len(m.names) != 1 {
		t.Fatalf("got %v, %v", m.names, err)
	}
	pid, _ := strconv.Atoi(m.names[0])
	member, err := os.ReadFile(fmt.Sprintf("/proc/%d/cgroup", pid))
	_, cell, held := strings.Cut(string(member), "/souk-run-")
	if err != nil || held != (parent != "") {
		t.Errorf("cgroups can be made below %q, and the process is in\n%s%v", parent, member, err)
	}
	b.close(p)
	if !gone(pid) {
		t.Errorf("process %d lives on", pid)
	}
	cell, _, _ = strings.Cut(cell, "\n")
	if _, err := os.Stat(filepath.Join(parent, "souk-run-"+cell)); held && !os.IsNotExist(err) {
		t.Errorf("the cell is still there: %v", err)
	}
}
