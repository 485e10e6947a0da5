package obs

import (
	"context"
	"io"
	"log/slog"
	"slices"
)

// LogOptions is the form of a log.
type LogOptions struct {
	// Format is "json" or "text"; anything else is text.
	Format string
	// Level is the least level that is written; nil is info. A *slog.LevelVar
	// can be changed while the log runs.
	Level slog.Leveler
}

// NewLogger makes a logger that writes to w, one line a record, without
// secrets, in UTC, and with what WithAttrs and WithTrace put into the context.
func NewLogger(w io.Writer, o LogOptions) *slog.Logger {
	options := &slog.HandlerOptions{Level: o.Level, ReplaceAttr: redact}
	if o.Format == "json" {
		return slog.New(&handler{slog.NewJSONHandler(w, options)})
	}
	return slog.New(&handler{slog.NewTextHandler(w, options)})
}

type attrsKey struct{}

// WithAttrs returns a context whose log lines carry the attributes, after those
// of the contexts around it.
func WithAttrs(ctx context.Context, attrs ...slog.Attr) context.Context {
	outer, _ := ctx.Value(attrsKey{}).([]slog.Attr)
	return context.WithValue(ctx, attrsKey{}, append(slices.Clip(outer), attrs...))
}

// handler adds what the context knows.
type handler struct{ slog.Handler }

// Handle implements slog.Handler.
func (h *handler) Handle(ctx context.Context, r slog.Record) error {
	attrs, _ := ctx.Value(attrsKey{}).([]slog.Attr)
	trace, traced := Trace(ctx)
	if len(attrs) == 0 && !traced {
		return h.Handler.Handle(ctx, r)
	}
	r = r.Clone()
	r.AddAttrs(attrs...)
	if traced {
		r.AddAttrs(slog.String("trace_id", trace.TraceID()), slog.String("span_id", trace.SpanID()))
	}
	return h.Handler.Handle(ctx, r)
}

// WithAttrs implements slog.Handler.
func (h *handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &handler{h.Handler.WithAttrs(attrs)}
}

// WithGroup implements slog.Handler.
func (h *handler) WithGroup(name string) slog.Handler { return &handler{h.Handler.WithGroup(name)} }
