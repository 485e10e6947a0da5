package app

import (
	"errors"
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

// Needs is the metadata key of an operation that asks for another role than
// "<service>.admin": Metadata: map[string]any{app.Needs: "ca.viewer"}.
const Needs = "needs"

// Loses is the metadata key of a POST that takes something away, of which the page of
// the API warns as it does of each DELETE: Metadata: map[string]any{app.Loses: true}.
const Loses = "loses"

// OpenAPIPath is where a service's host serves its OpenAPI 3.1 description.
const OpenAPIPath = "/api/openapi"

// NewAPI makes the typed API of a service on mux. Errors become our problem
// documents, and operations ask for the role "<service>.admin" unless they are
// Public or say what they need.
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
	c.Transformers = append(c.Transformers, problems(log, c.Components.Schemas))
	api := humago.New(mux, c)
	api.UseMiddleware(authorize(service+".admin"), onlyText)
	return api
}

func authorize(usual string) func(huma.Context, func(huma.Context)) {
	return func(ctx huma.Context, next func(huma.Context)) {
		if public, _ := ctx.Operation().Metadata[Public].(bool); !public {
			role, special := ctx.Operation().Metadata[Needs].(string)
			if !special {
				role = usual
			}
			if err := session.Check(ctx.Context(), role); err != nil {
				r, w := humago.Unwrap(ctx)
				session.Challenge(w.Header(), err)
				fault.Write(w, r, err)
				return
			}
		}
		next(ctx)
	}
}

// errUnexpected stands for what the caller is not told; the log has it.
var errUnexpected = errors.New("unexpected")

// problems turns what handlers and huma's validation return into problem
// documents. Of the caller's values it repeats none but wrong names and wrong
// members of public lists: the others may be secrets.
func problems(log *slog.Logger, schemas huma.Registry) huma.Transformer {
	return func(ctx huma.Context, _ string, v any) (any, error) {
		var p fault.Problem
		switch e := v.(type) {
		case *fault.Error:
			p = fault.ProblemOf(e)
			if e.Kind == fault.Internal {
				log.ErrorContext(ctx.Context(), "request failed", "operation", ctx.Operation().OperationID, "err", e.Unwrap())
			}
		case *huma.ErrorModel:
			p = apiErrors{schemas}.problem(ctx.Operation(), e)
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

func messages(e *huma.ErrorModel) string {
	var all []string
	for _, d := range e.Errors {
		all = append(all, d.Message)
	}
	return strings.Join(all, "; ")
}
