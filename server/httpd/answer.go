package httpd

import (
	"bytes"
	"encoding/json"
	"maps"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/klauspost/compress/gzhttp"
	"github.com/klauspost/compress/gzip"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/souk-mesh/souk/graph/model"
)

const (
	mediaJSON    = "application/json"
	mediaGraphQL = "application/graphql-response+json"
	mediaStream  = "text/event-stream"

	zipFrom      = 1024 // bytes; below it the headers cost more than is saved
	writeTimeout = 30 * time.Second
)

// negotiate picks the media type of the answer. The first type in the Accept
// header that the door can write wins; weights matter only when they are zero.
func negotiate(h http.Header) (string, bool) {
	accept := strings.Join(h.Values("Accept"), ",")
	if accept == "" {
		return mediaJSON, true
	}
	for part := range strings.SplitSeq(accept, ",") {
		media, params, err := mime.ParseMediaType(strings.TrimSpace(part))
		if q, bad := strconv.ParseFloat(params["q"], 64); err != nil || bad == nil && q == 0 {
			continue
		}
		switch media {
		case mediaGraphQL, mediaJSON, mediaStream:
			return media, true
		case "*/*", "application/*":
			return mediaJSON, true
		}
	}
	return "", false
}

// refuse answers a request that was not executed. There is no data in it, as
// the draft for GraphQL over HTTP asks.
func (a *api) refuse(w http.ResponseWriter, r *http.Request, media string, kind ast.Operation, refused *refusal) {
	observe(w, string(kind), refused.code)
	status := refused.status
	if refused.document && media == mediaJSON {
		status = http.StatusOK
	}
	if status == http.StatusMethodNotAllowed && w.Header().Get("Allow") == "" {
		w.Header().Set("Allow", "GET, POST")
	}
	a.write(w, r, media, status, refused.text(model.RequestIDFrom(r.Context())))
}

// text writes the errors, each with the id that the log knows the request by.
func (f *refusal) text(id string) []byte {
	list := make(gqlerror.List, len(f.errors))
	for i, e := range f.errors {
		extensions := maps.Clone(e.Extensions)
		if id != "" {
			extensions["requestId"] = id
		}
		list[i] = &gqlerror.Error{Message: e.Message, Path: e.Path, Locations: e.Locations, Extensions: extensions}
	}
	var b bytes.Buffer
	b.WriteString(`{"errors":`)
	put(&b, list)
	b.WriteByte('}')
	return b.Bytes()
}

// encode writes an answer. The data is JSON already and is copied as it stands:
// encoding it a second time would cost more than all the rest.
func encode(answer *graphql.Response) []byte {
	var b bytes.Buffer
	b.Grow(len(answer.Data) + 64)
	b.WriteByte('{')
	if len(answer.Errors) > 0 {
		b.WriteString(`"errors":`)
		put(&b, answer.Errors)
		b.WriteByte(',')
	}
	b.WriteString(`"data":`)
	if len(answer.Data) == 0 {
		b.WriteString("null")
	}
	b.Write(answer.Data)
	if len(answer.Extensions) > 0 {
		b.WriteString(`,"extensions":`)
		put(&b, answer.Extensions)
	}
	b.WriteByte('}')
	return b.Bytes()
}

// put writes a value of our own making; one that JSON cannot hold says so in
// its place rather than breaking the answer.
func put(b *bytes.Buffer, value any) {
	text, err := json.Marshal(value)
	if err != nil {
		text = []byte(`[{"message":"the error cannot be written as JSON","extensions":{"code":"INTERNAL"}}]`)
	}
	b.Write(text)
}

func (a *api) write(w http.ResponseWriter, r *http.Request, media string, status int, body []byte) {
	if media == mediaStream {
		media = mediaJSON
	}
	h := w.Header()
	h.Set("Content-Type", media+"; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Add("Vary", "Accept")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(writeTimeout))
	a.zip(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = w.Write(body) // a client that has gone is no failure of ours
	})).ServeHTTP(w, r)
}

// newZipper makes what compresses long answers for those who take it. The
// library knows Accept-Encoding with its weights and keeps compressors for reuse.
func newZipper() func(http.Handler) http.HandlerFunc {
	wrap, err := gzhttp.NewWrapper(gzhttp.MinSize(zipFrom), gzhttp.CompressionLevel(gzip.BestSpeed))
	if err != nil {
		panic(err) // the options are ours, and right
	}
	return wrap
}
