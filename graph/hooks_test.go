package graph

import (
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// hooked are the lists that are written by a plan: the type of a row, and what
// plans it.
var hooked = map[string]string{
	"Asset":              "plannedPointers(ctx, ec.OperationContext, sel, v, assetImplementors, assetColumn)",
	"AssetEdge":          "plannedPointers(ctx, ec.OperationContext, sel, v, assetEdgeImplementors, assetEdgeColumn)",
	"AssetField":         "plannedValues(ctx, ec.OperationContext, sel, v, assetFieldImplementors, assetFieldColumn)",
	"SearchHit":          "plannedPointers(ctx, ec.OperationContext, sel, v, searchHitImplementors, hitColumn)",
	"SearchEdge":         "plannedPointers(ctx, ec.OperationContext, sel, v, searchEdgeImplementors, hitEdgeColumn)",
	"Node":               "plannedNouns(ctx, ec.OperationContext, sel, v)",
	"DataProduct":        "plannedPointers(ctx, ec.OperationContext, sel, v, dataProductImplementors, productColumn)",
	"DataProductEdge":    "plannedPointers(ctx, ec.OperationContext, sel, v, dataProductEdgeImplementors, productEdgeColumn)",
	"DecisionRecord":     "plannedPointers(ctx, ec.OperationContext, sel, v, decisionRecordImplementors, recordColumn)",
	"DecisionRecordEdge": "plannedPointers(ctx, ec.OperationContext, sel, v, decisionRecordEdgeImplementors, recordEdgeColumn)",
}

// listFunc is how the generated code begins to write a list that is always there.
var listFunc = regexp.MustCompile(`(?m)^func \(ec \*executionContext\) marshalN(\w+?)2ᚕ\S*\(ctx context\.Context, sel ast\.SelectionSet, v \[\]\S+\) graphql\.Marshaler \{\n`)

// TestListsAreHooked holds the generated code to what generate makes of it: each
// list of the table asks its plan first. With -update it writes that.
func TestListsAreHooked(t *testing.T) {
	update := flag.Lookup("update").Value.String() == "true"
	files, err := filepath.Glob("*.generated.go")
	if err != nil {
		t.Fatal(err)
	}
	left := map[string]bool{}
	for row := range hooked {
		left[row] = true
	}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		now := listFunc.ReplaceAllStringFunc(string(text), func(head string) string {
			row := listFunc.FindStringSubmatch(head)[1]
			if hooked[row] == "" {
				return head
			}
			delete(left, row)
			return head + hook(row)
		})
		for row := range hooked { // those that have been hooked before
			now = strings.ReplaceAll(now, hook(row)+hook(row), hook(row))
		}
		if now == string(text) {
			continue
		}
		if !update {
			t.Errorf("%s: a list does not ask its plan first; run go generate ./graph", name)
		} else if err := os.WriteFile(name, []byte(now), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for row := range left {
		t.Errorf("the generated code writes no list of %s; take it out of the table", row)
	}
}

func hook(row string) string {
	return "\tif out := " + hooked[row] + "; out != nil {\n\t\treturn out\n\t}\n"
}
