package host_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/souk-mesh/souk/sdk"
	"github.com/souk-mesh/souk/sdk/host"
	"github.com/souk-mesh/souk/sdk/host/process"
)

// escapes are plugins that start something which shall outlive them. Each emits
// its number first.
var escapes = map[string]func(out sdk.Sink) error{
	"escape by a session": func(out sdk.Sink) error { return escape(out, exec.Command("/bin/sleep", nap(os.Getppid()))) },
	"crash with children": crashWithChildren,
	"escape without a trace": func(out sdk.Sink) error {
		cmd := exec.Command("/bin/sleep", nap(os.Getppid()))
		cmd.Env, cmd.Dir = []string{}, "/"
		return escape(out, cmd)
	},
	"escape by a dead parent": func(out sdk.Sink) error {
		text, err := exec.Command("/bin/sh", "-c", "setsid sleep "+nap(os.Getppid())+" >/dev/null 2>&1 & echo $!").Output()
		if err != nil {
			return err
		}
		return out.Emit(asset(strings.TrimSpace(string(text))))
	},
	"escape with children": func(out sdk.Sink) error {
		return escape(out, exec.Command("/bin/sh", "-c", "setsid sh -c 'sleep "+nap(os.Getppid())+" & sleep "+nap(os.Getppid())+" & wait' & wait"))
	},
}

// nap is how long the escaped sleep: a time that tells whose test they are of.
func nap(host int) string { return fmt.Sprintf("1000.%d", host) }

func escape(out sdk.Sink, cmd *exec.Cmd) error {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return err
	}
	time.Sleep(50 * time.Millisecond) // until a shell has started its own
	return out.Emit(asset(strconv.Itoa(cmd.Process.Pid)))
}

// TestNothingOutlivesARun starts a child of the test's own beside, which stays,
// and a plugin that is at work on something else.
func TestNothingOutlivesARun(t *testing.T) {
	own := exec.CommandContext(t.Context(), "/bin/sleep", "1000")
	own.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := own.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _, _ = own.Process.Kill(), own.Wait() }()
	b := newBench(t)
	neighbour, failure := b.launch(host.Self("good"), host.Limits{})
	if failure != nil {
		t.Fatal(failure)
	}
	for name := range escapes {
		if name == "crash with children" {
			continue // does not end well
		}
		t.Run(name, func(t *testing.T) {
			var m memory
			if _, f := b.harvest(name, host.Limits{}, &m); f != nil || len(m.names) != 1 {
				t.Fatalf("got %v, %+v", m.names, f)
			}
			pid, _ := strconv.Atoi(m.names[0])
			if !gone(pid) || sleepers(t) > 0 {
				t.Errorf("process %d or its children live on", pid)
			}
		})
	}
	if !alive(own.Process.Pid) {
		t.Error("a child of another part of the program was ended")
	}
	if _, err := neighbour.Harvest(t.Context(), host.Request{}, &memory{}); err != nil {
		t.Errorf("the neighbour was ended: %v", err)
	}
	b.close(neighbour)
}

// sleepers counts the programs that this test has left sleeping.
func sleepers(t *testing.T) int {
	t.Helper()
	found, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, path := range found {
		line, _ := os.ReadFile(path)
		if strings.HasSuffix(string(line), "sleep\x00"+nap(os.Getpid())+"\x00") {
			n++
		}
	}
	return n
}

// TestHowAPluginClosesIsItsOwnBusiness: what it has found is found.
func TestHowAPluginClosesIsItsOwnBusiness(t *testing.T) {
	for _, name := range []string{"close hangs", "close panics", "hangs when done", "fails when done"} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			begun := time.Now()
			got, f := b.harvest(name, host.Limits{}, &memory{})
			if f != nil || got.Assets == 0 {
				t.Errorf("got %+v, %+v", got, f)
			}
			if took := time.Since(begun); took > 8*time.Second {
				t.Errorf("took %s", took)
			}
		})
	}
}

func TestACheckDoesNotWaitForACloseThatHangs(t *testing.T) {
	b := newBench(t)
	p, failure := b.launch(host.Self("close hangs"), host.Limits{})
	if failure != nil {
		t.Fatal(failure)
	}
	if err := p.Check(t.Context(), nil, nil, func(sdk.Capability) {}); err != nil {
		t.Error(err)
	}
	b.close(p)
}

