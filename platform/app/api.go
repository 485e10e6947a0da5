package app

import (
	"fmt"
	"log/slog"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"guildhall/platform/fault"
	"guildhall/platform/session"
)

// Public is the metadata key of an operation that needs no administrator:
// Metadata: map[string]any{app.Public: true}.
const Public = "public"

// OpenAPIPath is where a service's host serves its OpenAPI 3.1 description.
const OpenAPIPath = "/api/openapi"

// NewAPI makes the typed API of a service on mux. Errors become our problem
// documents, and operations ask for the role "<service>.admin" unless they are
// Public.
func NewAPI(mux *http.ServeMux, service, version, url string, log *slog.Logger) huma.API {
	c := huma.DefaultConfig("guildhall "+service, version)
	c.OpenAPIPath = OpenAPIPath
	c.DocsPath = ""     // huma's page loads scripts from elsewhere; ours is a page of the design system
	c.SchemasPath = ""  // the description holds the schemas
	c.CreateHooks = nil // no "$schema" member in bodies
	c.RejectUnknownQueryParameters = true
	c.Servers = []*huma.Server{{URL: url}}
	c.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		"token": {Type: "http", Scheme: "bearer", Description: "A token from \"guildhall admin token\"."},
	}
	c.Transformers = append(c.Transformers, problems(log))
	api := humago.New(mux, c)
	api.UseMiddleware(authorize(api, service+".admin"))
	return api
}

func authorize(api huma.API, role string) func(huma.Context, func(huma.Context)) {
	return func(ctx huma.Context, next func(huma.Context)) {
		if public, _ := ctx.Operation().Metadata[Public].(bool); !public {
			if err := session.Check(ctx.Context(), role); err != nil {
				r, w := humago.Unwrap(ctx)
				fault.Write(w, r, err)
				return
			}
		}
		next(ctx)
	}
}

// problems turns what handlers and huma's validation return into problem
// documents. It never repeats the caller's values: they may be secrets.
func problems(log *slog.Logger) huma.Transformer {
	return func(ctx huma.Context, _ string, v any) (any, error) {
		var p fault.Problem
		switch e := v.(type) {
		case *fault.Error:
			p = fault.ProblemOf(e)
			if e.Kind == fault.Internal {
				log.ErrorContext(ctx.Context(), "request failed", "operation", ctx.Operation().OperationID, "err", e.Unwrap())
			}
		case *huma.ErrorModel:
			p = problemOf(e)
			if e.Status == http.StatusInternalServerError {
				log.ErrorContext(ctx.Context(), "request failed", "operation", ctx.Operation().OperationID, "err", messages(e))
			}
		default:
			return v, nil
		}
		r, w := humago.Unwrap(ctx)
		p.Instance = r.URL.Path
		p.RequestID = w.Header().Get("X-Request-Id")
		return p, nil
	}
}

func problemOf(e *huma.ErrorModel) fault.Problem {
	if e.Status == http.StatusInternalServerError {
		return fault.ProblemOf(fault.As(fmt.Errorf("unexpected")))
	}
	p := fault.Problem{Type: "about:blank", Title: http.StatusText(e.Status), Status: e.Status, Detail: sentence(e.Detail), Code: "invalid_request"}
	for _, d := range e.Errors {
		p.Errors = append(p.Errors, fieldOf(d))
	}
	if len(p.Errors) > 0 {
		p.Detail = strings.TrimPrefix(p.Errors[0].Name+": ", ": ") + p.Errors[0].Detail
	}
	return p
}

// fieldOf names the field as the caller wrote it. huma reports a missing member
// at the object that lacks it.
func fieldOf(d *huma.ErrorDetail) fault.Field {
	name := strings.TrimPrefix(strings.TrimPrefix(strings.TrimPrefix(d.Location, "body."), "query."), "path.")
	if missing, ok := strings.CutPrefix(d.Message, "expected required property "); ok {
		missing = strings.TrimSuffix(missing, " to be present")
		return fault.Field{Name: strings.TrimPrefix(name+"."+missing, "body."), Code: "required", Detail: "Give a value."}
	}
	return fault.Field{Name: name, Code: "invalid", Detail: sentence(d.Message)}
}

// sentence gives huma's terse messages the form of ours.
func sentence(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:] + "."
}

func messages(e *huma.ErrorModel) string {
	var all []string
	for _, d := range e.Errors {
		all = append(all, d.Message)
	}
	return strings.Join(all, "; ")
}
