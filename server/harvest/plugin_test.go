package harvest_test

import (
	"bufio"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/souk-mesh/souk/sdk"
	"github.com/souk-mesh/souk/sdk/host"
)

// TestMain lets the test binary serve its own plugins, as the souk binary does.
func TestMain(m *testing.M) {
	if len(os.Args) == 3 && os.Args[1] == host.ServeArgument {
		for _, r := range registrations() {
			if r.Info().Name == os.Args[2] {
				sdk.Serve(r)
				os.Exit(0)
			}
		}
		os.Exit(2)
	}
	os.Exit(m.Run())
}

func registrations() []sdk.Registration {
	return []sdk.Registration{
		sdk.Register(sdk.Plugin[scriptConfig]{
			Info: sdk.Info{Name: "script", Version: "1.2.3", Summary: "Does what a file says, line by line.", Doc: "# script"},
			Open: func(_ context.Context, c scriptConfig, env sdk.Env) (sdk.Source, error) {
				return &script{config: c, env: env}, nil
			},
			Judge: func(c scriptConfig) error {
				if c.Port == 13 {
					return sdk.Config("port", "brings bad luck", "write another port")
				}
				return nil
			},
		}),
		sdk.Register(sdk.Plugin[scriptConfig]{
			Info: sdk.Info{Name: "teller", Version: "1.0.0", Summary: "A script that tells what has changed.", Offers: []string{sdk.OffersChanges}},
			Open: func(_ context.Context, c scriptConfig, env sdk.Env) (sdk.Source, error) {
				return &teller{script{config: c, env: env}, nil, ""}, nil
			},
		}),
		sdk.Register(sdk.Plugin[readerConfig]{
			Info: sdk.Info{Name: "reader", Version: "1.0.0", Summary: "Reads a file."},
			Open: func(_ context.Context, c readerConfig, env sdk.Env) (sdk.Source, error) {
				return &reader{config: c, files: env.Files}, nil
			},
		}),
		sdk.Register(sdk.Plugin[lockedConfig]{
			Info: sdk.Info{Name: "locked", Version: "1.0.0", Summary: "Wants a password."},
			Open: func(_ context.Context, c lockedConfig, env sdk.Env) (sdk.Source, error) {
				return &script{config: scriptConfig{File: c.File, Password: c.Password}, env: env}, nil
			},
		}),
	}
}

type scriptConfig struct {
	File     string `json:"file" doc:"the script to run"`
	Port     int    `json:"port,omitempty" doc:"a number"`
	Mode     string `json:"mode,omitempty" enum:"fast,slow"`
	Every    string `json:"every,omitempty" format:"duration"`
	URL      string `json:"url,omitempty" doc:"an address" format:"url"`
	Password string `json:"password,omitempty" format:"secret"`
}

type readerConfig struct {
	Path string `json:"path" doc:"the file to read" format:"file"`
}

// reader is a source of one file that it opens as it is told to.
type reader struct {
	config readerConfig
	files  sdk.Files
}

func (r *reader) Close() error { return nil }

func (r *reader) Check(_ context.Context, report *sdk.Report) error {
	report.OK("read")
	return nil
}

func (r *reader) Harvest(context.Context, sdk.Request, sdk.Sink) error {
	file, err := r.files.Open("path", r.config.Path)
	if err != nil {
		return err
	}
	return file.Close()
}

type lockedConfig struct {
	File     string `json:"file" doc:"the script to run"`
	Password string `json:"password" format:"secret"`
}

// script is a source that does what its file says:
//
//	table SCOPE NAME FIELD...     edge SCOPE FROM TO     rule SCOPE TABLE KEY STATUS
//	names SCOPE NAME     unread SCOPE NAME
//	done SCOPE     checkpoint STATE     note LEVEL CODE SCOPE
//	asset JSON     flow JSON     test JSON
//	tables SCOPE COUNT FIELD...     wait DURATION     await FILE     skip-to STATE
//	progress DONE TOTAL WHAT
//	panic | hang | spin | exit | unavailable | auth | tell-trace | tell-secret | emit-secret | name-secret
type script struct {
	config scriptConfig
	env    sdk.Env
}

func (s *script) Close() error { return nil }

func (s *script) Check(_ context.Context, r *sdk.Report) error {
	r.OK("connect")
	if s.config.Password != "" {
		r.Failed("read", "the password "+s.config.Password+" opens nothing", "GRANT SELECT")
	}
	return nil
}

func (s *script) Harvest(ctx context.Context, req sdk.Request, out sdk.Sink) error {
	return s.each(req, func(words []string) error { return s.do(ctx, out, words[0], words[1:]) })
}

// each does the lines of the script, from the checkpoint on.
func (s *script) each(req sdk.Request, do func(words []string) error) error {
	file, err := os.Open(s.config.File)
	if err != nil {
		return sdk.Config("file", "the file cannot be read", "name the script")
	}
	defer func() { _ = file.Close() }()
	from := string(req.Checkpoint)
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		words := strings.Fields(lines.Text())
		if from != "" { // go on behind the checkpoint
			if len(words) == 2 && words[0] == "checkpoint" && words[1] == from {
				from = ""
			}
			continue
		}
		if len(words) == 0 {
			continue
		}
		if err := do(words); err != nil {
			return err
		}
	}
	return lines.Err()
}

