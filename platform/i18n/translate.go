package i18n

import (
	"context"
	"time"

	goi18n "github.com/nicksnyder/go-i18n/v2/i18n"
	"github.com/nicksnyder/go-i18n/v2/i18n/template"
)

type contextKey struct{}

// reader is one language, ready to speak.
type reader struct {
	lang      string
	format    format
	plain     map[string]string
	localizer *goi18n.Localizer
}

func from(ctx context.Context) *reader {
	if r, ok := ctx.Value(contextKey{}).(*reader); ok {
		return r
	}
	return &reader{lang: "en", format: formats("en")}
}

// Lang is the reader's language: "en", "zh-CN" or "pl"; "en" when no bundle
// has chosen one.
func Lang(ctx context.Context) string { return from(ctx).lang }

// T is the sentence of key in the reader's language. The args alternate
// between a placeholder's name and its value; "Count" also chooses the plural
// form. Numbers and times are written in the reader's way. A key without a
// sentence is returned as it is, so that the page shows what is missing.
func T(ctx context.Context, key string, args ...any) string {
	if s, ok := Lookup(ctx, key, args...); ok {
		return s
	}
	return key
}

// Lookup is T that says whether there is a sentence at all, and a value for
// each of its placeholders.
func Lookup(ctx context.Context, key string, args ...any) (string, bool) {
	r := from(ctx)
	if s := r.plain[key]; s != "" {
		return s, true
	}
	if _, known := r.plain[key]; !known {
		return "", false
	}
	config := &goi18n.LocalizeConfig{MessageID: key, TemplateParser: &template.TextParser{Option: "missingkey=error"}}
	data := make(map[string]any, len(args)/2)
	for i := 0; i+1 < len(args); i += 2 {
		name, _ := args[i].(string)
		if name == "Count" {
			config.PluralCount = args[i+1]
		}
		data[name] = r.value(ctx, args[i+1])
	}
	config.TemplateData = data
	s, err := r.localizer.Localize(config)
	return s, err == nil
}

// value writes an argument in the reader's way.
func (r *reader) value(ctx context.Context, v any) any {
	switch v := v.(type) {
	case int:
		return Number(ctx, v)
	case int64:
		return Number(ctx, v)
	case uint64:
		return Number(ctx, v)
	case float64:
		return Number(ctx, v)
	case time.Time:
		return DateTime(ctx, v)
	case time.Duration:
		return Duration(ctx, v)
	}
	return v
}
