package plugintest_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/souk-mesh/souk/sdk"
	"github.com/souk-mesh/souk/sdk/plugintest"
)

// shelfConfig is the configuration of a plugin that needs no source.
type shelfConfig struct {
	Books    int    `json:"books" doc:"How many books stand on the shelf."`
	Password string `json:"password,omitempty" doc:"Password of the shelf." format:"secret"`
}

type shelf struct {
	config shelfConfig
	log    *slog.Logger
	flaw   string
}

var runs atomic.Int64

// plugin is the shelf with one flaw, or with none.
func plugin(flaw string) sdk.Registration {
	name := strings.ReplaceAll("shelf-"+flaw, " ", "-")
	info := sdk.Info{Name: strings.Trim(name, "-"), Version: "1.0.0", Summary: "Books of a shelf.", Doc: "# Shelf", Emits: []string{"asset"}}
	switch flaw {
	case "no page":
		info.Doc = ""
	case "open secret":
		return sdk.Register(sdk.Plugin[struct {
			Token string `json:"token"`
		}]{Info: info})
	}
	return sdk.Register(sdk.Plugin[shelfConfig]{Info: info, Open: func(_ context.Context, c shelfConfig, env sdk.Env) (sdk.Source, error) {
		switch {
		case c.Books > 1000 && flaw != "any config":
			return nil, sdk.Config("books", "is more than the shelf holds", "give at most 1000")
		case c.Password != canary && c.Password != "" && flaw == "plain error":
			return nil, errors.New("no")
		case c.Password != canary && c.Password != "":
			return nil, sdk.Auth("the shelf is locked", "give the right password")
		}
		return &shelf{c, env.Log, flaw}, nil
	}})
}

const canary = "canary-Pa55word!"

func (s *shelf) Check(_ context.Context, r *sdk.Report) error {
	r.OK("open")
	if s.flaw == "lacks" {
		r.Failed("read", "it is dark", "switch the light on")
	}
	return nil
}
func (s *shelf) Close() error { return nil }

func (s *shelf) Harvest(_ context.Context, req sdk.Request, out sdk.Sink) error {
	first := 0
	if len(req.Checkpoint) > 0 {
		first, _ = strconv.Atoi(string(req.Checkpoint))
	}
	if s.flaw == "loses" && first > 0 {
		first++
	}
	run := runs.Add(1)
	for i := first; i < s.config.Books; i++ {
		a := &sdk.Asset{
			ID:    sdk.NativeID{Namespace: "shelf://home", Name: fmt.Sprintf("book %d", i)},
			Scope: "shelf", Kind: "FILE", Rank: sdk.Holder, ShortName: strconv.Itoa(i), Fields: []sdk.Field{{Name: "page", Position: 1}},
		}
		s.spoil(a, run)
		if err := out.Emit(a); err != nil && s.flaw != "deaf" {
			if s.flaw == "goroutine" {
				go time.Sleep(4 * time.Second)
			}
			return err
		}
		if s.flaw == "doubles" {
			_ = out.Emit(a)
		}
		if i%10 == 9 {
			if err := out.Checkpoint([]byte(strconv.Itoa(i + 1))); err != nil && s.flaw != "deaf" {
				return err
			}
		}
	}
	return s.end(out)
}

func (s *shelf) spoil(a *sdk.Asset, run int64) {
	switch s.flaw {
	case "whims":
		a.Description = fmt.Sprint(run, time.Now().UnixNano())
	case "tells":
		a.Description = "opened with " + s.config.Password
	case "places":
		a.Fields[0].Position = 7
	}
}

func (s *shelf) end(out sdk.Sink) error {
	switch s.flaw {
	case "deaf":
		_ = out.ScopeDone("shelf")
		return nil
	case "no scope":
		return nil
	case "edges":
		id := sdk.NativeID{Namespace: "shelf://home", Name: "book 1"}
		_ = out.Emit(&sdk.Edge{From: id, To: id, Scope: "shelf", Kind: "USES"})
	}
	return out.ScopeDone("shelf")
}

// flaws maps each flaw to the case that must find it.
var flaws = map[string]string{
	"no page": "describe", "open secret": "schema", "lacks": "check", "any config": "bad_config", "plain error": "bad_config",
	"doubles": "records", "places": "records", "no scope": "records", "edges": "records", "whims": "determinism",
	"deaf": "cancel", "goroutine": "cancel", "loses": "kill", "tells": "secrets",
}

func TestMain(m *testing.M) {
	all := []sdk.Registration{plugin("")}
	for flaw := range flaws {
		all = append(all, plugin(flaw))
	}
	plugintest.Main(m, all...)
}

func fixture() plugintest.Fixture {
	return plugintest.Fixture{
		Config: json.RawMessage(`{"books": 57}`), Secrets: map[string]string{"password": canary}, Golden: "testdata/shelf.jsonl", Kills: 2,
		BadConfigs: []plugintest.BadConfig{
			{Name: "too many", Config: json.RawMessage(`{"books": 2000}`), Class: sdk.ClassConfig, Field: "books"},
			{Name: "text", Config: json.RawMessage(`{"books": "many"}`), Class: sdk.ClassConfig, Field: "books"},
			{Name: "locked", Config: json.RawMessage(`{"books": 1}`), Secrets: map[string]string{"password": "canary-Wr0ngword"}, Class: sdk.ClassAuth},
		},
	}
}

func TestAGoodPluginPasses(t *testing.T) {
	plugintest.Run(t, plugin(""), fixture())
}

func TestEveryFlawIsFound(t *testing.T) {
	if testing.Short() {
		t.Skip("each flaw is a run of the whole suite, which takes long with -race: run without -short")
	}
	for flaw, want := range flaws {
		t.Run(flaw, func(t *testing.T) {
			found := false
			f := fixture()
			f.Only = []string{want}
			if flaw == "loses" {
				f.Kills = 12 // a kill before the first checkpoint does not show it
			}
			for _, v := range plugintest.Judge(t.Context(), plugin(flaw), f) {
				if v.Case == want && len(v.Problems) > 0 {
					found = true
					t.Log(v.Problems[0])
				}
			}
			if !found {
				t.Errorf("the case %s does not find it", want)
			}
		})
	}
}

func TestGoldenFindsADifference(t *testing.T) {
	f := fixture()
	f.Config, f.Only = json.RawMessage(`{"books": 56}`), []string{"golden"}
	wants(t, f, "golden")
	f.Golden = filepath.Join(t.TempDir(), "none")
	wants(t, f, "golden")
	f.Golden = ""
	wants(t, f, "golden")
}

func TestSkipsNeedAReasonAndACase(t *testing.T) {
	f := fixture()
	f.Skip, f.Only = map[string]string{"kill": "", "cancels": "a typing error"}, []string{"kill"}
	wants(t, f, "skips")
	f.Skip, f.Only = nil, []string{"kil"}
	wants(t, f, "skips")
}

func TestFixturesMustBeWhole(t *testing.T) {
	f := fixture()
	f.Secrets, f.BadConfigs, f.Only = nil, nil, []string{"secrets", "bad_config"}
	wants(t, f, "secrets", "bad_config")
}

func wants(t *testing.T, f plugintest.Fixture, cases ...string) {
	t.Helper()
	problems := map[string]int{}
	for _, v := range plugintest.Judge(t.Context(), plugin(""), f) {
		problems[v.Case] = len(v.Problems)
	}
	for _, c := range cases {
		if problems[c] == 0 {
			t.Errorf("the case %s finds nothing: %v", c, problems)
		}
	}
}
