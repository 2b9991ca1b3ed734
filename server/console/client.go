package console

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/Khan/genqlient/graphql"
)

// client asks the API as any other client does, without a network between. Who
// asks is the principal of the context.
type client struct{ api http.Handler }

// MakeRequest puts one operation.
func (c client) MakeRequest(ctx context.Context, in *graphql.Request, out *graphql.Response) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "/graphql", bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	w := &kept{header: http.Header{}}
	c.api.ServeHTTP(w, r)
	if err := json.Unmarshal(w.body.Bytes(), out); err != nil {
		return fmt.Errorf("the API answered %d and no JSON: %w", w.status, err)
	}
	if len(out.Errors) > 0 {
		return out.Errors
	}
	return nil
}

// kept keeps what a handler writes.
type kept struct {
	header http.Header
	status int
	body   bytes.Buffer
}

// Header gives the headers, which nobody reads.
func (a *kept) Header() http.Header { return a.header }

// WriteHeader keeps the status.
func (a *kept) WriteHeader(status int) { a.status = status }

// Write keeps the body.
func (a *kept) Write(b []byte) (int, error) { return a.body.Write(b) }
