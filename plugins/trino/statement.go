package trino

import (
	"context"
	"encoding/json"
	"errors"
	"iter"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/souk-mesh/souk/plugins/internal/said"
	"github.com/souk-mesh/souk/sdk"
	"github.com/souk-mesh/souk/sdk/web"
)

// statements is where all of them are run.
const statements = "/v1/statement"

// conversation asks the questions of one check or harvest.
type conversation struct {
	*source
	alive func() error // told whenever Trino says that it is still at work; may be nil
}

// question is one statement, with the catalog and schema in which names without
// them are looked up.
type question struct{ sql, catalog, schema string }

// row is one row of an answer; a value is a text, a number, a boolean or nil.
type row []any

// text is a value as a text, and "" where there is none.
func (r row) text(i int) string {
	if i < len(r) {
		if s, ok := r[i].(string); ok {
			return s
		}
	}
	return ""
}

// rows runs a statement and gives its rows as they come: a statement is posted,
// and each answer names the address of the next one. Of that address the path
// counts: what stands before a coordinator may be known to it by another name,
// and the credentials are for the host of the configuration alone. Whoever stops
// early makes Trino stop too.
func (c *conversation) rows(ctx context.Context, q question) iter.Seq2[row, error] {
	return func(yield func(row, error) bool) {
		next := ""
		list := web.List{Items: []string{"data"}, MayLack: true, First: web.Request{
			Method: http.MethodPost, Path: statements, Body: []byte(q.sql), Asks: true, Header: q.header(),
		}}
		list.Next = func(p web.Page) (web.Request, bool, error) {
			var err error
			if next, err = following(p.Rest); err != nil || next == "" {
				return web.Request{}, false, err
			}
			return web.Request{Path: next}, true, c.live()
		}
		for r, err := range web.Items[row](ctx, c.client, list) {
			if err != nil {
				err = lost(err, next != "")
			}
			if !yield(r, err) {
				break
			}
		}
		if next != "" {
			c.abandon(ctx, next)
		}
	}
}

// live tells that Trino is at work: a statement may wait long for its turn.
func (c *conversation) live() error {
	if c.alive == nil {
		return nil
	}
	return c.alive()
}

// following is the path of the answer after this one, "" after the last, or what
// went wrong.
func following(answer map[string]any) (string, error) {
	if err := faultOf(answer["error"]); err != nil {
		return "", err
	}
	next, _ := answer["nextUri"].(string)
	at := strings.Index(next, statements+"/")
	if next != "" && at < 0 {
		return "", sdk.Unavailable("Trino goes on at an address that is not known", "look at the version of Trino, and what stands before it", nil)
	}
	return next[max(at, 0):], nil
}

// header names the catalog and the schema of names without them. A header holds
// plain letters alone; a statement without one fails where it needs it.
func (q question) header() http.Header {
	h := http.Header{}
	for name, value := range map[string]string{"X-Trino-Catalog": q.catalog, "X-Trino-Schema": q.schema} {
		if value != "" && !strings.ContainsFunc(value, func(r rune) bool { return r < ' ' || r > '~' }) {
			h.Set(name, value)
		}
	}
	return h
}

// abandon frees what a statement holds in the cluster. Nobody waits long for it.
func (c *conversation) abandon(ctx context.Context, next string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
	defer cancel()
	_, _, _ = c.client.Read(ctx, web.Request{Method: http.MethodDelete, Path: next})
}

// lost tells a statement that the cluster no longer knows, which a coordinator
// that started anew answers like a wrong address.
func lost(err error, begun bool) error {
	if begun && (web.Status(err) == http.StatusNotFound || web.Status(err) == http.StatusGone) {
		return sdk.Unavailable("Trino has lost a statement that was running", "look whether the coordinator has started anew, and run again", err)
	}
	return err
}

// fault is what Trino says of a statement that failed.
type fault struct {
	Message string `json:"message"`
	Name    string `json:"errorName"`
	Type    string `json:"errorType"`
}

// busy are the errors of a cluster that has no room for the statement now.
var busy = []string{"QUERY_QUEUE_FULL", "QUERY_REJECTED", "SERVER_STARTING_UP", "SERVER_SHUTTING_DOWN", "NO_NODES_AVAILABLE", "ABANDONED_QUERY", "REMOTE_HOST_GONE", "REMOTE_TASK_ERROR"}

// faultOf reads the error of an answer, and says whose turn it is.
func faultOf(told any) error {
	if told == nil {
		return nil
	}
	var f fault
	text, err := json.Marshal(told)
	if err == nil {
		err = json.Unmarshal(text, &f)
	}
	if err != nil {
		return sdk.Unavailable("Trino tells an error in a form that is not known", "look at the version of Trino", err)
	}
	e := &sdk.Error{Code: "trino." + strings.ToLower(f.Name), Message: "Trino answers " + f.Name + ": " + said.Words(f.Message)}
	switch {
	case f.Name == "PERMISSION_DENIED":
		e.Class, e.Fix = sdk.ClassDenied, "give the user the right; the plugin's page lists what it needs"
	case f.Type == "INSUFFICIENT_RESOURCES" || slices.Contains(busy, f.Name):
		e.Class, e.Fix = sdk.ClassThrottled, "run when the cluster has room, or give the source souk a resource group of its own"
	case f.Type == "USER_ERROR":
		e.Class, e.Fix = sdk.ClassInternal, "look whether the version of Trino is one that the plugin knows"
	default:
		e.Class, e.Fix = sdk.ClassUnavailable, "look whether the system behind the catalog runs, and into the log of the coordinator"
	}
	return e
}

// told reports an error that Trino itself has told of a statement, as opposed
// to a connection that failed and a cluster that has no room.
func told(err error) (*sdk.Error, bool) {
	e, ours := errors.AsType[*sdk.Error](err)
	return e, ours && strings.HasPrefix(e.Code, "trino.") && e.Class != sdk.ClassThrottled
}
