// Package awstest is how tests of plugins for AWS find the emulator. It owns the
// way to it, and refuses to know any service.
package awstest

import (
	"os"
	"testing"
)

// URL is that of moto, which CI always has.
func URL(t *testing.T) string {
	t.Helper()
	address := os.Getenv("SOUK_TEST_MOTO_URL")
	switch {
	case address != "":
	case os.Getenv("SOUK_TEST_SKIP") == "never":
		t.Fatal("SOUK_TEST_MOTO_URL is not set, and SOUK_TEST_SKIP forbids to skip")
	default:
		t.Skip("SOUK_TEST_MOTO_URL is not set; .ci/moto starts the emulator and prints it")
	}
	return address
}
