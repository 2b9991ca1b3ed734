package httpd

import (
	"bytes"
	"errors"
	"io"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/99designs/gqlgen/graphql"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/exact"
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
	var in requestBody
	if err := requestShape.Read(body, &in); err != nil {
		return nil, refuseMember("member", err)
	}
	if in.Query == nil || strings.TrimSpace(*in.Query) == "" {
		return nil, refuse(http.StatusBadRequest, CodeBadRequest, "the member query is missing")
	}
	return &graphql.RawParams{Query: *in.Query, OperationName: in.OperationName, Variables: in.Variables, Extensions: in.Extensions}, nil
}

// requestBody is the body of a request. The specification reserves every other
// member for its own future, so one that is not known is a mistake.
type requestBody struct {
	Query         *string        `json:"query"`
	OperationName string         `json:"operationName"`
	Variables     map[string]any `json:"variables"`
	Extensions    map[string]any `json:"extensions"`
}

var (
	requestShape = exact.Of[requestBody](exact.Refused)
	objectShape  = exact.Of[map[string]any](exact.Refused)
	parameters   = []string{"query", "operationName", "variables", "extensions"}
)

// refuseMember tells of a member, or a parameter, that is not as it should be.
func refuseMember(what string, err error) *refusal {
	e, ok := errors.AsType[*model.Error](err)
	if !ok || e.Field == "body" {
		return refuse(http.StatusBadRequest, CodeBadRequest, "the request is not one well-formed JSON object")
	}
	r := refuse(http.StatusBadRequest, CodeBadRequest, "the %s %s %s", what, clip(e.Field), e.Message)
	if e.Hint != "" {
		r.errors[0].Extensions["hint"] = e.Hint
	}
	return r
}

// readGet serves tools and caches. Credentials travel in a header that no link
// or form can set, yet a request that another site caused is turned away too.
func readGet(r *http.Request) (*graphql.RawParams, *refusal) {
	site := r.Header.Get("Sec-Fetch-Site")
	if r.Header.Get("Sec-Fetch-Mode") == "navigate" || site == "cross-site" || site == "same-site" {
		return nil, refuse(http.StatusForbidden, CodeBadRequest, "links and other sites cannot query; use POST")
	}
	values := r.URL.Query()
	if err := checkParameters(values); err != nil {
		return nil, refuseMember("parameter", err)
	}
	if !utf8.ValidString(values.Get("query")) || strings.TrimSpace(values.Get("query")) == "" {
		return nil, refuse(http.StatusBadRequest, CodeBadRequest, "the parameter query is missing")
	}
	params := &graphql.RawParams{Query: values.Get("query"), OperationName: values.Get("operationName")}
	for _, object := range []struct {
		name string
		into *map[string]any
	}{{"variables", &params.Variables}, {"extensions", &params.Extensions}} {
		if text := values.Get(object.name); text != "" {
			if err := objectShape.Read([]byte(text), object.into); err != nil {
				return nil, refuseParameter(object.name, err)
			}
		}
	}
	return params, nil
}

// checkParameters finds a parameter that comes twice, or that is a known one but
// for small and capital letters. Others are the business of caches and proxies.
func checkParameters(values url.Values) error {
	for _, name := range slices.Sorted(maps.Keys(values)) {
		for _, own := range parameters {
			switch {
			case name == own && len(values[name]) > 1:
				return model.Invalid(name, "is given twice", "give it once")
			case name != own && strings.EqualFold(name, own):
				return model.Invalid(name, "differs from "+own+" in small and capital letters alone", "write "+own)
			}
		}
	}
	return nil
}

func refuseParameter(name string, err error) *refusal {
	if e, ok := errors.AsType[*model.Error](err); ok && e.Field != "body" {
		inside := *e
		inside.Field = name + "." + e.Field
		return refuseMember("parameter", &inside)
	}
	return refuse(http.StatusBadRequest, CodeBadRequest, "the parameter %s is not a JSON object", name)
}
