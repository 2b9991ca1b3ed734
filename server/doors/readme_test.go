package doors_test

import (
	"encoding/json"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/souk-mesh/souk/server/doors/authzen"
	"github.com/souk-mesh/souk/server/doors/opa"
	"github.com/souk-mesh/souk/server/doors/trino"
)

// TestPage holds the page for those who connect to what is there: it names every
// endpoint, names no other, and its data can be read.
func TestPage(t *testing.T) {
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	page := string(text)
	known := map[string]bool{authzen.WellKnown: true, "/v1/data/souk/main/decision": true, "/v1/data/souk/main/allow": true}
	for _, routes := range []map[string]http.Handler{authzen.New(nil, nil).Routes(), opa.New(nil, nil).Routes(), trino.New(nil, trino.Deny, nil).Routes()} {
		for pattern := range routes {
			_, path, _ := strings.Cut(pattern, " ")
			known[path] = true
			last := path[strings.LastIndex(path, "/")+1:]
			if !strings.Contains(page, path) && !strings.Contains(page, "`"+last+"`") && last != "{file}" {
				t.Errorf("the page does not name %s", path)
			}
		}
	}
	for _, path := range regexp.MustCompile(`/(?:access|v1)/[A-Za-z0-9/]+[A-Za-z0-9]`).FindAllString(page, -1) {
		if !known[path] {
			t.Errorf("the page names %s, and there is no such endpoint", path)
		}
	}
	for _, block := range regexp.MustCompile("(?s)```(json|yaml)\n(.*?)```").FindAllStringSubmatch(page, -1) {
		var value any
		read := json.Unmarshal
		if block[1] == "yaml" {
			read = yaml.Unmarshal
		}
		if err := read([]byte(block[2]), &value); err != nil {
			t.Errorf("%v in:\n%s", err, block[2])
		}
	}
}
