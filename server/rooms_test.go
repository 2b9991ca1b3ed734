package server_test

import (
	"os"
	"slices"
	"strings"
	"testing"
)

// TestRoomsAsDrawn holds the picture of the rooms in README.md: every room is
// in it, and imports nothing that is drawn beside or above it.
func TestRoomsAsDrawn(t *testing.T) {
	floors := drawnFloors(t)
	met := map[string]bool{}
	for _, p := range list(t) {
		from, ours := roomOf(p.ImportPath)
		if !ours {
			continue
		}
		met[from] = true
		floor, drawn := floors[from]
		if !drawn {
			t.Errorf("README.md does not draw the room %s", from)
			continue
		}
		for _, imported := range p.Imports {
			to, ours := roomOf(imported)
			if ours && to != from && floors[to] <= floor {
				t.Errorf("%s imports %s, which README.md draws beside or above %s", p.ImportPath, imported, from)
			}
		}
	}
	for room := range floors {
		if !met[room] {
			t.Errorf("README.md draws the room %s, and there is none", room)
		}
	}
}

// drawnFloors gives the line of each room in the picture, counted from the top.
func drawnFloors(t *testing.T) map[string]int {
	t.Helper()
	page, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, found := strings.Cut(string(page), "## The rooms")
	parts := strings.Split(section, "```")
	if !found || len(parts) < 3 {
		t.Fatal("README.md has no picture under \"The rooms\"")
	}
	floors := map[string]int{}
	for i, line := range strings.Split(strings.TrimSpace(parts[1]), "\n") {
		// Three spaces and more part the rooms from what is said of them.
		rooms, _, _ := strings.Cut(line, "   ")
		for room := range strings.FieldsSeq(rooms) {
			floors[room] = i
		}
	}
	return floors
}

// roomOf gives the room below server/ that a package lies in. Rooms that only
// tests import are none: they may know every floor.
func roomOf(importPath string) (room string, ours bool) {
	path, ours := strings.CutPrefix(importPath, module)
	if path == "server" {
		return path, ours
	}
	path, below := strings.CutPrefix(path, "server/")
	if !ours || !below || slices.ContainsFunc(strings.Split(path, "/"), func(part string) bool { return strings.HasSuffix(part, "test") }) {
		return "", false
	}
	if under(path, "cmd/souk") {
		return "cmd/souk", true
	}
	room, _, _ = strings.Cut(path, "/")
	return room, true
}
