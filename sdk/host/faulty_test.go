package host_test

import (
	"context"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	"github.com/souk-mesh/souk/sdk"
	"github.com/souk-mesh/souk/sdk/host"
	"github.com/souk-mesh/souk/sdk/internal/handshake"
	harvestv1 "github.com/souk-mesh/souk/sdk/proto/harvest/v1"
)

// TestMain lets the test's own binary be every plugin that the tests launch.
func TestMain(m *testing.M) {
	if len(os.Args) == 3 && os.Args[1] == host.ServeArgument {
		serve(os.Args[2])
		return
	}
	if len(os.Args) == 2 && os.Args[1] == "host-to-be-killed" {
		hostToBeKilled()
		return
	}
	if len(os.Args) == 2 && os.Args[1] == "host-hardened" {
		hardenedHost()
		return
	}
	os.Exit(m.Run())
}

// serve is the plugin of that name: one written with the SDK, one that speaks
// the wire by itself, or no plugin at all.
func serve(name string) {
	if start, ok := processes[name]; ok {
		start()
		return
	}
	for _, speaks := range []map[string]func(sendEvents) error{wires, wrongChanges} {
		if harvest, ok := speaks[name]; ok {
			serveWire(harvest)
			return
		}
	}
	if name == "plain" {
		_ = os.Unsetenv("PLUGIN_CLIENT_CERT") // so that go-plugin serves without TLS
		serveWire(func(send func(...*harvestv1.HarvestEvent) error) error {
			return send(batch(1, 1), done(&harvestv1.Done{Assets: 1}))
		})
		return
	}
	if name == "text_then_plugin" {
		fmt.Println("loading configuration ...")
		name = "good"
	}
	sdk.Serve(sdk.Register(sdk.Plugin[faultyConfig]{
		Info: sdk.Info{Name: name, Version: "1.2.3", Summary: "Misbehaves.", Doc: "# Faulty", Emits: []string{"asset"}},
		Open: func(_ context.Context, c faultyConfig, env sdk.Env) (sdk.Source, error) {
			if start, ok := escapes[name]; ok {
				return faulty{name, c, env, func(_ faulty, _ context.Context, out sdk.Sink) error { return start(out) }}, nil
			}
			f := faulty{name, c, env, harvests[name]}
			switch name {
			case "lends":
				return lends{f}, nil
			case "changer", "changes: expired":
				f.harvest = func(f faulty, _ context.Context, out sdk.Sink) error {
					return errors.Join(f.emit(out), out.ScopeDone("all"))
				}
				return changer{f}, nil
			}
			return f, nil
		},
		Judge: func(c faultyConfig) error {
			if c.Count == 13 {
				return sdk.Config("count", "brings bad luck", "write another number")
			}
			return nil
		},
	}))
}

type faultyConfig struct {
	Count    int    `json:"count" doc:"How many assets to emit." default:"3"`
	Password string `json:"password,omitempty" doc:"Password." format:"secret"`
}

type faulty struct {
	name    string
	config  faultyConfig
	env     sdk.Env
	harvest func(faulty, context.Context, sdk.Sink) error
}

func (f faulty) Check(ctx context.Context, r *sdk.Report) error {
	if f.harvest == nil {
		<-ctx.Done()
		return ctx.Err()
	}
	r.OK("connect")
	r.Failed("list", "the role lacks a right; its password is "+f.config.Password, "GRANT it")
	return nil
}

func (f faulty) Harvest(ctx context.Context, _ sdk.Request, out sdk.Sink) error {
	return f.harvest(f, ctx, out)
}

func (f faulty) Close() error {
	switch f.name {
	case "close hangs":
		select {}
	case "close panics":
		panic("cannot close")
	}
	return nil
}

func asset(name string) *sdk.Asset {
	return &sdk.Asset{ID: sdk.NativeID{Namespace: "test://host", Name: name}, Scope: "all", Kind: "TABLE", Rank: sdk.Holder, ShortName: name}
}

