package host

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/go-plugin"

	"github.com/souk-mesh/souk/sdk/host/process"
)

// child is one plugin process. It is the runner that go-plugin drives, so that
// the process, its group and its exit status are ours.
//
// Standard error never reaches go-plugin, which reads lines of JSON in it with
// unchecked type assertions, so that a plugin could end its host with one line.
type child struct {
	path      string // of what is executed
	argv      []string
	plain     func() // the plugin does not speak TLS
	env       []string
	dir       string           // private working directory
	file      *os.File         // the executable, where argv names it by its number; nil for this very binary
	account   *process.Account // whom it runs as; nil: as this process
	socketDir string
	limits    process.Limits
	output    *output
	abort     <-chan struct{} // closed when the launch is given up

	greeting *io.PipeReader
	greeted  *io.PipeWriter
	stdout   *os.File
	stderr   *os.File
	readers  sync.WaitGroup

	process *process.Process // nil until it has been started

	mu     sync.Mutex
	first  string // the first line on standard output
	late   bool   // a handshake followed other text
	killed bool   // by us
}

// Start starts the process, and the readers of what it writes.
func (c *child) Start(context.Context) error {
	out, outW, err := os.Pipe()
	if err != nil {
		return fmt.Errorf("make a pipe: %w", err)
	}
	errs, errsW, err := os.Pipe()
	if err != nil {
		return errors.Join(fmt.Errorf("make a pipe: %w", err), out.Close(), outW.Close())
	}
	c.stdout, c.stderr = out, errs
	c.greeting, c.greeted = io.Pipe()
	p, err := process.Start(process.Config{
		Command: func() *exec.Cmd { return c.command(outW, errsW) }, Account: c.account, Limits: c.limits, Cell: filepath.Base(c.dir),
	})
	_, _ = outW.Close(), errsW.Close()
	if err != nil {
		return errors.Join(err, out.Close(), errs.Close())
	}
	c.process = p
	go c.heed()
	c.readers.Go(c.readStdout)
	c.readers.Go(func() { c.output.read(c.stderr) })
	return nil
}

func (c *child) command(stdout, stderr *os.File) *exec.Cmd {
	cmd := &exec.Cmd{Path: c.path, Args: c.argv, Env: c.env, Dir: c.dir, Stdout: stdout, Stderr: stderr}
	if c.file != nil {
		cmd.ExtraFiles = []*os.File{c.file}
	}
	return cmd
}

// heed kills the process when the launch is given up, whatever go-plugin waits for.
func (c *child) heed() {
	select {
	case <-c.abort:
		c.end()
	case <-c.process.Exited():
	}
}

// readStdout passes the first line on, throws the rest away and says so.
func (c *child) readStdout() {
	lines := bufio.NewReaderSize(c.stdout, 64<<10)
	line, _ := lines.ReadSlice('\n')
	first := string(line)
	if first == "" {
		c.exitedWithin(500 * time.Millisecond) // its end says more than its silence
	}
	late := first != "" && !isHandshake(first) && c.handshakeFollows(lines)
	c.mu.Lock()
	c.first, c.late = first, late
	c.mu.Unlock()
	_, _ = c.greeted.Write([]byte(first))
	_ = c.greeted.Close()
	c.output.tooLoud(io.Copy(io.Discard, lines))
}

// handshakeFollows tells a plugin that prints too early from what is no plugin.
func (c *child) handshakeFollows(lines *bufio.Reader) bool {
	_ = c.stdout.SetReadDeadline(time.Now().Add(500 * time.Millisecond))
	defer func() { _ = c.stdout.SetReadDeadline(time.Time{}) }()
	for range 100 {
		line, err := lines.ReadSlice('\n')
		if isHandshake(string(line)) {
			return true
		}
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			return false
		}
	}
	return false
}

func isHandshake(line string) bool {
	return strings.HasPrefix(line, strconv.Itoa(plugin.CoreProtocolVersion)+"|") && strings.Count(line, "|") >= 4
}

// certified tells whether the handshake brings a certificate.
func certified(handshake string) bool {
	parts := strings.Split(handshake, "|")
	return len(parts) > 5 && parts[5] != ""
}

// Wait waits for the end of the process.
func (c *child) Wait(context.Context) error {
	<-c.process.Exited()
	return nil
}

// Kill ends the process and everything in its group.
func (c *child) Kill(context.Context) error {
	c.end()
	return nil
}

func (c *child) end() {
	if c.process == nil {
		return
	}
	select {
	case <-c.process.Exited():
	default:
		c.mu.Lock()
		c.killed = true
		c.mu.Unlock()
		c.process.Kill()
	}
	c.drain()
}

// drain lets the readers take what is left, but does not wait for a process
// that escaped from the group and holds the pipes open.
func (c *child) drain() {
	soon := time.Now().Add(100 * time.Millisecond)
	_, _ = c.stdout.SetReadDeadline(soon), c.stderr.SetReadDeadline(soon)
	c.readers.Wait()
	_, _ = c.stdout.Close(), c.stderr.Close()
	_ = c.greeting.Close()
	c.output.end()
}

// exitedWithin waits a little for the end, which comes just after the pipe breaks.
func (c *child) exitedWithin(d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-c.process.Exited():
		return true
	case <-t.C:
		return false
	}
}

func (c *child) firstLine() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return strings.TrimSpace(c.first)
}

func (c *child) greetedLate() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.late
}

func (c *child) wasKilled() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.killed
}

// Stdout gives the handshake.
func (c *child) Stdout() io.ReadCloser { return c.greeting }

// Stderr gives nothing: it is read here.
func (c *child) Stderr() io.ReadCloser { return io.NopCloser(strings.NewReader("")) }

// Name is the executable.
func (c *child) Name() string { return filepath.Base(c.argv[0]) }

// ID is the number of the process.
func (c *child) ID() string {
	if c.process == nil {
		return ""
	}
	return strconv.Itoa(c.process.PID())
}

// Diagnose has nothing to add: the failure is explained from the exit.
func (c *child) Diagnose(context.Context) string { return "" }

// PluginToHost refuses an address where somebody else may listen.
func (c *child) PluginToHost(network, address string) (string, string, error) {
	host, _, err := net.SplitHostPort(address)
	switch {
	case network == "unix" && filepath.Dir(filepath.Clean(address)) == c.socketDir:
		if !certified(c.firstLine()) {
			c.plain()
		}
	case network == "tcp" && err == nil && net.ParseIP(host).IsLoopback():
	default:
		return "", "", errForeignAddress
	}
	return network, address, nil
}

// HostToPlugin leaves an address as it is.
func (c *child) HostToPlugin(network, address string) (string, string, error) {
	return network, address, nil
}

var errForeignAddress = errors.New("the plugin names an address outside of its own directory")
