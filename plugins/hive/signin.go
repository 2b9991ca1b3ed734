package hive

import (
	"bufio"
	"context"
	"encoding/binary"
	"io"
	"time"

	"github.com/apache/thrift/lib/go/thrift"

	"github.com/souk-mesh/souk/plugins/internal/said"
	"github.com/souk-mesh/souk/sdk"
)

// The steps of signing in by SASL, as Thrift has them: a byte, a length, a text.
const (
	saslStart    = 1
	saslOK       = 2
	saslBad      = 3
	saslError    = 4
	saslComplete = 5

	mostSASL = 64 << 10
)

// signIn signs in by name and password (PLAIN).
func (s *session) signIn(ctx context.Context, l *line) error {
	defer context.AfterFunc(ctx, func() { _ = l.Close() })()
	if err := l.SetDeadline(time.Now().Add(l.patience)); err != nil {
		return err
	}
	out := bufio.NewWriter(l.Conn)
	step := func(kind byte, text string) {
		_ = out.WriteByte(kind)
		_, _ = out.Write(binary.BigEndian.AppendUint32(nil, uint32(len(text)))) //nolint:gosec // a name and a password
		_, _ = out.WriteString(text)
	}
	step(saslStart, "PLAIN")
	step(saslOK, "\x00"+s.user+"\x00"+s.password)
	if err := out.Flush(); err != nil {
		return err
	}
	for {
		var head [5]byte
		if _, err := io.ReadFull(l, head[:]); err != nil {
			return err
		}
		n := binary.BigEndian.Uint32(head[1:])
		if n > mostSASL {
			return errEmpty
		}
		text := make([]byte, n)
		if _, err := io.ReadFull(l, text); err != nil {
			return err
		}
		switch head[0] {
		case saslOK:
		case saslComplete:
			return nil
		case saslBad, saslError:
			return sdk.Auth("the Metastore refuses the user and the password: "+said.Words(string(text)), "mend user and the secret password; a Metastore that wants Kerberos takes no password")
		default:
			return errEmpty
		}
	}
}

// introduce tells a Metastore that asks for no password who reads.
func (s *session) introduce(ctx context.Context) error {
	err := s.once(ctx, request{method: "set_ugi", errors: []string{"MetaException"}, write: func(w *writer) {
		w.text(1, s.user)
		w.texts(2, nil)
	}, read: func(r *reader, kind thrift.TType) { r.skip(kind) }})
	if refused(err, unknown) {
		return nil
	}
	return err
}
