package obs

import (
	"context"
	"io"
	"log/slog"
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
// secrets, in UTC, and with what WithTrace put into the context.
func NewLogger(w io.Writer, o LogOptions) *slog.Logger {
	options := &slog.HandlerOptions{Level: o.Level, ReplaceAttr: redact}
	if o.Format == "json" {
		return slog.New(&handler{slog.NewJSONHandler(w, options)})
	}
	return slog.New(&handler{slog.NewTextHandler(w, options)})
}

// handler adds what the context knows.
type handler struct{ slog.Handler }

// Handle implements slog.Handler.
func (h *handler) Handle(ctx context.Context, r slog.Record) error {
	if trace, traced := Trace(ctx); traced {
		r = r.Clone()
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
