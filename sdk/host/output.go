package host

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/souk-mesh/souk/sdk/internal/secret"
)

const (
	keptLines   = 200
	keptBytes   = 2 << 10  // of one line
	lineBytes   = 16 << 10 // read at once; what a longer line has beyond is lost
	bytesPerSec = 64 << 10
)

// output takes what a plugin writes to its standard error and output: the last
// lines for a report, and a bounded stream of lines for the log.
type output struct {
	log     *slog.Logger
	perSec  int
	mu      sync.Mutex
	secrets secret.Set
	lines   []string // a ring of the last lines
	next    int
	verdict string // the line with which the Go runtime gave up

	second  time.Time
	passed  int
	bytes   int
	dropped int
}

func newOutput(log *slog.Logger, linesPerSecond int) *output {
	return &output{log: log, perSec: linesPerSecond}
}

// keepFrom makes the secrets of a run known before the plugin learns of them.
func (o *output) keepFrom(s secret.Set) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.secrets = s
}

// read takes lines until the reader ends.
func (o *output) read(r io.Reader) {
	lines := bufio.NewReaderSize(r, lineBytes)
	tail := false // of a line whose beginning has been taken
	for {
		line, err := lines.ReadSlice('\n')
		if len(line) > 0 && !tail {
			o.take(strings.TrimRight(string(line), "\r\n"))
		}
		tail = errors.Is(err, bufio.ErrBufferFull)
		if err != nil && !tail {
			return
		}
	}
}

// Write takes lines that come over the pipe rather than from a file.
func (o *output) Write(p []byte) (int, error) {
	for line := range strings.Lines(string(p)) {
		if line = strings.TrimRight(line, "\r\n"); line != "" {
			o.take(line)
		}
	}
	return len(p), nil
}

func (o *output) take(line string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.verdict == "" && isVerdict(line) {
		o.verdict = line
	}
	kept := line[:min(len(line), keptBytes)]
	if len(o.lines) < keptLines {
		o.lines = append(o.lines, kept)
	} else {
		o.lines[o.next] = kept
		o.next = (o.next + 1) % keptLines
	}
	if o.admit(len(line)) {
		o.pass(line)
	}
}

func isVerdict(line string) bool {
	return strings.HasPrefix(line, "panic: ") || strings.HasPrefix(line, "fatal error: ") || strings.HasPrefix(line, "SIGXCPU")
}

// tooLoud says that a plugin has written to its standard output after the
// handshake, where nobody reads.
func (o *output) tooLoud(written int64, _ error) {
	if written > 0 {
		o.log.Warn("the plugin writes to its standard output, and it is thrown away", slog.Int64("bytes", written))
	}
}

// admit counts the line against this second's share.
func (o *output) admit(size int) bool {
	if now := time.Now(); now.Sub(o.second) >= time.Second {
		o.reportDropped()
		o.second, o.passed, o.bytes = now, 0, 0
	}
	if o.passed >= o.perSec || o.bytes+size > bytesPerSec {
		o.dropped++
		return false
	}
	o.passed++
	o.bytes += size
	return true
}

func (o *output) reportDropped() {
	if o.dropped > 0 {
		o.log.Warn("the plugin writes too much", slog.Int("dropped_lines", o.dropped))
		o.dropped = 0
	}
}

// pass gives one line to the log: with its level and fields where the plugin
// wrote it with the SDK's logger, as plain text otherwise.
func (o *output) pass(line string) {
	line = o.secrets.Strike(line)
	var entry struct {
		Level slog.Level `json:"level"`
		Msg   string     `json:"msg"`
	}
	if !strings.HasPrefix(line, "{") || json.Unmarshal([]byte(line), &entry) != nil || entry.Msg == "" {
		o.log.Debug("plugin output", slog.String("line", line))
		return
	}
	var fields map[string]any
	_ = json.Unmarshal([]byte(line), &fields) // has just been read as JSON
	attrs := []slog.Attr{slog.String("said", entry.Msg)}
	for _, key := range sortedKeys(fields) {
		if key != "time" && key != "level" && key != "msg" {
			attrs = append(attrs, slog.Any(key, fields[key]))
		}
	}
	o.log.LogAttrs(context.Background(), entry.Level, "plugin log", attrs...)
}

// last gives the last lines without secrets.
func (o *output) last() []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	lines := slices.Concat(o.lines[o.next:], o.lines[:o.next])
	for i, line := range lines {
		lines[i] = o.secrets.Strike(line)
	}
	return lines
}

// strike takes the secrets out of a text.
func (o *output) strike(text string) string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.secrets.Strike(text)
}

// gaveUp is the line with which the Go runtime ended the plugin, or "".
func (o *output) gaveUp() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.secrets.Strike(o.verdict)
}

// end reports what was dropped in the last second.
func (o *output) end() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.reportDropped()
}
