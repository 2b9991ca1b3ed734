package sqlite_test

import (
	"fmt"
	"os"
	"testing"

	_ "github.com/souk-mesh/souk/server/servertest/heaptest"
)

// benchFolder outlives the single benchmark, for the store they share.
var benchFolder string

func TestMain(m *testing.M) {
	var err error
	if benchFolder, err = os.MkdirTemp("", "souk-bench"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	for _, db := range towns {
		_ = db.Close()
	}
	_ = os.RemoveAll(benchFolder)
	os.Exit(code)
}
