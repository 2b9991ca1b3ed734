package denodo

import (
	"context"
	"errors"
	"iter"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/souk-mesh/souk/plugins/internal/said"
	"github.com/souk-mesh/souk/plugins/internal/transport"
	"github.com/souk-mesh/souk/sdk"
)

// conversation is one connection, on which one question is asked at a time.
type conversation struct {
	*source
	conn  *pgconn.PgConn
	alive func() error  // told now and then while the server works; may be nil
	every time.Duration // how often
}

func (s *source) connect(ctx context.Context) (*conversation, error) {
	conn, err := pgconn.ConnectConfig(ctx, s.driver)
	if err != nil {
		return nil, s.unreached(ctx, err)
	}
	conn.Frontend().SetMaxBodyLen(longest)
	return &conversation{source: s, conn: conn, every: min(20*time.Second, s.timeout/4)}, nil
}

func (c *conversation) close() {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	_ = c.conn.Close(ctx)
}

// row is a row of an answer, by the names of its columns in small letters. A
// null is an empty text.
type row struct {
	columns map[string]int
	values  []string
}

// text is the value of a column, or "" where there is none.
func (r row) text(column string) string {
	if i, has := r.columns[column]; has {
		return r.values[i]
	}
	return ""
}

func (r row) has(column string) bool {
	_, has := r.columns[column]
	return has
}

// yes reads a boolean, as a server of PostgreSQL or as Java writes it.
func (r row) yes(column string) bool {
	v := r.text(column)
	return v == "t" || strings.EqualFold(v, "true")
}

// answer is a row, or the error that an answer ends with.
type answer struct {
	row row
	err error
}

// rows asks one question in the simple protocol, and gives the rows as they
// come. While none comes it tells that it lives.
func (c *conversation) rows(ctx context.Context, vql string) iter.Seq2[row, error] {
	return func(yield func(row, error) bool) {
		ctx, cancel := context.WithTimeout(ctx, c.timeout)
		came := make(chan answer, 64)
		go c.ask(ctx, vql, came)
		defer func() {
			cancel()
			for range came { // until the reader has let go of the connection
			}
		}()
		wait := time.NewTicker(c.every)
		defer wait.Stop()
		for {
			select {
			case a, more := <-came:
				if !more || !yield(a.row, a.err) || a.err != nil {
					return
				}
			case <-wait.C:
				if err := c.live(); err != nil {
					yield(row{}, err)
					return
				}
			}
		}
	}
}

func (c *conversation) live() error {
	if c.alive == nil {
		return nil
	}
	return c.alive()
}

// ask sends the question and hands on the answer.
func (c *conversation) ask(ctx context.Context, vql string, to chan<- answer) {
	defer close(to)
	say := func(a answer) bool {
		select {
		case to <- a:
			return true
		case <-ctx.Done():
			return false
		}
	}
	results := c.conn.Exec(ctx, vql)
	for results.NextResult() {
		reader := results.ResultReader()
		columns := map[string]int{}
		for i, f := range reader.FieldDescriptions() {
			columns[strings.ToLower(f.Name)] = i
		}
		for reader.NextRow() {
			r := row{columns: columns, values: make([]string, len(columns))}
			for i, v := range reader.Values() {
				r.values[i] = strings.ToValidUTF8(string(v), "\uFFFD")
			}
			if !say(answer{row: r}) {
				break
			}
		}
		_, _ = reader.Close() // its error is that of the whole
	}
	if err := results.Close(); err != nil {
		to <- answer{err: c.explain(ctx, err)}
	}
}

// unreached says why there is no connection. Virtual DataPort has no codes of
// errors, and so its words decide.
func (s *source) unreached(ctx context.Context, err error) error {
	if errors.Is(ctx.Err(), context.Canceled) {
		return ctx.Err()
	}
	if e := transport.Unverified(err, "denodo.unverified"); e != nil {
		return e
	}
	told, fromServer := errors.AsType[*pgconn.PgError](err)
	switch {
	case !fromServer && strings.Contains(err.Error(), "refused TLS"):
		e := sdk.Config("transport", "the server offers no encrypted connection", "enable SSL/TLS on the server; an administrator may set transport to clear")
		e.Code, e.Err = "denodo.clear", err
		return e
	case !fromServer:
		return sdk.Unavailable("Virtual DataPort at "+s.address+" cannot be reached, or breaks off", "look whether it runs and the network lets souk through; the port is that of ODBC, 9996", err)
	case holds(told, "authentication", "password", "login"):
		e := sdk.Auth("the server refuses the user "+quote(s.driver.User)+" or its password", "set the secret password, and look whether the user exists and may sign in to the database "+quote(s.driver.Database))
		e.Code, e.Err = "denodo.login", err
		return e
	case holds(told, "error loading database", "database not found", "connect privilege"):
		e := sdk.Config("url", "names the database "+quote(s.driver.Database)+", which is not there, or which the user may not connect to", "name another one in the URL, or run "+s.grant(s.driver.Database))
		e.Code, e.Err = "denodo.database", err
		return e
	}
	return sdk.Unavailable("Virtual DataPort answers: "+said.Words(told.Message), "look into the log of the server", err)
}

// explain says what an error in the course of an answer means.
func (c *conversation) explain(ctx context.Context, err error) error {
	told, fromServer := errors.AsType[*pgconn.PgError](err)
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		return ctx.Err()
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return sdk.Unavailable("a question to Virtual DataPort takes more than "+c.timeout.String(), "raise timeout, or harvest fewer databases at a time", err)
	case !fromServer:
		return sdk.Unavailable("the connection to "+c.address+" breaks off", "look into the log of the server, and what stands before it", err)
	}
	e := &sdk.Error{Class: sdk.ClassUnavailable, Code: "denodo.answer", Message: "Virtual DataPort answers: " + said.Words(told.Message), Fix: "look into the log of the server", Err: err}
	switch {
	case holds(told, "privilege"):
		e.Class, e.Fix = sdk.ClassDenied, "run the statements on the plugin's page"
	case holds(told, "syntax error", "not found", "obligatory"):
		e.Class, e.Fix = sdk.ClassInternal, "look whether the version of Denodo is one that the plugin knows"
	}
	return e
}

// holds reports whether the server's words hold one of these.
func holds(told *pgconn.PgError, words ...string) bool {
	text := strings.ToLower(told.Message + " " + told.Detail)
	for _, w := range words {
		if strings.Contains(text, w) {
			return true
		}
	}
	return false
}

// told reports an error that the server itself has told of a question.
func told(err error) (*sdk.Error, bool) {
	e, ours := errors.AsType[*sdk.Error](err)
	return e, ours && e.Code == "denodo.answer"
}
