package app

import (
	"cmp"
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"guildhall/platform/i18n"
	"guildhall/platform/web"
	"guildhall/platform/web/form"
)

// operation is one operation of an API as the try-it page shows it.
type operation struct {
	ID, Method, Path, Summary, Description string
	Public                                 bool
	// Loses says that it takes something away, Replaces that its body takes the place
	// of all that is there.
	Loses, Replaces bool
	Params          []param
	Body            string // an example, or empty when there is no body
	BodyRequired    bool
	Answers         []answer
}

type param struct {
	Name, In, Description, Example string
	Required                       bool
}

type answer struct{ Status, Description string }

// field is the name of an input; many operations share one page.
func (o operation) field(name string) string { return o.ID + "." + name }

// warning is the key of what is said before it is sent; empty: nothing.
func (o operation) warning() string {
	switch {
	case o.Replaces:
		return "app.api.replaces"
	case o.Loses:
		return "app.api.loses"
	}
	return ""
}

// form holds the examples.
func (o operation) form() *form.Form {
	pairs := []string{o.field("body"), o.Body}
	for _, p := range o.Params {
		pairs = append(pairs, o.field(p.Name), p.Example)
	}
	return form.New(pairs...)
}

func (p param) hint(ctx context.Context) string {
	return strings.TrimSuffix(i18n.T(ctx, "app.api.parameter."+p.In)+": "+p.Description, ": ")
}

// apiPage shows what the API can do and lets an administrator try it with his
// own session.
func apiPage(shell func(*http.Request) *web.Shell, url string, api huma.API) http.HandlerFunc {
	operations := operationsOf(api.OpenAPI())
	return func(w http.ResponseWriter, r *http.Request) {
		shell(r).Render(w, r, http.StatusOK, web.Page{Title: i18n.T(r.Context(), "app.api.title"),
			Lead: i18n.T(r.Context(), "app.api.lead"), Active: "/api", Scripts: []string{"api.js"}, Body: apiView(url, operations)})
	}
}

func operationsOf(doc *huma.OpenAPI) []operation {
	var all []operation
	for path, item := range doc.Paths {
		for _, op := range []*huma.Operation{item.Get, item.Post, item.Put, item.Patch, item.Delete} {
			if op != nil {
				all = append(all, describe(doc, path, op))
			}
		}
	}
	slices.SortFunc(all, func(a, b operation) int {
		return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Method, b.Method))
	})
	return all
}

func describe(doc *huma.OpenAPI, path string, op *huma.Operation) operation {
	public, _ := op.Metadata[Public].(bool)
	loses, _ := op.Metadata[Loses].(bool)
	out := operation{ID: op.OperationID, Method: op.Method, Path: path, Summary: op.Summary, Description: op.Description, Public: public,
		Loses: loses || op.Method == http.MethodDelete, Replaces: op.Method == http.MethodPut && op.RequestBody != nil}
	for _, p := range op.Parameters {
		if p.In == "path" || p.In == "query" {
			out.Params = append(out.Params, param{Name: p.Name, In: p.In, Description: p.Description, Required: p.Required, Example: text(p.Example)})
		}
	}
	if op.RequestBody != nil {
		out.BodyRequired = op.RequestBody.Required
		if media := op.RequestBody.Content["application/json"]; media != nil {
			example, err := json.MarshalIndent(sample(doc, media.Schema, 0), "", "  ")
			if err == nil {
				out.Body = string(example)
			}
		}
	}
	for status, r := range op.Responses {
		out.Answers = append(out.Answers, answer{Status: status, Description: r.Description})
	}
	slices.SortFunc(out.Answers, func(a, b answer) int { return strings.Compare(a.Status, b.Status) })
	return out
}

// maxDepth ends the sample of a schema that contains itself.
const maxDepth = 6

// sample is a value of the schema: its example where it gives one, else its
// required members.
func sample(doc *huma.OpenAPI, s *huma.Schema, depth int) any {
	if s != nil && s.Ref != "" {
		s = doc.Components.Schemas.SchemaFromRef(s.Ref)
	}
	switch {
	case s == nil || depth > maxDepth:
		return nil
	case len(s.Examples) > 0:
		return s.Examples[0]
	case s.Default != nil:
		return s.Default
	case len(s.Enum) > 0:
		return s.Enum[0]
	}
	switch s.Type {
	case huma.TypeObject:
		return members(doc, s, depth)
	case huma.TypeArray:
		return []any{}
	case huma.TypeBoolean:
		return false
	case huma.TypeInteger, huma.TypeNumber:
		return 0
	default:
		return ""
	}
}

func members(doc *huma.OpenAPI, s *huma.Schema, depth int) map[string]any {
	out := map[string]any{}
	for name, p := range s.Properties {
		if slices.Contains(s.Required, name) || len(p.Examples) > 0 {
			out[name] = sample(doc, p, depth+1)
		}
	}
	return out
}

func text(v any) string {
	if s, ok := v.(string); ok || v == nil {
		return s
	}
	b, err := json.Marshal(v)
	if err != nil {
		return ""
	}
	return string(b)
}