func (f faulty) emit(out sdk.Sink) error {
	for i := range f.config.Count {
		if err := out.Emit(asset(fmt.Sprintf("t%05d", i))); err != nil {
			return err
		}
	}
	return nil
}

// harvests are faults of plugins that are written with the SDK.
var harvests = map[string]func(f faulty, ctx context.Context, out sdk.Sink) error{
	"good": func(f faulty, _ context.Context, out sdk.Sink) error {
		f.env.Log.Info("begun", "password", f.config.Password)
		err := errors.Join(f.emit(out), out.Checkpoint([]byte("half")),
			out.Emit(&sdk.Edge{From: asset("a").ID, To: asset("b").ID, Scope: "all", Kind: "DERIVES", Method: "test", Confidence: 0.5}),
			out.Emit(&sdk.Quality{
				Asset: asset("a").ID, Scope: "all", Key: "k", Name: "n", Rule: "unique",
				Result: &sdk.Result{Status: "pass", At: time.Date(2026, 1, 2, 3, 4, 5, 6e6, time.UTC)},
			}),
			out.Note(sdk.Note{Level: sdk.WarnLevel, Code: "test.note", Title: "A remark.", Sample: "s"}),
			out.Progress(1, 2, "tables"))
		return errors.Join(err, out.ScopeDone("all"))
	},
	"close hangs":  func(f faulty, _ context.Context, out sdk.Sink) error { return f.emit(out) },
	"close panics": func(f faulty, _ context.Context, out sdk.Sink) error { return f.emit(out) },
	"who": func(_ faulty, _ context.Context, out sdk.Sink) error {
		closed := "closed"
		if _, err := os.ReadFile(os.Getenv("SOUK_TEST_FILE")); err == nil {
			closed = "open"
		}
		return errors.Join(out.Emit(asset(fmt.Sprintf("%d:%d", os.Getuid(), os.Getgid()))), out.Emit(asset(closed)))
	},
	"spies": func(_ faulty, _ context.Context, out sdk.Sink) error {
		for _, name := range []string{"environ", "fd", "mem"} {
			state := "open"
			if file, err := os.Open(fmt.Sprintf("/proc/%d/%s", os.Getppid(), name)); err != nil {
				state = "closed"
			} else {
				_ = file.Close()
			}
			if err := out.Emit(asset(name + " " + state)); err != nil {
				return err
			}
		}
		return nil
	},
	"panic": func(faulty, context.Context, sdk.Sink) error { panic("handler gave up") },
	"panic_in_goroutine": func(f faulty, ctx context.Context, out sdk.Sink) error {
		_ = f.emit(out)
		go func() { panic("goroutine gave up with " + f.config.Password) }()
		<-ctx.Done()
		time.Sleep(time.Minute)
		return nil
	},
	"exit":    func(f faulty, _ context.Context, out sdk.Sink) error { _ = f.emit(out); os.Exit(3); return nil },
	"sigkill": func(faulty, context.Context, sdk.Sink) error { return syscall.Kill(os.Getpid(), syscall.SIGKILL) },
	"hang": func(_ faulty, _ context.Context, out sdk.Sink) error {
		_ = out.Emit(asset(strconv.Itoa(os.Getpid())))
		select {}
	},
	"busy": func(faulty, context.Context, sdk.Sink) error {
		for {
			runtime.Gosched()
		}
	},
	"endless": func(_ faulty, ctx context.Context, out sdk.Sink) error {
		for ctx.Err() == nil {
			_ = out.Progress(1, 0, "for ever")
			time.Sleep(10 * time.Millisecond)
		}
		return ctx.Err()
	},
	"leak": func(faulty, context.Context, sdk.Sink) error {
		var kept [][]byte
		for {
			block := make([]byte, 16<<20)
			for i := 0; i < len(block); i += 4096 {
				block[i] = 1
			}
			kept = append(kept, block)
			runtime.KeepAlive(kept)
		}
	},
	"floods": func(f faulty, _ context.Context, out sdk.Sink) error {
		line := strings.Repeat("x", 100) + "\n"
		for range 50_000 {
			fmt.Print(line)
			_, _ = os.Stderr.WriteString(line)
			_, _ = syscall.Write(1, []byte(line))
			_, _ = syscall.Write(2, []byte(line))
		}
		_, _ = syscall.Write(2, []byte(strings.Repeat("y", 4<<20))) // one line without an end
		return f.emit(out)
	},
	"go-plugin's own log": func(f faulty, _ context.Context, out sdk.Sink) error {
		_, _ = syscall.Write(2, []byte(`{"@level":7,"@message":{},"@timestamp":[]}`+"\n"))
		return f.emit(out)
	},
	"orphan": func(_ faulty, _ context.Context, out sdk.Sink) error {
		cmd := exec.Command("/bin/sleep", "1000") // must outlive its parent
		if err := cmd.Start(); err != nil {
			return err
		}
		if err := errors.Join(out.Emit(asset(strconv.Itoa(cmd.Process.Pid))), out.Checkpoint(nil)); err != nil {
			return err
		}
		time.Sleep(300 * time.Millisecond) // until the host has read it
		os.Exit(4)
		return nil
	},
	"files": func(f faulty, _ context.Context, out sdk.Sink) error {
		file, err := f.env.Files.Open("path", "note.txt")
		if err != nil {
			return err
		}
		defer file.Close()
		return out.Emit(asset(file.Name()))
	},
	"environment": func(_ faulty, _ context.Context, out sdk.Sink) error {
		for _, entry := range os.Environ() {
			name, _, _ := strings.Cut(entry, "=")
			if err := out.Emit(asset(name)); err != nil {
				return err
			}
		}
		folder, err := os.Getwd()
		return errors.Join(err, out.Emit(asset("cwd="+folder)), os.WriteFile("left-behind", []byte("x"), 0o600))
	},
	"certificate": func(_ faulty, _ context.Context, out sdk.Sink) error {
		block, _ := pem.Decode([]byte(os.Getenv(handshake.Variable)))
		return out.Emit(asset(base64.RawStdEncoding.EncodeToString(block.Bytes)))
	},
	"everything": func(f faulty, _ context.Context, out sdk.Sink) error {
		return errors.Join(out.Emit(wholeAsset()), out.Emit(wholeEdge()), out.Emit(wholeQuality()), out.ScopeDone("all"))
	},
	"tells more": func(f faulty, _ context.Context, out sdk.Sink) error {
		a := asset("a")
		a.Definition, a.Runs = "SELECT '"+f.config.Password+"'", []sdk.JobRun{{ID: "1", State: sdk.RunFailed, Message: "dial postgres://u:hunter2x9@h/d"}}
		a.Constraints = []sdk.Constraint{{Kind: sdk.Check, Expression: "token = 'souk_0123456789abcdefghijkl'"}}
		return errors.Join(out.Emit(a), out.Emit(&sdk.Edge{
			From: asset("a").ID, To: asset("b").ID, Scope: "all", Kind: "DERIVES",
			Fields: []sdk.FieldEdge{{From: "x", To: "y", Transform: "decrypt(x, password => 'hunter2x9')"}},
		}))
	},
	"throttled": func(f faulty, _ context.Context, _ sdk.Sink) error {
		e := sdk.Throttled("too fast for "+f.config.Password, "wait", 90*time.Second)
		e.Code = "shop.too_fast"
		return e
	},
	"plain error": func(f faulty, _ context.Context, _ sdk.Sink) error {
		return errors.New("dial with " + f.config.Password)
	},
	"tells": func(f faulty, _ context.Context, out sdk.Sink) error {
		return out.Emit(asset("postgres://u:" + f.config.Password + "@h/d"))
	},
	"no scope": func(_ faulty, _ context.Context, out sdk.Sink) error { return out.Emit(&sdk.Asset{}) },
}

