package sdk

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/souk-mesh/souk/sdk/internal/secret"
)

// striking is a log handler that strikes out secrets before they reach another.
type striking struct {
	slog.Handler

	secrets secret.Set
}

// Handle strikes the message and every attribute.
func (h striking) Handle(ctx context.Context, r slog.Record) error {
	clean := slog.NewRecord(r.Time, r.Level, h.secrets.Strike(r.Message), r.PC)
	r.Attrs(func(a slog.Attr) bool {
		clean.AddAttrs(h.attr(a))
		return true
	})
	return h.Handler.Handle(ctx, clean)
}

// WithAttrs strikes the attributes once and keeps them.
func (h striking) WithAttrs(attrs []slog.Attr) slog.Handler {
	clean := make([]slog.Attr, 0, len(attrs))
	for _, a := range attrs {
		clean = append(clean, h.attr(a))
	}
	return striking{h.Handler.WithAttrs(clean), h.secrets}
}

// WithGroup opens a group in the handler behind.
func (h striking) WithGroup(name string) slog.Handler {
	return striking{h.Handler.WithGroup(name), h.secrets}
}

func (h striking) attr(a slog.Attr) slog.Attr {
	v := a.Value.Resolve()
	switch v.Kind() {
	case slog.KindString:
		return slog.String(a.Key, h.secrets.Strike(v.String()))
	case slog.KindGroup:
		inner := make([]slog.Attr, 0, len(v.Group()))
		for _, g := range v.Group() {
			inner = append(inner, h.attr(g))
		}
		return slog.Attr{Key: a.Key, Value: slog.GroupValue(inner...)}
	case slog.KindAny:
		// Whatever it is, it reaches the log as text, so it becomes text here.
		return slog.String(a.Key, h.secrets.Strike(fmt.Sprintf("%+v", v.Any())))
	default:
		return slog.Attr{Key: a.Key, Value: v}
	}
}
