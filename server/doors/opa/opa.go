// Package opa is the door for Open Policy Agent: engines outside of Souk fetch
// the rules here as signed bundles, and send back what they have decided by
// them. It owns the shape of both, and nothing of the decisions.
package opa

import (
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/doors"
	"github.com/souk-mesh/souk/server/pdp"
)

// Door serves bundles and takes decision logs. Whoever mounts it says who is
// asking.
type Door struct {
	pdp *pdp.Service
	log *slog.Logger
}

// New makes the door.
func New(p *pdp.Service, log *slog.Logger) *Door { return &Door{pdp: p, log: log} }

// Routes gives the handlers by the patterns that they belong behind.
func (d *Door) Routes() map[string]http.Handler {
	return map[string]http.Handler{
		"GET /bundles/{file}":  http.HandlerFunc(d.bundle),
		"GET /bundles/key.pem": http.HandlerFunc(d.verificationKey),
		"POST /logs":           http.HandlerFunc(d.logs),
	}
}

const (
	suffix       = ".tar.gz"
	writeTimeout = 30 * time.Second
)

// bundle answers with the archive, or with 304 to who has it already.
func (d *Door) bundle(w http.ResponseWriter, r *http.Request) {
	scope, ok := strings.CutSuffix(r.PathValue("file"), suffix)
	if !ok {
		doors.Refuse(w, r, d.log, &model.Error{Kind: model.KindNotFound, Message: "no such bundle", Hint: "ask for platform.tar.gz or DOMAIN.tar.gz"})
		return
	}
	a, err := d.pdp.Bundle(doors.By(r, model.ChannelOPA).Context(), scope)
	if err != nil {
		doors.Refuse(w, r, d.log, err)
		return
	}
	h, tag := w.Header(), `"`+a.Revision+`"`
	h.Set("ETag", tag)
	h.Set("Cache-Control", "private, no-cache")
	h.Set("Vary", "Authorization")
	if has(r.Header.Values("If-None-Match"), tag) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	h.Set("Content-Type", "application/gzip")
	h.Set("Content-Length", strconv.Itoa(len(a.Data)))
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(writeTimeout))
	w.WriteHeader(http.StatusOK)
	_, _ = w.Write(a.Data) // a client that has gone is no failure of ours
}

// has looks for the tag; a weak one means the same archive here.
func has(headers []string, tag string) bool {
	for part := range strings.SplitSeq(strings.Join(headers, ","), ",") {
		if part = strings.TrimPrefix(strings.TrimSpace(part), "W/"); part == tag || part == "*" {
			return true
		}
	}
	return false
}

// verificationKey shows the public half of the key; its id is in a header.
func (d *Door) verificationKey(w http.ResponseWriter, r *http.Request) {
	id, public, err := d.pdp.VerificationKey()
	if err != nil {
		doors.Refuse(w, r, d.log, err)
		return
	}
	w.Header().Set("Content-Type", "application/x-pem-file")
	w.Header().Set("X-Souk-Key-ID", id)
	_, _ = w.Write([]byte(public))
}