// processes are executables that are no plugins.
var processes = map[string]func(){
	"text":       func() { fmt.Println("usage: this is another program") },
	"silent":     func() {},
	"complains":  func() { fmt.Fprintln(os.Stderr, "no licence found"); os.Exit(7) },
	"sleeps":     func() { time.Sleep(time.Minute) },
	"init panic": func() { panic("bad build") },
	"zeros":      func() { _, _ = os.Stdout.Write(make([]byte, 1<<20)) },
	"elsewhere":  func() { fmt.Println("1|1|unix|/var/run/elsewhere.sock|grpc|"); time.Sleep(time.Minute) },
	"netrpc":     func() { fmt.Println("1|1|tcp|127.0.0.1:1|netrpc|"); time.Sleep(time.Minute) },
	"newer":      func() { fmt.Println("1|99|tcp|127.0.0.1:1|grpc|"); time.Sleep(time.Minute) },
}

// wires are faults of plugins that speak the protocol without the SDK.
var wires = map[string]func(send func(...*harvestv1.HarvestEvent) error) error{
	"seq gap": func(send func(...*harvestv1.HarvestEvent) error) error { return send(batch(1, 1), batch(3, 1)) },
	"wrong counts": func(send func(...*harvestv1.HarvestEvent) error) error {
		return send(batch(1, 2), done(&harvestv1.Done{Assets: 3}))
	},
	"no done": func(send func(...*harvestv1.HarvestEvent) error) error { return send(batch(1, 2)) },
	"hangs when done": func(send func(...*harvestv1.HarvestEvent) error) error {
		_ = send(batch(1, 1), done(&harvestv1.Done{Assets: 1}), &harvestv1.HarvestEvent{Event: &harvestv1.HarvestEvent_Progress{Progress: &harvestv1.Progress{Done: 1}}})
		select {}
	},
	"fails when done": func(send func(...*harvestv1.HarvestEvent) error) error {
		return errors.Join(send(batch(1, 1), done(&harvestv1.Done{Assets: 1})), errors.New("cannot close"))
	},
	"goes on": func(send func(...*harvestv1.HarvestEvent) error) error {
		return send(done(&harvestv1.Done{}), batch(1, 1))
	},
	"big message": func(send func(...*harvestv1.HarvestEvent) error) error {
		e := batch(1, 1)
		e.GetBatch().GetRecords()[0].GetAsset().Description = strings.Repeat("x", 8<<20)
		return send(e)
	},
	"huge message": hugeMessage,
	"big checkpoint": func(send func(...*harvestv1.HarvestEvent) error) error {
		return send(&harvestv1.HarvestEvent{Event: &harvestv1.HarvestEvent_Checkpoint{Checkpoint: &harvestv1.Checkpoint{State: make([]byte, 1<<20+1)}}})
	},
	"big batch": func(send func(...*harvestv1.HarvestEvent) error) error { return send(batch(1, 1001)) },
	"wide asset": func(send func(...*harvestv1.HarvestEvent) error) error {
		e := batch(1, 1)
		a := e.GetBatch().GetRecords()[0].GetAsset()
		for range 5001 {
			a.Fields = append(a.Fields, &harvestv1.Field{})
		}
		return send(e)
	},
	"nest of nothing": func(send func(...*harvestv1.HarvestEvent) error) error {
		e := batch(1, 1)
		a := e.GetBatch().GetRecords()[0].GetAsset()
		for range 70_000 {
			a.Indexes = append(a.Indexes, &harvestv1.Index{})
		}
		return send(e)
	},
	"long by wire": func(send func(...*harvestv1.HarvestEvent) error) error {
		e := batch(1, 1)
		a := e.GetBatch().GetRecords()[0].GetAsset()
		a.Definition = strings.Repeat("x", 64<<10-10) + " password=" + canary + strings.Repeat("y", 100)
		for range 30 {
			a.Runs = append(a.Runs, &harvestv1.JobRun{Id: "r", State: "FAILED", Message: strings.Repeat("z", 3<<10)})
		}
		return send(e, done(&harvestv1.Done{Assets: 1}))
	},
	"unknown state": func(send func(...*harvestv1.HarvestEvent) error) error {
		e := batch(1, 1)
		e.GetBatch().GetRecords()[0].GetAsset().Runs = []*harvestv1.JobRun{{State: "DONE"}}
		return send(e, done(&harvestv1.Done{Assets: 1}))
	},
	"bad record": func(send func(...*harvestv1.HarvestEvent) error) error {
		return send(&harvestv1.HarvestEvent{Event: &harvestv1.HarvestEvent_Batch{Batch: &harvestv1.Batch{Seq: 1, Records: []*harvestv1.Record{
			{Record: &harvestv1.Record_Asset{Asset: &harvestv1.Asset{}}},
		}}}})
	},
	"best of all": func(send func(...*harvestv1.HarvestEvent) error) error {
		e := batch(1, 1)
		e.GetBatch().GetRecords()[0].GetAsset().Rank = 1
		return send(e, done(&harvestv1.Done{Assets: 1}))
	},
	"no rank": func(send func(...*harvestv1.HarvestEvent) error) error {
		e := batch(1, 1)
		e.GetBatch().GetRecords()[0].GetAsset().Rank = 0
		return send(e, done(&harvestv1.Done{Assets: 1}))
	},
	"one unread": func(send func(...*harvestv1.HarvestEvent) error) error {
		note := &harvestv1.Note{Level: "error", Code: "c", Scope: "s", Asset: &harvestv1.NativeID{Namespace: "test://host", Name: "x"}}
		return send(&harvestv1.HarvestEvent{Event: &harvestv1.HarvestEvent_Note{Note: note}},
			&harvestv1.HarvestEvent{Event: &harvestv1.HarvestEvent_ScopeDone{ScopeDone: &harvestv1.ScopeDone{Scope: "s"}}}, done(&harvestv1.Done{Scopes: 1}))
	},
	"early scope": func(send func(...*harvestv1.HarvestEvent) error) error {
		return send(&harvestv1.HarvestEvent{Event: &harvestv1.HarvestEvent_Note{Note: &harvestv1.Note{Level: "error", Scope: "s"}}},
			&harvestv1.HarvestEvent{Event: &harvestv1.HarvestEvent_ScopeDone{ScopeDone: &harvestv1.ScopeDone{Scope: "s"}}})
	},
	"secret by wire": func(send func(...*harvestv1.HarvestEvent) error) error {
		e := batch(1, 1)
		e.GetBatch().GetRecords()[0].GetAsset().Id.Name = "password=" + canary
		return send(e)
	},
	"texts by wire": func(send func(...*harvestv1.HarvestEvent) error) error {
		e := batch(1, 2)
		a := e.GetBatch().GetRecords()[0].GetAsset()
		a.Description, a.Properties = "ask with "+canary, map[string]string{"dsn": "postgres://souk:TopSecret99@db/shop"}
		a.Fields = []*harvestv1.Field{{Name: "password", DefaultValue: "'password'", Description: "The user's password, hashed."}}
		a.Owners, a.Tags = []string{"ana", "bo, token ghp_" + strings.Repeat("a1B2", 9)}, []string{"postgres://souk:TopSecret99@db/shop"}
		rule := &harvestv1.Quality{Asset: a.GetId(), Key: "k", Name: "not_null", Rule: "equals('" + canary + "')"}
		e.GetBatch().Records = append(e.GetBatch().GetRecords(), &harvestv1.Record{Record: &harvestv1.Record_Quality{Quality: rule}})
		note := &harvestv1.Note{Level: "info", Code: "c", Title: "t", Sample: "postgres://souk:TopSecret99@db/shop"}
		return send(e, &harvestv1.HarvestEvent{Event: &harvestv1.HarvestEvent_Note{Note: note}}, done(&harvestv1.Done{Assets: 2, Quality: 1}))
	},
	"secret note": func(send func(...*harvestv1.HarvestEvent) error) error {
		return send(&harvestv1.HarvestEvent{Event: &harvestv1.HarvestEvent_Note{Note: &harvestv1.Note{Level: "odd", Code: "c", Title: "t", Sample: canary}}},
			done(&harvestv1.Done{}))
	},
	"newer events": func(send func(...*harvestv1.HarvestEvent) error) error {
		var e harvestv1.HarvestEvent
		if err := proto.Unmarshal([]byte{15<<3 | 2, 1, 'x'}, &e); err != nil {
			return err
		}
		b := batch(1, 1)
		b.GetBatch().Records = append(b.GetBatch().GetRecords(), &harvestv1.Record{})
		return send(&e, b, done(&harvestv1.Done{Assets: 2}))
	},
	"many events": func(send func(...*harvestv1.HarvestEvent) error) error {
		for {
			if err := send(&harvestv1.HarvestEvent{Event: &harvestv1.HarvestEvent_Heartbeat{Heartbeat: &harvestv1.Heartbeat{}}}); err != nil {
				return err
			}
		}
	},
}

