package denodo_test

import (
	"crypto/tls"
	"io"
	"net"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5/pgproto3"
)

const (
	user     = "souk"
	password = "canary-of-denodo"
)

// fake is a fake of Virtual DataPort on its port for ODBC, written on 2026-11-30
// from the pages of the VQL guide below
// https://community.denodo.com/docs/html/browse/9.0/en/vdp/vql/stored_procedures/predefined_stored_procedures/
// (view_dependencies, column_dependencies, get_public_view_dependencies), from
// https://community.denodo.com/docs/html/browse/7.0/vdp/vql/stored_procedures/predefined_stored_procedures/
// (catalog_vdp_metadata_views, and get_views, get_elements, get_view_columns,
// get_associations, get_source_columns, get_catalog_effective_permissions as the
// guide's source has them), from
// https://community.denodo.com/docs/html/browse/9.1/en/vdp/vql/describing_catalog_elements/describing_catalog_elements
// and from what others measured on a server 9.5.1 in October 2026
// (https://github.com/kirivandubai/denodo_wipe_coading_skills, folder skills): the
// columns of GET_DATABASES, GET_VIEW_TAGS and GET_ASSOCIATIONS, that SELECT *
// gives the input parameters back, that errors have texts and no codes, and that
// COLUMN_DEPENDENCIES repeats the chain under the name of each private step.
//
// It asks for the password as it is, takes the simple protocol alone, and
// refuses a statement that it does not know.
type fake struct {
	mu         sync.Mutex
	procedures map[string]*procedure
	vql        map[string]string // of DESC VQL, by what is described
	lists      map[string][]string
	fails      map[string]string // by a part of a statement: the server's words
	cuts       string            // a part of the statement whose answer breaks off
	waits      string            // a part of the statement that is never answered
	asked      []string
	secure     *tls.Config
	got        []string // passwords
	refuses    string   // the words with which nobody is let in
}

// procedure is a stored procedure of the server's own.
type procedure struct {
	inputs     []string // parameters, which come back with SELECT *
	obligatory []string
	columns    []string
	rows       [][]string
}

// add adds a row. "-" stands for null.
func (p *procedure) add(row ...string) { p.rows = append(p.rows, row) }

func (f *fake) start(t *testing.T) string {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go f.serve(conn)
		}
	}()
	return listener.Addr().String()
}

func (f *fake) serve(conn net.Conn) {
	defer func() { _ = conn.Close() }()
	b := pgproto3.NewBackend(conn, conn)
	first, err := b.ReceiveStartupMessage()
	if _, wants := first.(*pgproto3.SSLRequest); wants && err == nil {
		if f.secure == nil {
			_, _ = conn.Write([]byte{'N'})
		} else {
			_, _ = conn.Write([]byte{'S'})
			conn = tls.Server(conn, f.secure)
			b = pgproto3.NewBackend(conn, conn)
		}
		first, err = b.ReceiveStartupMessage()
	}
	begun, is := first.(*pgproto3.StartupMessage)
	if err != nil || !is || !f.signIn(b, begun) {
		return
	}
	for {
		message, err := b.Receive()
		if err != nil {
			return
		}
		switch m := message.(type) {
		case *pgproto3.Query:
			if !f.answer(b, conn, m.String) {
				return
			}
		case *pgproto3.Terminate:
			return
		default:
			b.Send(refusal("only the simple protocol is taken"))
			b.Send(&pgproto3.ReadyForQuery{TxStatus: 'I'})
		}
		if b.Flush() != nil {
			return
		}
	}
}

func refusal(words string) *pgproto3.ErrorResponse {
	return &pgproto3.ErrorResponse{Severity: "ERROR", Code: "XX000", Message: words, Detail: "java.sql.SQLException: " + words}
}

func (f *fake) signIn(b *pgproto3.Backend, begun *pgproto3.StartupMessage) bool {
	b.Send(&pgproto3.AuthenticationCleartextPassword{})
	_ = b.SetAuthType(pgproto3.AuthTypeCleartextPassword)
	if b.Flush() != nil {
		return false
	}
	message, err := b.Receive()
	given, is := message.(*pgproto3.PasswordMessage)
	if err != nil || !is {
		return false
	}
	f.mu.Lock()
	f.got = append(f.got, given.Password)
	f.mu.Unlock()
	words := f.refuses
	switch {
	case words != "":
	case begun.Parameters["user"] != user || given.Password != password:
		words = "error opening new session: authentication error: The username or password is incorrect"
	case begun.Parameters["database"] != "admin":
		words = "error opening new session: Error loading database '" + begun.Parameters["database"] + "'"
	}
	if words != "" {
		b.Send(refusal(words))
		_ = b.Flush()
		return false
	}
	b.Send(&pgproto3.AuthenticationOk{})
	b.Send(&pgproto3.ParameterStatus{Name: "client_encoding", Value: "UTF8"})
	b.Send(&pgproto3.ReadyForQuery{TxStatus: 'I'})
	return b.Flush() == nil
}

