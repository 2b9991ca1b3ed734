package hive

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"syscall"
	"time"

	"github.com/apache/thrift/lib/go/thrift"

	"github.com/souk-mesh/souk/plugins/internal/said"
	"github.com/souk-mesh/souk/plugins/internal/transport"
	"github.com/souk-mesh/souk/sdk"
)

const (
	mostBytes = 64 << 20 // of an answer
	tries     = 4        // of a request whose connection breaks
)

// session speaks to one Metastore over one connection, and makes another where
// that breaks. It is for one caller at a time.
type session struct {
	address        string
	secure         *tls.Config // nil: in clear
	framed         bool
	compact        bool
	user, password string
	patience       time.Duration

	line     *line
	answered bool // once
}

// line is a connection.
type line struct {
	net.Conn
	patience time.Duration
	left     int // bytes that the answer may still have
	speech   thrift.TProtocol
	number   int32
}

var errTooMuch = errors.New("the answer is larger than it may be")

// tooMuch tells whether an answer, or what it says of itself, is too large.
func tooMuch(err error) bool {
	p, is := errors.AsType[thrift.TProtocolException](err)
	return errors.Is(err, errTooMuch) || is && p.TypeId() == thrift.SIZE_LIMIT
}

// Read fits io.Reader. It bounds an answer, and the time that passes without any
// of it.
func (l *line) Read(into []byte) (int, error) {
	if l.left <= 0 {
		return 0, errTooMuch
	}
	if err := l.SetDeadline(time.Now().Add(l.patience)); err != nil {
		return 0, err
	}
	n, err := l.Conn.Read(into[:min(len(into), l.left)])
	l.left -= n
	return n, err
}

func (s *session) shut() {
	if s.line != nil {
		_ = s.line.Close()
		s.line = nil
	}
}

// connected gives the connection, which it makes where there is none.
func (s *session) connected(ctx context.Context) (*line, error) {
	if s.line != nil {
		return s.line, nil
	}
	dialer := net.Dialer{Timeout: min(s.patience, 15*time.Second)}
	conn, err := dialer.DialContext(ctx, "tcp", s.address)
	if err != nil {
		return nil, err
	}
	if s.secure != nil {
		over := tls.Client(conn, s.secure)
		bounded, stop := context.WithTimeout(ctx, dialer.Timeout)
		err := over.HandshakeContext(bounded)
		stop()
		if err != nil {
			_ = conn.Close()
			return nil, unencrypted(err)
		}
		conn = over
	}
	l := &line{Conn: conn, patience: s.patience, left: mostBytes}
	config := &thrift.TConfiguration{MaxMessageSize: mostBytes, MaxFrameSize: mostBytes, MaxContainerSize: mostBytes}
	var through thrift.TTransport = thrift.NewTBufferedTransport(thrift.NewStreamTransportRW(l), 64<<10)
	if s.password != "" {
		if err := s.signIn(ctx, l); err != nil {
			_ = conn.Close()
			return nil, err
		}
	}
	if s.framed || s.password != "" { // who signs in speaks in frames from then on
		through = thrift.NewTFramedTransportConf(through, config)
	}
	l.speech = thrift.NewTBinaryProtocolConf(through, config)
	if s.compact {
		l.speech = thrift.NewTCompactProtocolConf(through, config)
	}
	s.line = l
	if s.user != "" && s.password == "" {
		err = s.introduce(ctx)
	}
	return s.line, err
}

// unencrypted tells of a Metastore that does not take up an encrypted connection:
// it ends it, or answers otherwise.
func unencrypted(err error) error {
	_, isRecord := errors.AsType[tls.RecordHeaderError](err)
	if isRecord || errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET) {
		return sdk.Config("transport", "wants a connection that is encrypted, and the Metastore does not encrypt", "turn on metastore.use.SSL, or let an administrator set transport to clear")
	}
	return err
}

// refusal is an error that the Metastore answers.
type refusal struct {
	method  string
	kind    string // MetaException, NoSuchObjectException, ...
	message string
}

func (r *refusal) Error() string { return r.method + ": " + r.kind + ": " + r.message }

// refused tells whether the Metastore has answered by one of the errors.
func refused(err error, kinds ...string) bool {
	r, is := errors.AsType[*refusal](err)
	for _, k := range kinds {
		if is && r.kind == k {
			return true
		}
	}
	return false
}

// unknown is how a Metastore answers that does not know the method.
const unknown = "unknown method"