func batch(seq uint64, n int) *harvestv1.HarvestEvent {
	b := &harvestv1.Batch{Seq: seq}
	for i := range n {
		b.Records = append(b.Records, &harvestv1.Record{Record: &harvestv1.Record_Asset{Asset: &harvestv1.Asset{
			Id: &harvestv1.NativeID{Namespace: "test://host", Name: fmt.Sprintf("%d-%d", seq, i)}, Scope: "all", Kind: "TABLE", Rank: 10,
		}}})
	}
	return &harvestv1.HarvestEvent{Event: &harvestv1.HarvestEvent_Batch{Batch: b}}
}

func done(d *harvestv1.Done) *harvestv1.HarvestEvent {
	return &harvestv1.HarvestEvent{Event: &harvestv1.HarvestEvent_Done{Done: d}}
}

// wire is a server that knows nothing of the SDK, as one in another language.
type wire struct {
	plugin.NetRPCUnsupportedPlugin
	harvestv1.UnimplementedSourceServer

	harvest func(send func(...*harvestv1.HarvestEvent) error) error
}

func (w *wire) Harvest(_ *harvestv1.HarvestRequest, stream grpc.ServerStreamingServer[harvestv1.HarvestEvent]) error {
	return w.harvest(func(events ...*harvestv1.HarvestEvent) error {
		for _, e := range events {
			if err := stream.Send(e); err != nil {
				return err
			}
		}
		return nil
	})
}

func (w *wire) Check(_ *harvestv1.CheckRequest, stream grpc.ServerStreamingServer[harvestv1.Capability]) error {
	for {
		if err := stream.Send(&harvestv1.Capability{Name: "c", Ok: true}); err != nil {
			return err
		}
	}
}

func (w *wire) GRPCServer(_ *plugin.GRPCBroker, s *grpc.Server) error {
	harvestv1.RegisterSourceServer(s, w)
	return nil
}

func (w *wire) GRPCClient(context.Context, *plugin.GRPCBroker, *grpc.ClientConn) (any, error) {
	return nil, errors.New("served here")
}

func serveWire(harvest func(send func(...*harvestv1.HarvestEvent) error) error) {
	plugin.Serve(&plugin.ServeConfig{
		HandshakeConfig:  plugin.HandshakeConfig{MagicCookieKey: harvestv1.CookieKey, MagicCookieValue: harvestv1.CookieValue},
		VersionedPlugins: map[int]plugin.PluginSet{harvestv1.Version: {harvestv1.ServiceName: &wire{harvest: harvest}}},
		GRPCServer:       plugin.DefaultGRPCServer,
		Logger:           hclog.NewNullLogger(),
	})
}