// TestWhatAKilledHostLeavesIsRemoved, and what a living one uses is not.
func TestWhatAKilledHostLeavesIsRemoved(t *testing.T) {
	b := newBench(t)
	living, failure := b.launch(host.Self("good"), host.Limits{})
	if failure != nil {
		t.Fatal(failure)
	}
	old, strange := filepath.Join(b.dir, "souk-run-1"), filepath.Join(b.dir, "souk-run-2")
	unfinished, making := filepath.Join(b.dir, "souk-new-1"), filepath.Join(b.dir, "souk-new-2")
	for _, dir := range []string{old, strange, unfinished, making} {
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	yesterday := time.Now().Add(-24 * time.Hour)
	for _, dir := range []string{old, unfinished} {
		if err := os.Chtimes(dir, yesterday, yesterday); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), "/proc/self/exe", "host-to-be-killed")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var pid int
	if _, err := fmt.Fscan(out, &pid); err != nil {
		t.Fatal(err)
	}
	_, _ = cmd.Process.Kill(), cmd.Wait()
	host.RemoveLeftBehind(b.logger())
	left, err := filepath.Glob(filepath.Join(b.dir, "souk-*"))
	if err != nil || len(left) != 3 {
		t.Errorf("left: %v, want that of the living host and the two that may be new", left)
	}
	if _, err := living.Harvest(t.Context(), host.Request{}, &memory{}); err != nil {
		t.Error(err)
	}
	b.close(living)
	if !strings.Contains(b.log.String(), "count=3") {
		t.Errorf("the log: %s", b.log)
	}
	if err := errors.Join(os.Remove(strange), os.Remove(making)); err != nil {
		t.Error(err)
	}
}

// TestAPluginOfAnotherUser reads nothing that is the server's.
func TestAPluginOfAnotherUser(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root may start a process as another user")
	}
	secret := filepath.Join(t.TempDir(), "souk.db")
	if err := os.WriteFile(secret, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("SOUK_TEST_FILE", secret)
	b, spec := newBench(t), host.Self("who")
	if err := os.Chmod(b.dir, 0o755); err != nil {
		t.Fatal(err)
	}
	spec.Env, spec.Account = []string{"SOUK_TEST_FILE"}, &process.Account{UID: 65534, GID: 65534}
	p, failure := b.launch(spec, host.Limits{})
	if failure != nil {
		t.Fatal(failure)
	}
	var m memory
	if _, err := p.Harvest(t.Context(), host.Request{}, &m); err != nil {
		t.Fatal(err)
	}
	b.close(p)
	if got := strings.Join(m.names, " "); got != "65534:65534 closed" {
		t.Errorf("got %s", got)
	}
}

func TestAccountsThatWillNotDo(t *testing.T) {
	for name, code := range map[string]string{"nobody-of-that-name": "no_account", "0:0": "same_account", "root": "same_account", "x:y": "no_account", "-1:5": "no_account"} {
		_, err := host.LookupAccount(name)
		if f := newBench(t).failure(err); f.Code != code || f.Fix == "" {
			t.Errorf("%s: got %+v", name, f)
		}
	}
	if os.Getuid() == 0 {
		if a, err := host.LookupAccount("nobody"); err != nil || a.UID != 65534 {
			t.Errorf("nobody: %+v, %v", a, err)
		}
	}
}

// hardenedHost is a host that is closed to its plugins, run by no root.
func hardenedHost() {
	if err := host.Harden(); err != nil {
		fmt.Println("harden:", err)
	}
	if shown, _ := os.ReadFile("/proc/self/environ"); strings.Contains(string(shown), canary) {
		fmt.Println("the kernel still shows the environment")
	}
	if os.Getenv("SOUK_TEST_SERVER_SECRET") != canary {
		fmt.Println("the program has lost its own environment")
	}
	p, err := host.Launch(context.Background(), host.Self("spies"), host.Limits{}, slog.New(slog.DiscardHandler))
	if err != nil {
		fmt.Println(err)
		return
	}
	var m memory
	_, err = p.Harvest(context.Background(), host.Request{}, &m)
	fmt.Println(strings.Join(m.names, "\n"), err, p.Close())
}

func TestAPluginCannotLookIntoItsHost(t *testing.T) {
	dir := shortDir(t)
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "/proc/self/exe", "host-hardened")
	cmd.Env, cmd.Dir = []string{"TMPDIR=" + dir, "SOUK_TEST_SERVER_SECRET=" + canary}, "/"
	if os.Getuid() == 0 {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	}
	out, err := cmd.CombinedOutput()
	if got, want := strings.TrimSpace(string(out)), "environ closed\nfd closed\nmem closed <nil> <nil>"; err != nil || got != want {
		t.Errorf("got %s, %v\nwant %s", got, err, want)
	}
}