var (
	isSelect    = regexp.MustCompile(`(?s)^SELECT (.+?) FROM (\w+)\(\)(?: WHERE (.+))?$`)
	isCondition = regexp.MustCompile(`(?s)^(\w+) = (?:'((?:[^']|'')*)'|(\d+))(?: AND |$)`)
	isDesc      = regexp.MustCompile(`(?s)^DESC VQL (VIEW|DATASOURCE JDBC) "((?:[^"]|"")*)"\."((?:[^"]|"")*)" \('includeDependencies' = 'no', 'dropElements' = 'no'\)$`)
)

// answer tells whether the connection goes on.
func (f *fake) answer(b *pgproto3.Backend, conn io.Closer, vql string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked = append(f.asked, vql)
	if f.waits != "" && strings.Contains(vql, f.waits) {
		return true
	}
	columns, rows, words := f.run(vql)
	for part, text := range f.fails {
		if strings.Contains(vql, part) {
			words = text
		}
	}
	if words != "" {
		b.Send(refusal(words))
		b.Send(&pgproto3.ReadyForQuery{TxStatus: 'I'})
		return true
	}
	described := &pgproto3.RowDescription{}
	for _, c := range columns {
		described.Fields = append(described.Fields, pgproto3.FieldDescription{Name: []byte(c), DataTypeOID: 25, DataTypeSize: -1, TypeModifier: -1})
	}
	b.Send(described)
	for i, r := range rows {
		if f.cuts != "" && strings.Contains(vql, f.cuts) && i == len(rows)/2 {
			_ = b.Flush()
			_ = conn.Close()
			return false
		}
		data := &pgproto3.DataRow{}
		for _, v := range r {
			if v == "-" {
				data.Values = append(data.Values, nil)
				continue
			}
			data.Values = append(data.Values, []byte(v))
		}
		b.Send(data)
	}
	b.Send(&pgproto3.CommandComplete{CommandTag: []byte("SELECT")})
	b.Send(&pgproto3.ReadyForQuery{TxStatus: 'I'})
	return true
}

// run gives what a statement answers, or the words of its error.
func (f *fake) run(vql string) (columns []string, rows [][]string, words string) {
	if list, known := f.lists[vql]; known {
		for _, name := range list {
			rows = append(rows, []string{name})
		}
		return []string{"name"}, rows, ""
	}
	if m := isDesc.FindStringSubmatch(vql); m != nil {
		text, known := f.vql[m[1]+" "+strings.ReplaceAll(m[2]+"."+m[3], `""`, `"`)]
		if !known {
			return nil, nil, "Error loading view '" + m[3] + "' in database '" + m[2] + "'"
		}
		return []string{"vql"}, [][]string{{text}}, ""
	}
	m := isSelect.FindStringSubmatch(vql)
	if m == nil {
		return nil, nil, "Syntax error: Exception parsing query near '" + vql[:min(len(vql), 6)] + "'"
	}
	p := f.procedures[m[2]]
	if p == nil {
		return nil, nil, "Function '" + strings.ToLower(m[2]) + "' with arity 0 not found"
	}
	given, words := conditions(m[3])
	for _, input := range p.obligatory {
		if given[input] == "" {
			return nil, nil, "No search methods ready to be run. The following fields are obligatory: " + input
		}
	}
	if words != "" {
		return nil, nil, words
	}
	return p.project(m[1], given)
}

func conditions(text string) (map[string]string, string) {
	given := map[string]string{}
	for text != "" {
		m := isCondition.FindStringSubmatch(text)
		if m == nil {
			return nil, "Syntax error: Exception parsing query near 'WHERE'"
		}
		given[m[1]] = strings.ReplaceAll(m[2], "''", "'") + m[3]
		text = text[len(m[0]):]
	}
	return given, ""
}

// project runs the procedure, whose input parameters stand in the condition as
// columns do, and gives the columns that are asked for.
func (p *procedure) project(what string, given map[string]string) (columns []string, rows [][]string, words string) {
	columns = slices.Concat(p.inputs, p.columns)
	if what != "*" {
		columns = strings.Split(what, ", ")
	}
	for name := range given {
		if !slices.Contains(p.inputs, name) && !slices.Contains(p.columns, name) {
			return nil, nil, "Field not found '" + name + "' in view with schema: "
		}
	}
	for _, r := range p.rows {
		if !p.takes(r, given) {
			continue
		}
		var out []string
		for _, c := range columns {
			i := slices.Index(p.columns, c)
			switch {
			case i >= 0:
				out = append(out, r[i])
			case given[c] != "":
				out = append(out, given[c])
			default:
				out = append(out, "-")
			}
		}
		rows = append(rows, out)
	}
	return columns, rows, ""
}

func (p *procedure) takes(r []string, given map[string]string) bool {
	for name, value := range given {
		if name == "input_type" { // views are of the type view
			value = strings.TrimSuffix(value, "s")
		}
		i := slices.Index(p.columns, name)
		if i < 0 { // a parameter filters by the column that it is named for
			i = slices.Index(p.columns, strings.TrimPrefix(name, "input_"))
		}
		step := slices.Index(p.columns, "private_view") // of a step that the server made itself, told with each view
		along := name == "input_view_name" && step >= 0 && r[step] == "t"
		if i >= 0 && r[i] != value && !along {
			return false
		}
	}
	return true
}
