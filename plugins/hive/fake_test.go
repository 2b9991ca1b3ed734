package hive_test

import (
	"context"
	"crypto/tls"
	"encoding/binary"
	"fmt"
	"io"
	"maps"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/apache/thrift/lib/go/thrift"
)

const password = "canary-of-hive"

// fake is a Metastore that holds what a real one was found to hold by the recorder,
// or what a test makes up. It speaks Thrift over a socket, knows no type of the
// plugin, and answers what it does not know as the real one does. The calls and
// their numbers are those of Hive's own IDL at apache/hive 0078f1f0aafe.
type fake struct {
	mu       sync.Mutex
	kept     *kept
	old      bool // as Hive 3: constraints are told one kind at a time
	ancient  bool // as Hive 2: no catalogs
	sasl     bool // wants a password
	secure   *tls.Config
	framed   bool
	compact  bool
	broken   string          // method whose answer is cut in the middle
	times    int             // how often; -1: always
	huge     string          // method whose answer says that it is of 2 GiB
	stray    string          // method that is answered under another number
	ill      map[string]tree // by method and name, how it is answered
	asked    map[string]int
	largest  int // page
	told     string
	vanished map[string]bool // databases that are gone since they were listed
}

func recorded(t *testing.T) *fake {
	t.Helper()
	text, err := os.ReadFile("testdata/hive-4.0.json")
	if err != nil {
		t.Fatal(err)
	}
	return &fake{kept: load(text), ill: map[string]tree{}, asked: map[string]int{}, vanished: map[string]bool{}}
}

// withTables is one with a database of so many tables, each of so many columns.
func withTables(t *testing.T, n, columns int) *fake {
	t.Helper()
	f := recorded(t)
	f.kept.Catalogs = []string{"hive"}
	d := &databased{Catalog: "hive", Name: "sales", Database: tree{"1:string": "sales"}, Tables: map[string]*table{}}
	f.kept.Databases = []*databased{d}
	for i := range n {
		d.add(fmt.Sprintf("t%06d", i), columns)
	}
	return f
}

func (d *databased) add(name string, columns int) {
	var all []any
	for i := range columns {
		all = append(all, tree{"1:string": fmt.Sprint("c", i), "2:string": "int"})
	}
	d.Tables[name] = &table{Table: tree{"1:string": texts(name)["items"].([]any)[0], "2:string": d.Name, "7:struct": tree{"1:list": tree{"of": "struct", "items": all}}, "12:string": "MANAGED_TABLE"}, Constraints: tree{}}
}

func (f *fake) start(t *testing.T) string {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	if f.secure != nil {
		listener = tls.NewListener(listener, f.secure)
	}
	go f.accept(listener)
	return "thrift://" + listener.Addr().String()
}

func (f *fake) accept(listener net.Listener) {
	for {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		go func() {
			defer func() { _ = conn.Close() }()
			defer func() { _ = recover() }() // the other end has gone
			f.talk(conn)
		}()
	}
}

// cutter is a connection that ends in the middle of an answer.
type cutter struct {
	net.Conn
	left int // -1: it does not end
}

func (c *cutter) Write(text []byte) (int, error) {
	if c.left >= 0 && len(text) > c.left {
		_, _ = c.Conn.Write(text[:c.left])
		_ = c.Close()
		return 0, io.ErrClosedPipe
	}
	return c.Conn.Write(text)
}

func (f *fake) talk(conn net.Conn) {
	if f.sasl && !signedIn(conn) {
		return
	}
	ctx := context.Background()
	cut := &cutter{Conn: conn, left: -1}
	var through thrift.TTransport = thrift.NewTBufferedTransport(thrift.NewStreamTransportRW(cut), 1<<20)
	if f.framed || f.sasl {
		through = thrift.NewTFramedTransportConf(through, nil)
	}
	var speech thrift.TProtocol = thrift.NewTBinaryProtocolConf(through, nil)
	if f.compact {
		speech = thrift.NewTCompactProtocolConf(through, nil)
	}
	for {
		method, _, number, err := speech.ReadMessageBegin(ctx)
		if err != nil {
			return
		}
		arguments := readTree(ctx, speech)
		check(speech.ReadMessageEnd(ctx))
		f.mu.Lock()
		answer := f.answer(method, arguments)
		if f.broken == method && f.times != 0 {
			f.times--
			cut.left = 40
		}
		if f.huge == method {
			f.mu.Unlock()
			// A text of 2 GiB in a reply.
			_, _ = conn.Write([]byte{0x80, 1, 0, 2, 0, 0, 0, 1, 'x', 0, 0, 0, byte(number), 15, 0, 0, 11, 0, 0, 0, 1, 0x7f, 0xff, 0xff, 0xff, 'x'})
			return
		}
		if f.stray == method {
			number += 7
		}
		f.mu.Unlock()
		kind := thrift.REPLY
		if inner, is := answer["exception"].(tree); is {
			kind, answer = thrift.EXCEPTION, inner
		}
		check(speech.WriteMessageBegin(ctx, method, kind, number))
		writeTree(ctx, speech, answer)
		check(speech.WriteMessageEnd(ctx))
		check(speech.Flush(ctx))
	}
}

// signedIn is the way of SASL that Thrift has: a byte, a length and a text.
func signedIn(conn net.Conn) bool {
	next := func() (byte, string) {
		var head [5]byte
		must(io.ReadFull(conn, head[:]))
		if head[1] > 0 {
			panic("it is no SASL")
		}
		text := make([]byte, binary.BigEndian.Uint32(head[1:]))
		must(io.ReadFull(conn, text))
		return head[0], string(text)
	}
	say := func(kind byte, text string) {
		must(conn.Write(append(append([]byte{kind}, binary.BigEndian.AppendUint32(nil, uint32(len(text)))...), text...)))
	}
	if kind, mechanism := next(); kind != 1 || mechanism != "PLAIN" {
		say(3, "Unsupported mechanism type "+mechanism)
		return false
	}
	if kind, text := next(); kind != 2 || text != "\x00souk\x00"+password {
		say(3, "Error validating the login")
		return false
	}
	say(5, "")
	return true
}

