package mysql_test

import (
	"bufio"
	"bytes"
	"crypto/sha1"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/souk-mesh/souk/plugins/mysql"
)

// fake is a server written by what is known of the protocol, which
// https://dev.mysql.com/doc/dev/mysql-server/latest/PAGE_PROTOCOL.html describes.
// It signs in by mysql_native_password and answers what its
// table of answers has, by the table that a query reads; all else is an error
// of syntax.
type fake struct {
	answers map[string][][]any // by a part of the query
	cut     string             // the answer that breaks off midway
	late    time.Duration      // that the tables take
	fails   uint16             // the number of an error in place of the greeting
	mute    bool               // never greets
	cleared bool               // asks for the password as it is
	got     chan string        // what it was given for a password as it is
}

func (f *fake) start(t *testing.T) mysql.Config {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	f.got = make(chan string, 10)
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go f.serve(conn)
		}
	}()
	return mysql.Config{URL: "mysql://souk@" + listener.Addr().String(), Password: "canary-secret", Transport: "clear", Namespace: "mysql://fake:3306"}
}

// wire is a connection with the number of the next packet.
type wire struct {
	net.Conn
	in  *bufio.Reader
	seq byte
}

func (w *wire) read() ([]byte, error) {
	head := make([]byte, 4)
	if _, err := io.ReadFull(w.in, head); err != nil {
		return nil, err
	}
	w.seq = head[3] + 1
	body := make([]byte, int(head[0])|int(head[1])<<8|int(head[2])<<16)
	_, err := io.ReadFull(w.in, body)
	return body, err
}

func (w *wire) write(body []byte) {
	n := len(body)
	_, _ = w.Write(append([]byte{byte(n), byte(n >> 8), byte(n >> 16), w.seq}, body...))
	w.seq++
}

func (w *wire) ok() { w.write([]byte{0, 0, 0, 2, 0, 0, 0}) }

func (w *wire) fail(number uint16, state, message string) {
	w.write(append(binary.LittleEndian.AppendUint16([]byte{0xff}, number), "#"+state+message...))
}

func (f *fake) serve(conn net.Conn) {
	defer func() { _ = conn.Close() }()
	w := &wire{Conn: conn, in: bufio.NewReader(conn)}
	switch {
	case f.mute:
		_, _ = io.Copy(io.Discard, conn)
		return
	case f.fails != 0:
		w.write(append(binary.LittleEndian.AppendUint16([]byte{0xff}, f.fails), "not now"...))
		return
	case !f.greet(w):
		w.fail(1045, "28000", "Access denied")
		return
	}
	w.ok()
	for {
		command, err := w.read()
		if err != nil || len(command) == 0 || command[0] == 1 {
			return
		}
		if command[0] == 14 { // ping
			w.ok()
			continue
		}
		if !f.answer(w, string(command[1:])) {
			return
		}
	}
}

// greet shakes hands, and tells whether the password is the right one.
func (f *fake) greet(w *wire) bool {
	salt := []byte("01234567890123456789")
	// CLIENT_PROTOCOL_41, CONNECT_WITH_DB, SECURE_CONNECTION, TRANSACTIONS, PLUGIN_AUTH; no CLIENT_SSL.
	able := uint32(0x200 | 0x8 | 0x8000 | 0x2000 | 0x80000)
	body := append([]byte{10}, "8.4.3\x00\x01\x00\x00\x00"...)
	body = append(append(body, salt[:8]...), 0)
	body = binary.LittleEndian.AppendUint16(body, uint16(able&0xffff))
	body = binary.LittleEndian.AppendUint16(append(body, 255), 2)
	body = append(binary.LittleEndian.AppendUint16(body, uint16(able>>16)), 21)
	body = append(append(append(body, make([]byte, 10)...), salt[8:]...), 0)
	w.write(append(body, "mysql_native_password\x00"...))
	answer, err := w.read()
	if err != nil || len(answer) < 33 {
		return false
	}
	user, rest, _ := bytes.Cut(answer[32:], []byte{0})
	if f.cleared {
		w.write(append([]byte{0xfe}, "mysql_clear_password\x00"...))
		given, err := w.read()
		f.got <- string(given)
		return err == nil
	}
	return string(user) == "souk" && len(rest) > 20 && bytes.Equal(rest[1:21], scramble("canary-secret", salt))
}

func scramble(password string, salt []byte) []byte {
	once := sha1.Sum([]byte(password))
	twice := sha1.Sum(once[:])
	mixed := sha1.Sum(append(bytes.Clone(salt), twice[:]...))
	for i := range mixed {
		mixed[i] ^= once[i]
	}
	return mixed[:]
}

// answer sends the rows for a query. It tells whether the connection goes on.
func (f *fake) answer(w *wire, query string) bool {
	low := strings.ToLower(query)
	if strings.Contains(low, "no_auto_create_user") { // which MySQL 8 does not know any more
		w.fail(1231, "42000", "Variable 'sql_mode' can't be set")
		return true
	}
	if strings.HasPrefix(low, "set ") {
		w.ok()
		return true
	}
	for part, rows := range f.answers {
		if !strings.Contains(low, part) {
			continue
		}
		if part == "information_schema.tables" {
			time.Sleep(f.late)
		}
		return w.rows(rows, f.cut == part)
	}
	w.fail(1064, "42000", "You have an error in your SQL syntax")
	return true
}

// rows sends a text result; the columns have no names, as nobody reads them.
func (w *wire) rows(rows [][]any, cut bool) bool {
	columns := 1
	if len(rows) > 0 {
		columns = len(rows[0])
	}
	eof := []byte{0xfe, 0, 0, 2, 0}
	w.write([]byte{byte(columns)})
	for i := range columns {
		body := lengthy(nil, "def")
		for _, name := range []string{"", "", "", fmt.Sprint("c", i), ""} {
			body = lengthy(body, name)
		}
		w.write(append(body, 0x0c, 45, 0, 0, 1, 0, 0, 0xfd, 0, 0, 0, 0, 0))
	}
	w.write(eof)
	for i, row := range rows {
		if cut && i == len(rows)/2 {
			return false
		}
		var body []byte
		for _, value := range row {
			if value == nil {
				body = append(body, 0xfb)
				continue
			}
			body = lengthy(body, fmt.Sprint(value))
		}
		w.write(body)
	}
	w.write(eof)
	return true
}

// lengthy adds a text with its length before it.
func lengthy(body []byte, text string) []byte {
	if len(text) < 251 {
		return append(append(body, byte(len(text))), text...)
	}
	return append(binary.LittleEndian.AppendUint16(append(body, 0xfc), uint16(len(text))), text...)
}

// mysql8 has the answers of a MySQL 8 as its reference manual describes them;
// testdata/README.md says where each comes from.
func mysql8(t *testing.T) *fake {
	t.Helper()
	text, err := os.ReadFile("testdata/mysql8.json")
	if err != nil {
		t.Fatal(err)
	}
	f := &fake{}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	if err := decoder.Decode(&f.answers); err != nil {
		t.Fatal(err)
	}
	return f
}