func (s *script) id(name string) sdk.NativeID {
	return sdk.NativeID{Namespace: "postgres://db.example:5432", Name: "shop." + name}
}

func (s *script) table(scope, name string, fields ...string) *sdk.Asset {
	a := &sdk.Asset{ID: s.id(name), Scope: scope, Kind: "TABLE", Rank: sdk.Holder, ShortName: name}
	for i, f := range fields {
		a.Fields = append(a.Fields, sdk.Field{Name: f, Position: i + 1, NativeType: "text"})
	}
	return a
}

func (s *script) do(ctx context.Context, out sdk.Sink, verb string, args []string) error {
	switch verb {
	case "table":
		return out.Emit(s.table(args[0], args[1], args[2:]...))
	case "tables":
		count, _ := strconv.Atoi(args[1])
		for i := range count {
			if err := out.Emit(s.table(args[0], args[0]+".t"+strconv.Itoa(i), append([]string{"id", "name"}, args[2:]...)...)); err != nil {
				return err
			}
		}
		return nil
	case "edge":
		return out.Emit(&sdk.Edge{From: s.id(args[1]), To: s.id(args[2]), Scope: args[0], Kind: "DERIVES", Method: "script", Confidence: 1})
	case "rule":
		q := &sdk.Quality{Asset: s.id(args[1]), Scope: args[0], Key: args[2], Name: args[2], Rule: "not_null", Field: "id", Severity: "error"}
		if len(args) > 3 {
			q.Result = &sdk.Result{Status: args[3]}
		}
		return out.Emit(q)
	case "names":
		a := s.table(args[0], args[1])
		a.Rank, a.Reference = sdk.Reference, true
		return out.Emit(a)
	case "asset", "flow", "test":
		record := map[string]sdk.Record{"asset": &sdk.Asset{}, "flow": &sdk.Edge{}, "test": &sdk.Quality{}}[verb]
		if err := json.Unmarshal([]byte(strings.Join(args, " ")), record); err != nil {
			return err
		}
		return out.Emit(record)
	case "done":
		return out.ScopeDone(args[0])
	case "progress":
		done, _ := strconv.ParseInt(args[0], 10, 64)
		total, _ := strconv.ParseInt(args[1], 10, 64)
		return out.Progress(done, total, args[2])
	case "checkpoint":
		return out.Checkpoint([]byte(args[0]))
	case "unread":
		return out.Note(sdk.Note{Level: sdk.ErrorLevel, Code: "script.unread", Title: "It cannot be described.", Sample: args[1], Scope: args[0], Asset: s.id(args[1])})
	case "note":
		return out.Note(sdk.Note{Level: sdk.Level(args[0]), Code: args[1], Title: "A remark.", Sample: args[2], Scope: args[2]})
	}
	return s.misbehave(ctx, out, verb, args)
}

func (s *script) misbehave(ctx context.Context, out sdk.Sink, verb string, args []string) error {
	switch verb {
	case "wait":
		d, _ := time.ParseDuration(args[0])
		select {
		case <-time.After(d):
		case <-ctx.Done():
		}
		return ctx.Err()
	case "await":
		for ctx.Err() == nil {
			if _, err := os.Stat(args[0]); err == nil {
				return nil
			}
			time.Sleep(5 * time.Millisecond)
		}
		return ctx.Err()
	case "panic":
		go panic("the script says so")
		select {}
	case "hang":
		select {}
	case "spin":
		for { //nolint:staticcheck // is what it is for
		}
	case "hoard":
		return hoard()
	case "exit":
		os.Exit(7)
	case "unavailable":
		return sdk.Unavailable("the database is down", "start it", nil)
	case "once-unavailable":
		if _, err := os.Stat(args[0]); err == nil {
			return nil
		}
		_ = os.WriteFile(args[0], nil, 0o600)
		return sdk.Unavailable("the database is down", "start it", nil)
	case "tell-trace":
		return out.Note(sdk.Note{Level: sdk.InfoLevel, Code: "trace", Title: "A remark.", Sample: sdk.TraceHeaders(ctx)["traceparent"]})
	case "auth":
		return sdk.Auth("the password is refused", "set the right one")
	case "tell-secret":
		s.env.Log.Error("connecting with " + s.config.Password)
		_, _ = os.Stderr.WriteString("raw " + s.config.Password + "\n")
		_ = out.Note(sdk.Note{Level: sdk.WarnLevel, Code: "tell", Title: "with " + s.config.Password, Sample: s.config.Password})
		return sdk.Auth("the password "+s.config.Password+" is refused", "change "+s.config.Password)
	case "emit-secret":
		a := s.table("main", "leak")
		a.Description = "postgres://u:" + s.config.Password + "@db"
		return out.Emit(a)
	case "name-secret":
		return out.Emit(s.table("main", s.config.Password))
	}
	return sdk.Config("file", "unknown line "+verb, "")
}

// writeScript writes the lines where a source reads them.
func writeScript(tb testing.TB, path string, lines ...string) {
	tb.Helper()
	if err := os.WriteFile(path, []byte(strings.Join(lines, "\n")), 0o600); err != nil {
		tb.Fatal(err)
	}
}

func scriptPath(tb testing.TB) string {
	tb.Helper()
	return filepath.Join(tb.TempDir(), "script")
}
