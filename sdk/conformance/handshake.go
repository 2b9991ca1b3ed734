package conformance

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	harvestv1 "github.com/souk-mesh/souk/sdk/proto/harvest/v1"
)

// greetings are the hosts that a plugin may meet, by the versions of the wire
// that they speak.
var greetings = []struct {
	host, versions string
	must           bool // shake hands
}{
	{"a host of this version", "1", true},
	{"a newer host", "1,2", true},
	{"a newer host that does not speak this version any more", "2", false},
}

// handshakePatience is how long a program may take to greet.
const handshakePatience = 10 * time.Second

// handshake meets older and newer hosts, and a person who starts it by hand.
func (s *suite) handshake() {
	for _, g := range greetings {
		line, err := s.greet(g.versions)
		switch {
		case err != nil:
			s.problem("%s: the program cannot be started: %v", g.host, err)
		case strings.HasPrefix(line, "1|1|"):
		case line == "" && g.must:
			s.problem("%s: it does not shake hands within %s", g.host, handshakePatience)
			return
		case line != "":
			s.problem("%s: it answers %q, which is no handshake of version 1", g.host, cut(line))
		}
	}
	s.byHand()
}

// greet starts the program as a host would, and gives the first line that it writes.
func (s *suite) greet(versions string) (line string, err error) {
	dir, err := os.MkdirTemp("", "souk-hand")
	if err != nil {
		return "", err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	ctx, cancel := context.WithTimeout(s.ctx, handshakePatience)
	defer cancel()
	cmd := s.command(ctx, dir, harvestv1.CookieKey+"="+harvestv1.CookieValue, "PLUGIN_PROTOCOL_VERSIONS="+versions,
		"PLUGIN_MIN_PORT=10000", "PLUGIN_MAX_PORT=25000", "PLUGIN_UNIX_SOCKET_DIR="+dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		return "", err
	}
	if err := cmd.Start(); err != nil {
		return "", err
	}
	// A program may leave a child behind that holds the pipe open.
	defer context.AfterFunc(ctx, func() { _ = out.Close() })()
	line, _ = bufio.NewReader(io.LimitReader(out, 64<<10)).ReadString('\n')
	cancel()
	_ = cmd.Wait() // it was killed
	return strings.TrimSpace(line), nil
}

// byHand wants a program that no host has started to say what it is, and to end.
func (s *suite) byHand() {
	ctx, cancel := context.WithTimeout(s.ctx, handshakePatience)
	defer cancel()
	dir, err := os.MkdirTemp("", "souk-hand")
	if err != nil {
		s.problem("no folder can be made for it: %v", err)
		return
	}
	defer func() { _ = os.RemoveAll(dir) }()
	cmd := s.command(ctx, dir)
	var said bytes.Buffer
	cmd.Stderr = &said
	err = cmd.Run()
	switch {
	case ctx.Err() != nil:
		s.problem("started by hand it does not end within %s", handshakePatience)
	case err == nil:
		s.problem("started by hand it ends as if all were well")
	case said.Len() == 0:
		s.problem("started by hand it does not say on its standard error what it is")
	}
}

func (s *suite) command(ctx context.Context, dir string, env ...string) *exec.Cmd {
	argv := s.spec.Command
	if p := s.spec.Program; p != nil {
		argv = append(slices.Clone(argv), filepath.Join(p.Folder, p.Entry), harvestv1.ServeArgument)
	}
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...) //nolint:gosec // the program that its author names
	cmd.Dir, cmd.WaitDelay = dir, time.Second
	cmd.Env = append([]string{"HOME=" + dir, "TMPDIR=" + dir, "LANG=C.UTF-8", "PATH=" + os.Getenv("PATH")}, env...)
	return cmd
}