// request is a call. The errors are those that the method declares, by their
// place.
type request struct {
	method string
	errors []string
	write  func(w *writer)
	read   func(r *reader, kind thrift.TType) // the result; nil: there is none
}

// ask sends a request and reads the answer. It only asks, so that a request whose
// connection breaks is sent again.
func (s *session) ask(ctx context.Context, q request) error {
	for try := 1; ; try++ {
		err := s.once(ctx, q)
		if _, answered := errors.AsType[*refusal](err); err == nil || answered {
			s.answered = true
			return err
		}
		s.shut()
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case tooMuch(err) || try == tries || !s.answered:
			return s.explain(err, q)
		}
		if _, ours := errors.AsType[*sdk.Error](err); ours {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Duration(try*try) * 100 * time.Millisecond):
		}
	}
}

func (s *session) once(ctx context.Context, q request) error {
	l, err := s.connected(ctx)
	if err != nil {
		return err
	}
	defer context.AfterFunc(ctx, func() { _ = l.Close() })()
	l.left = mostBytes
	l.number++
	w := &writer{ctx: ctx, out: l.speech}
	w.call(q, l.number)
	if err := l.SetDeadline(time.Now().Add(s.patience)); err != nil || w.err != nil {
		return errors.Join(w.err, err)
	}
	if err := l.speech.Flush(ctx); err != nil {
		return err
	}
	return s.answer(&reader{ctx: ctx, in: l.speech}, q, l.number)
}

// answer reads what came: the result, or an error.
func (s *session) answer(r *reader, q request, number int32) error {
	_, kind, same, err := r.in.ReadMessageBegin(r.ctx)
	if err != nil {
		return err
	}
	if same != number {
		return errStray
	}
	if kind == thrift.EXCEPTION {
		return s.exception(r, q)
	}
	var no *refusal
	found := false
	r.fields(func(id int16, kind thrift.TType) {
		switch {
		case id == 0 && q.read != nil:
			found = true
			q.read(r, kind)
		case id > 0 && int(id) <= len(q.errors):
			no = &refusal{method: q.method, kind: q.errors[id-1]}
			r.within(kind, func(id int16, kind thrift.TType) {
				if id == 1 {
					no.message = said.Words(r.text(kind))
				} else {
					r.skip(kind)
				}
			})
		default:
			r.skip(kind)
		}
	})
	switch {
	case r.err != nil:
		return r.err
	case no != nil:
		return no
	case !found && q.read != nil:
		return errEmpty
	}
	return r.in.ReadMessageEnd(r.ctx)
}

var (
	errStray = errors.New("the answer is to another request")
	errEmpty = errors.New("the answer holds neither a result nor an error")
)

func (s *session) exception(r *reader, q request) error {
	e := thrift.NewTApplicationException(thrift.UNKNOWN_APPLICATION_EXCEPTION, "")
	if err := e.Read(r.ctx, r.in); err != nil {
		return err
	}
	no := &refusal{method: q.method, kind: "error", message: said.Words(e.Error())}
	if e.TypeId() == thrift.UNKNOWN_METHOD {
		no.kind = unknown
	}
	return no
}

// explain says what a broken connection means, and whose turn it is.
func (s *session) explain(err error, q request) error {
	if _, ours := errors.AsType[*sdk.Error](err); ours {
		return err
	}
	if e := transport.Unverified(err, "hive.unverified"); e != nil {
		return e
	}
	e := &sdk.Error{Class: sdk.ClassUnavailable, Code: "hive.unreachable", Message: fmt.Sprintf("the Metastore at %s does not answer %s", s.address, q.method), Err: err, Fix: "look whether it runs, and whether the address is that of its thrift port"}
	timeout, isNet := errors.AsType[net.Error](err)
	_, isDNS := errors.AsType[*net.DNSError](err)
	switch {
	case tooMuch(err):
		e.Code, e.Message, e.Fix = "hive.too_much", fmt.Sprintf("an answer to %s is larger than %d MiB", q.method, mostBytes>>20), "leave out the database that is so large"
	case isDNS:
		e.Message, e.Fix = "the host of the Metastore is not known", "mend the host in url"
	case isNet && timeout.Timeout():
		e.Message += " in time"
	case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
		e.Message = fmt.Sprintf("the Metastore at %s ends the connection in the middle of %s", s.address, q.method)
		e.Fix = "look into its log; one that wants TLS or Kerberos ends connections that bring neither, and Kerberos is not built here"
	}
	return e
}
