package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"

	"github.com/souk-mesh/souk/graph/model"
)

// defaultURL is where a server listens that nobody has told otherwise.
const defaultURL = "http://127.0.0.1:8080"

// remote is a running server, asked in the name of a token's owner.
type remote struct {
	url, token string
}

// remoteFlags adds the flags that say where the server is.
type remoteFlags struct {
	*flags
	url, tokenFile *string
}

func (p *program) remoteCommand(use, summary string) *remoteFlags {
	f := &remoteFlags{flags: p.command(use, summary)}
	f.url = f.String("url", defaultURL, "`address` of the server")
	f.tokenFile = f.String("token-file", "", "`file` with the token to sign in with (default: the environment variable SOUK_TOKEN)")
	return f
}

// remote finds the token. It is never a flag: those are seen by everybody on
// the machine.
func (f *remoteFlags) remote() (*remote, error) {
	token, _ := f.program.environ("SOUK_TOKEN")
	if *f.tokenFile != "" {
		text, err := os.ReadFile(*f.tokenFile)
		if err != nil {
			return nil, model.Invalid("token-file", "the file cannot be read", err.Error())
		}
		token = string(text)
	}
	if token = strings.TrimSpace(token); token == "" {
		return nil, model.Invalid("token-file", "there is no token", "set SOUK_TOKEN, or name a file that holds the token with --token-file")
	}
	return &remote{url: strings.TrimSuffix(*f.url, "/"), token: token}, nil
}

// reply is what the graph gives: for a query its fields, for a mutation one
// payload whose userErrors have become an error.
type graphReply struct {
	Data   map[string]json.RawMessage `json:"data"`
	Errors []struct {
		Message    string `json:"message"`
		Extensions struct {
			Code    string         `json:"code"`
			Hint    string         `json:"hint"`
			Reasons []model.Reason `json:"reasons"`
		} `json:"extensions"`
	} `json:"errors"`
}

// errorOf tells in plain words what the server refused.
func (g graphReply) errorOf() error {
	if len(g.Errors) == 0 {
		return nil
	}
	first := g.Errors[0]
	text := first.Message
	for _, r := range first.Extensions.Reasons {
		if r.Message != text {
			text += "; " + r.Message
		}
	}
	if first.Extensions.Hint != "" {
		text += " (" + first.Extensions.Hint + ")"
	}
	return errors.New(text)
}

// ask sends one operation and decodes the field of the name.
func (r *remote) ask(ctx context.Context, field, query string, variables map[string]any, into any) error {
	response, err := r.send(ctx, "application/json", query, variables)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	var reply graphReply
	if err := json.NewDecoder(response.Body).Decode(&reply); err != nil {
		return fmt.Errorf("%s gives no answer of Souk's (%s): is the address right?", r.url, response.Status)
	}
	if err := reply.errorOf(); err != nil {
		return err
	}
	return json.Unmarshal(reply.Data[field], into)
}

// change sends one mutation and decodes its payload.
func (r *remote) change(ctx context.Context, name, selection string, input map[string]any, into any) error {
	query := fmt.Sprintf("mutation M($input: %sInput!) { %s(input: $input) { %s userErrors { code message hint path } } }",
		strings.ToUpper(name[:1])+name[1:], name, selection)
	var payload json.RawMessage
	if err := r.ask(ctx, name, query, map[string]any{"input": input}, &payload); err != nil {
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
	if len(problems.UserErrors) > 0 {
		e := problems.UserErrors[0]
		return &model.Error{Kind: model.ErrorKind(e.Code), Field: strings.Join(e.Path, "."), Message: e.Message, Hint: e.Hint}
	}
	return json.Unmarshal(payload, into)
}

// follow reads a subscription until it ends or the function says that it has
// seen enough.
func (r *remote) follow(ctx context.Context, field, query string, variables map[string]any, each func(json.RawMessage) (more bool, err error)) error {
	response, err := r.send(ctx, "text/event-stream", query, variables)
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
		var reply graphReply
		if err := json.Unmarshal([]byte(data), &reply); err != nil {
			return fmt.Errorf("read an event of %s: %w", field, err)
		}
		if err := reply.errorOf(); err != nil {
			return err
		}
		if more, err := each(reply.Data[field]); !more || err != nil {
			return err
		}
	}
	return lines.Err()
}

func (r *remote) send(ctx context.Context, accept, query string, variables map[string]any) (*http.Response, error) {
	body, err := json.Marshal(map[string]any{"query": query, "variables": variables})
	if err != nil {
		return nil, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, r.url+"/graphql", bytes.NewReader(body))
	if err != nil {
		return nil, model.Invalid("url", "is no address", "use one such as http://127.0.0.1:8080")
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Accept", accept)
	request.Header.Set("Authorization", "Bearer "+r.token)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, fmt.Errorf("ask %s: %w", r.url, err)
	}
	if accept == "application/json" || response.StatusCode == http.StatusOK {
		return response, nil
	}
	defer response.Body.Close()
	var reply graphReply
	text, _ := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	if json.Unmarshal(text, &reply) == nil && len(reply.Errors) > 0 {
		return nil, reply.errorOf()
	}
	return nil, fmt.Errorf("%s gives no events (%s)", r.url, response.Status)
}