func metaException(message string) tree { return tree{"1:struct": tree{"1:string": message}} }

func (f *fake) unknown(method string) tree {
	return tree{"exception": tree{"1:string": "Invalid method name: '" + method + "'", "2:i32": 1.0}}
}

func (f *fake) answer(method string, a tree) tree {
	f.asked[method]++
	request, _ := a["1:struct"].(tree)
	text := func(t tree, key string) string { return plain(t[key]) }
	switch method {
	case "get_catalogs":
		if f.ancient {
			return f.unknown(method)
		}
		return tree{"0:struct": tree{"1:list": texts(f.kept.Catalogs...)}}
	case "set_ugi":
		f.told = text(a, "1:string")
		return tree{"0:list": texts()}
	case "get_all_databases":
		return tree{"0:list": texts(f.names("hive")...)}
	case "get_databases":
		catalog, _, _ := strings.Cut(strings.TrimPrefix(text(a, "1:string"), "@"), "#")
		return tree{"0:list": texts(f.names(catalog)...)}
	case "get_database", "get_all_tables":
		return f.about(method, text(a, "1:string"))
	case "get_table_objects_by_name_req":
		return f.tables(request)
	case "get_num_partitions_by_filter":
		return f.one(method, f.find(text(a, "1:string")), text(a, "2:string"), func(t *table) tree { return tree{"0:i32": float64(t.Partitions)} })
	case "get_all_table_constraints":
		if f.old || f.ancient {
			return f.unknown(method)
		}
		return f.one(method, f.find("@"+text(request, "3:string")+"#"+text(request, "1:string")), text(request, "2:string"), func(t *table) tree { return tree{"0:struct": tree{"1:struct": t.Constraints}} })
	}
	return f.part(method, request)
}

// part is one kind of constraint, as Hive 3 tells it.
func (f *fake) part(method string, request tree) tree {
	place := map[string][4]string{
		"get_primary_keys": {"3:string", "1:string", "2:string", "1:list"}, "get_foreign_keys": {"5:string", "3:string", "4:string", "2:list"},
		"get_unique_constraints": {"1:string", "2:string", "3:string", "3:list"}, "get_not_null_constraints": {"1:string", "2:string", "3:string", "4:list"},
		"get_default_constraints": {"1:string", "2:string", "3:string", "5:list"}, "get_check_constraints": {"1:string", "2:string", "3:string", "6:list"},
	}[method]
	if place[0] == "" || f.ancient && method != "get_primary_keys" && method != "get_foreign_keys" {
		return f.unknown(method)
	}
	catalog, database, name := plain(request[place[0]]), plain(request[place[1]]), plain(request[place[2]])
	if catalog != "" {
		database = "@" + catalog + "#" + database
	}
	return f.one(method, f.find(database), name, func(t *table) tree {
		list, has := t.Constraints[place[3]]
		if !has {
			list = tree{"of": "struct", "items": []any{}}
		}
		return tree{"0:struct": tree{"1:list": list}}
	})
}

func (f *fake) names(catalog string) []string {
	var all []string
	for _, d := range f.kept.Databases {
		if d.Catalog == catalog {
			all = append(all, d.Name)
		}
	}
	return all
}

// find gives the database of a name such as sales or @spark#sales.
func (f *fake) find(whole string) *databased {
	catalog, name, has := strings.Cut(strings.TrimPrefix(whole, "@"), "#")
	if !has {
		catalog, name = "hive", whole
	}
	for _, d := range f.kept.Databases {
		if d.Catalog == catalog && d.Name == name && !f.vanished[name] {
			return d
		}
	}
	return nil
}

func (f *fake) about(method, whole string) tree {
	d := f.find(whole)
	switch {
	case f.ill[method+" "+whole] != nil:
		return f.ill[method+" "+whole]
	case d == nil && method == "get_database":
		return f.kept.None
	case d == nil:
		return metaException("Could not find database " + whole)
	case method == "get_database":
		return tree{"0:struct": d.Database}
	}
	return tree{"0:list": texts(slices.Sorted(maps.Keys(d.Tables))...)}
}

func (f *fake) tables(request tree) tree {
	catalog, database := plain(request["4:string"]), plain(request["1:string"])
	if catalog == "" {
		catalog = "hive"
	}
	d := f.find("@" + catalog + "#" + database)
	if d == nil {
		return tree{"3:struct": tree{"1:string": "Could not find database " + database}}
	}
	names := read(request["2:list"])
	f.largest = max(f.largest, len(names))
	items := []any{}
	for _, name := range names {
		if ill := f.ill["get_table_objects_by_name_req "+name]; ill != nil {
			return ill
		}
		if t := d.Tables[name]; t != nil {
			items = append(items, t.Table)
		}
	}
	return tree{"0:struct": tree{"1:list": tree{"of": "struct", "items": items}}}
}

// one answers about a table.
func (f *fake) one(method string, d *databased, name string, do func(*table) tree) tree {
	if ill := f.ill[method+" "+name]; ill != nil {
		return ill
	}
	if d == nil || d.Tables[name] == nil {
		return tree{"2:struct": tree{"1:string": "Specified table " + name + " does not exist"}}
	}
	return do(d.Tables[name])
}
