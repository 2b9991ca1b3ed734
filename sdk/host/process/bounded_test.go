package process_test

import (
	"io"
	"strings"
	"testing"

	"github.com/souk-mesh/souk/sdk/host/process"
)

func TestBoundedKeepsWhatFits(t *testing.T) {
	calls := 0
	b := process.NewBounded(5, func() { calls++ })
	for _, text := range []string{"abc", "de", ""} {
		if n, err := io.WriteString(b, text); n != len(text) || err != nil {
			t.Fatal(n, err)
		}
	}
	if string(b.Bytes()) != "abcde" || calls != 0 {
		t.Errorf("got %q, full %d times", b.Bytes(), calls)
	}
	if n, err := io.Copy(b, strings.NewReader("fgh")); n != 3 || err != nil || string(b.Bytes()) != "abcde" || calls != 1 {
		t.Errorf("copied %d, %v: got %q, full %d times", n, err, b.Bytes(), calls)
	}
}
