package httpd

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/99designs/gqlgen/graphql"
)

// read takes the GraphQL request out of the HTTP request, or says what is
// wrong with the latter. Nothing of the body is ever quoted back.
func (a *api) read(w http.ResponseWriter, r *http.Request) (*graphql.RawParams, *refusal) {
	switch r.Method {
	case http.MethodPost:
		return a.readPost(w, r)
	case http.MethodGet, http.MethodHead:
		return readGet(r)
	}
	return nil, refuse(http.StatusMethodNotAllowed, CodeMethod, "use POST, or GET for a query")
}

func (a *api) readPost(w http.ResponseWriter, r *http.Request) (*graphql.RawParams, *refusal) {
	if refused := checkContent(r.Header); refused != nil {
		return nil, refused
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, a.cfg.MaxBodyBytes))
	if _, large := errors.AsType[*http.MaxBytesError](err); large {
		return nil, refuse(http.StatusRequestEntityTooLarge, CodeBodyTooLarge, "the body is larger than %d bytes", a.cfg.MaxBodyBytes)
	}
	if err != nil {
		return nil, refuse(http.StatusBadRequest, CodeBadRequest, "the body ended early or came too slowly")
	}
	return decode(body)
}

// checkContent insists on JSON. That is also what keeps forms of other sites
// out: a browser cannot send this type across origins without asking first.
func checkContent(h http.Header) *refusal {
	media, params, err := mime.ParseMediaType(h.Get("Content-Type"))
	if err != nil || media != "application/json" {
		return refuse(http.StatusUnsupportedMediaType, CodeMediaType, "send the header Content-Type: application/json")
	}
	if charset := params["charset"]; charset != "" && !strings.EqualFold(charset, "utf-8") {
		return refuse(http.StatusUnsupportedMediaType, CodeMediaType, "the body must be encoded as UTF-8")
	}
	if coding := h.Get("Content-Encoding"); coding != "" && !strings.EqualFold(coding, "identity") {
		return refuse(http.StatusUnsupportedMediaType, CodeMediaType, "the body must not be compressed")
	}
	return nil
}

func decode(body []byte) (*graphql.RawParams, *refusal) {
	body = bytes.TrimSpace(body)
	switch {
	case len(body) == 0:
		return nil, refuse(http.StatusBadRequest, CodeBadRequest, "the body is empty; send {\"query\": \"...\"}")
	case body[0] == '[':
		return nil, refuse(http.StatusBadRequest, CodeBadRequest, "batches are not supported; send one operation a request")
	case !utf8.Valid(body):
		return nil, refuse(http.StatusBadRequest, CodeBadRequest, "the body is not valid UTF-8")
	}
	var in struct {
		Query         *string        `json:"query"`
		OperationName string         `json:"operationName"`
		Variables     map[string]any `json:"variables"`
		Extensions    map[string]any `json:"extensions"`
	}
	if refused := unmarshal(body, &in); refused != nil {
		return nil, refused
	}
	if in.Query == nil || strings.TrimSpace(*in.Query) == "" {
		return nil, refuse(http.StatusBadRequest, CodeBadRequest, "the member query is missing")
	}
	return &graphql.RawParams{Query: *in.Query, OperationName: in.OperationName, Variables: in.Variables, Extensions: in.Extensions}, nil
}

// unmarshal keeps numbers as they were written, so that large ones survive.
func unmarshal(text []byte, into any) *refusal {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	err := d.Decode(into)
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return refuse(http.StatusBadRequest, CodeBadRequest, "the member %s has the wrong type", clip(wrong.Field))
	}
	if err == nil {
		_, err = d.Token()
	}
	if !errors.Is(err, io.EOF) {
		return refuse(http.StatusBadRequest, CodeBadRequest, "the request is not one well-formed JSON object")
	}
	return nil
}

// readGet serves tools and caches. Credentials travel in a header that no link
// or form can set, yet a request that another site caused is turned away too.
func readGet(r *http.Request) (*graphql.RawParams, *refusal) {
	site := r.Header.Get("Sec-Fetch-Site")
	if r.Header.Get("Sec-Fetch-Mode") == "navigate" || site == "cross-site" || site == "same-site" {
		return nil, refuse(http.StatusForbidden, CodeBadRequest, "links and other sites cannot query; use POST")
	}
	values := r.URL.Query()
	if !utf8.ValidString(values.Get("query")) || strings.TrimSpace(values.Get("query")) == "" {
		return nil, refuse(http.StatusBadRequest, CodeBadRequest, "the parameter query is missing")
	}
	params := &graphql.RawParams{Query: values.Get("query"), OperationName: values.Get("operationName")}
	for name, into := range map[string]*map[string]any{"variables": &params.Variables, "extensions": &params.Extensions} {
		if text := values.Get(name); text != "" {
			if unmarshal([]byte(text), into) != nil {
				return nil, refuse(http.StatusBadRequest, CodeBadRequest, "the parameter %s is not a JSON object", name)
			}
		}
	}
	return params, nil
}
