// Package remote owns the way from a command to a running server: GraphQL over
// HTTP in the name of a token's owner, and the file in which a person's sign-in
// is kept. It shows what a server refuses in the server's own words, and never
// sends a token to another server than the one that it was kept for.
package remote

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/souk-mesh/souk/graph/model"
)

// DefaultURL is where a server listens that nobody has told otherwise.
const DefaultURL = "http://127.0.0.1:8080"

// Client is a running server, asked in the name of a token's owner.
type Client struct {
	URL   string
	token string
}

// New makes a client of the server at the address.
func New(url, token string) *Client { return &Client{URL: strings.TrimSuffix(url, "/"), token: token} }

// reply is what the graph gives: for a query its fields, for a mutation one
// payload whose userErrors have become an error.
type reply struct {
	Data   map[string]json.RawMessage `json:"data"`
	Errors []struct {
		Message    string `json:"message"`
		Path       []any  `json:"path"`
		Extensions struct {
			Code    string         `json:"code"`
			Hint    string         `json:"hint"`
			Reasons []model.Reason `json:"reasons"`
		} `json:"extensions"`
	} `json:"errors"`
}

// errorOf tells in plain words what the server refused.
func (r reply) errorOf() error {
	all := make([]error, len(r.Errors))
	for i, e := range r.Errors {
		text := e.Message
		for _, reason := range e.Extensions.Reasons {
			if !says(text, reason.Message) {
				text += "; " + reason.Message
			}
		}
		if e.Extensions.Hint != "" {
			text += " (" + e.Extensions.Hint + ")"
		}
		if e.Extensions.Code == string(model.KindUnauthenticated) {
			text += "; sign in with: souk login URL"
		}
		all[i] = errors.New(text)
	}
	return errors.Join(all...)
}

// says reports a text that holds the sentence already, whether it begins or ends there or not.
func says(text, sentence string) bool {
	return strings.Contains(strings.ToLower(text), strings.ToLower(strings.TrimSuffix(sentence, ".")))
}

// Ask sends one operation and decodes the field of the name.
func (c *Client) Ask(ctx context.Context, field, query string, variables map[string]any, into any) error {
	response, err := c.send(ctx, "application/json", query, variables)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	var answer reply
	d := json.NewDecoder(response.Body)
	if err := d.Decode(&answer); err != nil {
		return fmt.Errorf("%s gives no answer of Souk's (%s): is the address right?", c.URL, response.Status)
	}
	if err := answer.errorOf(); err != nil {
		return err
	}
	return decode(answer.Data[field], into)
}

// decode keeps numbers as they are written.
func decode(text json.RawMessage, into any) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	return d.Decode(into)
}

// Change sends one mutation and decodes its payload. What the sender has to
// mend is an error that names each place and its remedy.
func (c *Client) Change(ctx context.Context, name, selection string, input map[string]any, into any) error {
	query := fmt.Sprintf("mutation M($input: %sInput!) { %s(input: $input) { %s userErrors { code message hint path } } }",
		strings.ToUpper(name[:1])+name[1:], name, selection)
	var payload json.RawMessage
	if err := c.Ask(ctx, name, query, map[string]any{"input": input}, &payload); err != nil {
		return err
	}
	var problems struct {
		UserErrors []struct {
			Code, Message, Hint string
			Path                []string
		}
	}
	if err := json.Unmarshal(payload, &problems); err != nil {
		return fmt.Errorf("read the answer to %s: %w", name, err)
	}
	all := make([]error, len(problems.UserErrors))
	for i, e := range problems.UserErrors {
		all[i] = &model.Error{Kind: model.ErrorKind(e.Code), Field: strings.Join(e.Path, "."), Message: e.Message, Hint: e.Hint}
	}
	if err := errors.Join(all...); err != nil {
		return err
	}
	return decode(payload, into)
}

// Follow reads a subscription until it ends or the function says that it has
// seen enough.
func (c *Client) Follow(ctx context.Context, field, query string, variables map[string]any, each func(json.RawMessage) (more bool, err error)) error {
	response, err := c.send(ctx, "text/event-stream", query, variables)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	lines := bufio.NewScanner(response.Body)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		data, ok := strings.CutPrefix(lines.Text(), "data: ")
		if !ok {
			continue
		}
		var answer reply
		if err := json.Unmarshal([]byte(data), &answer); err != nil {
			return fmt.Errorf("read an event of %s: %w", field, err)
		}
		if err := answer.errorOf(); err != nil {
			return err
		}
		if more, err := each(answer.Data[field]); !more || err != nil {
			return err
		}
	}
	return lines.Err()
}

func (c *Client) send(ctx context.Context, accept, query string, variables map[string]any) (*http.Response, error) {
	body, err := json.Marshal(map[string]any{"query": query, "variables": variables})
	if err != nil {
		return nil, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, c.URL+"/graphql", bytes.NewReader(body))
	if err != nil {
		return nil, model.Invalid("url", "is no address", "use one such as http://127.0.0.1:8080")
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Accept", accept)
	request.Header.Set("Authorization", "Bearer "+c.token)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, fmt.Errorf("ask %s: %w", c.URL, err)
	}
	if accept == "application/json" || response.StatusCode == http.StatusOK {
		return response, nil
	}
	defer response.Body.Close()
	var answer reply
	text, _ := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	if json.Unmarshal(text, &answer) == nil && len(answer.Errors) > 0 {
		return nil, answer.errorOf()
	}
	return nil, fmt.Errorf("%s gives no events (%s)", c.URL, response.Status)
}
