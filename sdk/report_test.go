package sdk_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/souk-mesh/souk/sdk"
)

func TestWhatWasTriedIsReported(t *testing.T) {
	var r sdk.Report
	denied := fmt.Errorf("list: %w", sdk.Config("path", "is no folder", "write one that exists"))
	if err := r.Tried("read", nil); err != nil {
		t.Error(err)
	}
	if err := r.Tried("list", denied); err != nil {
		t.Error(err)
	}
	if err := r.Tried("stop", context.Canceled); err != context.Canceled { //nolint:errorlint // the very same
		t.Errorf("what nobody explains is %v", err)
	}
	want := []sdk.Capability{{Name: "read", OK: true}, {Name: "list", Reason: "path: is no folder", Fix: "write one that exists"}}
	if diff := cmp.Diff(want, r.Capabilities); diff != "" {
		t.Error(diff)
	}
}

func TestPropertiesHaveValues(t *testing.T) {
	want := map[string]string{"owner": "sales"}
	if diff := cmp.Diff(want, sdk.Properties("owner", "sales", "team", "", "odd")); diff != "" {
		t.Error(diff)
	}
}
