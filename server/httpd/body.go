package httpd

import (
	"io"
	"net/http"
	"sync"
	"time"
)

// bodyGrace is how long the rest of a body is waited for when the server stops.
const bodyGrace = 500 * time.Millisecond

// reading are the requests whose bodies have not come to their end. When the
// server stops they get a moment for the rest: one that was sent by halves must
// not hold up the end of everybody.
type reading struct {
	mu   sync.Mutex
	open map[*openBody]*http.ResponseController
	late bool
}

// openBody is a body that is known until it has ended.
type openBody struct {
	io.ReadCloser

	of *reading
}

// watch follows the body of the request to its end.
func (r *reading) watch(w http.ResponseWriter, request *http.Request) (done func()) {
	if request.Body == nil || request.Body == http.NoBody {
		return func() {}
	}
	b := &openBody{request.Body, r}
	request.Body = b
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.open == nil {
		r.open = map[*openBody]*http.ResponseController{}
	}
	r.open[b] = http.NewResponseController(w)
	if r.late {
		_ = r.open[b].SetReadDeadline(time.Now().Add(bodyGrace)) // a connection without deadlines has its own end
	}
	return b.forget
}

// Read implements io.Reader.
func (b *openBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil {
		b.forget()
	}
	return n, err
}

func (b *openBody) forget() {
	b.of.mu.Lock()
	defer b.of.mu.Unlock()
	delete(b.of.open, b)
}

// hurry gives the bodies that are still coming a moment.
func (r *reading) hurry() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.late = true
	for _, control := range r.open {
		_ = control.SetReadDeadline(time.Now().Add(bodyGrace)) // see watch
	}
}
