package settings

//go:generate go test -run TestManual -update

import (
	"fmt"
	"strings"
)

// Manual is the table of all settings, in Markdown.
func Manual() string {
	var b strings.Builder
	b.WriteString("| setting | default | meaning |\n|---|---|---|\n")
	for _, s := range All() {
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", s.Name, s.byDefault(), strings.ReplaceAll(s.Meaning, "|", `\|`))
	}
	fmt.Fprintf(&b, "| `%s` | none | the YAML file; a flag or `%s` only |\n", ConfigFlag, Variable(ConfigFlag))
	return b.String()
}
