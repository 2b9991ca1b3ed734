package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// TestTheWireInPythonIsThatInGo wants the files to be what the wire says today.
func TestTheWireInPythonIsThatInGo(t *testing.T) {
	wire, err := wireModule()
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string][]byte{"_wire.py": wire, "records.py": recordsModule()} {
		if got, err := os.ReadFile(filepath.Join("..", "src", "souk_plugin", name)); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s is another (%v): go generate ./sdk/...", name, err)
		}
	}
}
