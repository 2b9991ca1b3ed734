package owner_test

import (
	"os"
	"strings"
	"testing"

	"github.com/souk-mesh/souk/server/harvest/owner"
)

// TestGone: a process has ended only where that is certain.
func TestGone(t *testing.T) {
	self := strings.Fields(owner.Of(os.Getpid()))
	first := strings.Fields(owner.Of(1))
	if len(self) != 4 || len(first) != 4 {
		t.Fatalf("owners %q and %q", self, first)
	}
	for _, c := range []struct {
		name, owner string
		want        bool
	}{
		{"this process", strings.Join(self, " "), false},
		{"somebody else's process", strings.Join(first, " "), false},
		{"its number came again", strings.Join([]string{self[0], self[1], self[2], "1"}, " "), true},
		{"no such number", strings.Join([]string{self[0], self[1], "4194305", self[3]}, " "), true},
		{"another machine", "b0071d " + self[1] + " 4194305 1", false},
		{"another container", self[0] + " pid:[1] 4194305 1", false},
		{"an earlier program", "", false},
		{"no number", self[0] + " " + self[1] + " -1 1", false},
	} {
		if got := owner.Gone(c.owner); got != c.want {
			t.Errorf("%s: gone is %v", c.name, got)
		}
	}
}
