package sdk_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/souk-mesh/souk/sdk"
)

// wordy is a source whose watermark is a word.
type wordy struct{ sdk.Source }

func (wordy) Close() error { return nil }

func (wordy) Changes(_ context.Context, _ sdk.Request, since sdk.Watermark, out sdk.ChangeSink) (sdk.Watermark, error) {
	switch string(since) {
	case "":
		return sdk.Watermark("one"), errors.Join(out.Emit(book(1)), out.ScopeDone("shelf"))
	case "one":
		return sdk.Watermark("two"), errors.Join(out.Emit(book(2)), out.Gone("shelf", book(1).ID), out.ScopeKept("shelf"))
	case "early":
		return sdk.Watermark(bytes.Repeat([]byte("x"), 64<<10+1)), nil
	case "twice":
		return nil, errors.Join(out.ScopeDone("shelf"), out.ScopeKept("shelf"))
	case "unnamed":
		return nil, out.Gone("shelf", sdk.NativeID{Namespace: "shelf://home"})
	case "bytes":
		return nil, out.Gone("shelf", sdk.NativeID{Namespace: "shelf://home", Name: "\xff"})
	case "told":
		return sdk.Watermark("at canary-Pa55word!"), nil
	}
	return nil, sdk.Expired("there is no such word")
}

// TestDumpOfWhatHasChanged prints the watermark, and goes on from it.
func TestDumpOfWhatHasChanged(t *testing.T) {
	plugin := sdk.Register(sdk.Plugin[struct {
		Password string `json:"password,omitempty" doc:"A password." format:"secret"`
	}]{Info: sdk.Info{Name: "wordy"}, Open: func(context.Context, struct {
		Password string `json:"password,omitempty" doc:"A password." format:"secret"`
	}, sdk.Env,
	) (sdk.Source, error) {
		return wordy{}, nil
	}})
	t.Setenv("SOUK_TEST_PASSWORD", "canary-Pa55word!")
	dump := func(since string) (out, trouble string) {
		var stdout, stderr bytes.Buffer
		args := []string{"dump", "--secret", "password=env:SOUK_TEST_PASSWORD"}
		if since != "" {
			args = append(args, "--since", since)
		}
		sdk.RunTool(t.Context(), &stdout, &stderr, false, nil, args, plugin)
		return stdout.String(), stderr.String()
	}
	if out, trouble := dump(""); !strings.HasSuffix(out, "{\"scopeDone\":\"shelf\"}\n{\"watermark\":\"b25l\"}\n") || trouble != "" {
		t.Errorf("got %s %s", out, trouble)
	}
	out, _ := dump("b25l")
	for _, want := range []string{`{"gone":{"namespace":"shelf://home","name":"book 1","scope":"shelf"}}`, `{"scopeKept":"shelf"}`, `{"watermark":"dHdv"}`} {
		if !strings.Contains(out, want+"\n") {
			t.Errorf("got %s, want %s", out, want)
		}
	}
	for since, want := range map[string]string{
		"ZWFybHk=": "larger than 64 KiB", "dHdpY2U=": "called kept and done", "dW5uYW1lZA==": "has no name", "Ynl0ZXM=": "no UTF-8", "dG9sZA==": "stands in a watermark",
		"eA==": "not valid any more: there is no such word", "?": "base64",
	} {
		if out, trouble := dump(since); !strings.Contains(trouble, want) || strings.Contains(out, `"watermark"`) {
			t.Errorf("%s: got %s %s, want %s", since, out, trouble, want)
		}
	}
}

// TestNothingStaysWhereAllIsRead refuses what only a harvest since a watermark says.
func TestNothingStaysWhereAllIsRead(t *testing.T) {
	var w wire
	out := sdk.NewTestSink(t.Context(), nil, w.send)
	defer out.Close()
	for what, err := range map[string]error{"gone": out.Gone("shelf", book(1).ID), "kept": out.ScopeKept("shelf")} {
		if e, ok := errors.AsType[*sdk.Error](err); !ok || e.Code != "no_watermark" {
			t.Errorf("%s: got %v", what, err)
		}
	}
}
