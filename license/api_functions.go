package license

import (
	"context"
	"encoding/hex"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"guildhall/license/internal/function"
	"guildhall/license/internal/sandbox"
	"guildhall/license/internal/store"
	"guildhall/platform/app"
	wire "guildhall/sdk/go/license/manage"
)

// functionBody bounds a body with a module: what is a little too large the sandbox refuses,
// which says what to do.
const functionBody = sandbox.MaxModule + 1<<20

type functionsInput struct {
	Product string `path:"product" maxLength:"100" doc:"The id or the code of the product."`
}

type functionInput struct {
	Product string `path:"product" maxLength:"100" doc:"The id or the code of the product."`
	Name    string `path:"name" maxLength:"64" doc:"The name of the function." example:"price"`
}

type uploadedFunctionInput struct {
	Product string `path:"product" maxLength:"100" doc:"The id or the code of the product."`
	Name    string `path:"name" maxLength:"64" doc:"Letters, digits, dots, dashes and _." example:"price"`
	Note    string `query:"note" maxLength:"8000" doc:"What is new in this version."`
	RawBody []byte `contentType:"application/wasm"`
}

type changedFunctionInput struct {
	Product string `path:"product" maxLength:"100" doc:"The id or the code of the product."`
	Name    string `path:"name" maxLength:"64" doc:"The name of the function." example:"price"`
	Body    wire.FunctionFields
}

type chosenVersionInput struct {
	Product string `path:"product" maxLength:"100" doc:"The id or the code of the product."`
	Name    string `path:"name" maxLength:"64" doc:"The name of the function." example:"price"`
	Body    wire.FunctionChoice
}

type functionVersionInput struct {
	Product string `path:"product" maxLength:"100" doc:"The id or the code of the product."`
	Name    string `path:"name" maxLength:"64" doc:"The name of the function." example:"price"`
	Version int64  `path:"version" doc:"The number of the version."`
}

func (s *service) functionOperations(api huma.API) {
	const path, one = "/api/v1/products/{product}/functions", "/api/v1/products/{product}/functions/{name}"
	tags := []string{"Functions"}
	loses := map[string]any{app.Loses: true}
	register(api, huma.Operation{OperationID: "list-functions", Method: http.MethodGet, Path: path, Tags: tags,
		Summary: "List the functions of a product", Description: "By name. Error code: product_not_found."}, s.listFunctions, http.StatusNotFound)
	register(api, huma.Operation{OperationID: "get-function", Method: http.MethodGet, Path: one, Tags: tags,
		Summary: "Read a function", Description: "With its versions. Error codes: product_not_found, function_not_found."}, s.getFunction, http.StatusNotFound)
	register(api, huma.Operation{OperationID: "upload-function", Method: http.MethodPost, Path: one + "/versions", Tags: tags,
		MaxBodyBytes: functionBody, BodyReadTimeout: 5 * time.Minute,
		Summary: "Upload a version of a function",
		Description: "The body is a WebAssembly module for WASI preview 1 of up to 16 MiB. It is compiled and checked, and runs from now on; the first upload makes the function, and the module that runs already is no new version: a note that comes with it becomes that of the version. " +
			"Error codes: product_not_found, function_module, function_import (names what there is not), function_large, function_slow, function_busy, too_many_versions, invalid_fields (name, note)."},
		s.uploadFunction, http.StatusNotFound, http.StatusConflict)
	register(api, huma.Operation{OperationID: "update-function", Method: http.MethodPut, Path: one, Tags: tags, MaxBodyBytes: noteBody,
		Summary: "Change a function", Description: "Replaces limits and note. Error codes: product_not_found, function_not_found, invalid_fields (errors[].code: out_of_bounds, too_long, not_text)."},
		s.updateFunction, http.StatusNotFound)
	register(api, huma.Operation{OperationID: "use-function-version", Method: http.MethodPost, Path: one + "/use", Tags: tags, Metadata: loses,
		Summary: "Let another version of a function run", Description: "From the next call on. Error codes: product_not_found, function_not_found, version_not_found."},
		s.useFunctionVersion, http.StatusNotFound)
	register(api, huma.Operation{OperationID: "enable-function", Method: http.MethodPost, Path: one + "/enable", Tags: tags,
		Summary: "Let programs call a function", Description: "Repeating it is harmless. Error codes: product_not_found, function_not_found."}, s.switchFunction(true), http.StatusNotFound)
	register(api, huma.Operation{OperationID: "disable-function", Method: http.MethodPost, Path: one + "/disable", Tags: tags, Metadata: loses,
		Summary: "Let no program call a function", Description: "Until it is enabled: calls are refused with function_disabled. Repeating it is harmless. Error codes: product_not_found, function_not_found."},
		s.switchFunction(false), http.StatusNotFound)
	register(api, huma.Operation{OperationID: "remove-function", Method: http.MethodDelete, Path: one, Tags: tags, Metadata: loses, DefaultStatus: http.StatusNoContent,
		Summary: "Remove a function", Description: "With all its versions. Error codes: product_not_found, function_not_found."}, s.removeFunction, http.StatusNotFound)
	register(api, huma.Operation{OperationID: "remove-function-version", Method: http.MethodDelete, Path: one + "/versions/{version}", Tags: tags, Metadata: loses, DefaultStatus: http.StatusNoContent,
		Summary: "Remove a version of a function", Description: "One that does not run. Error codes: product_not_found, function_not_found, version_not_found, version_current."},
		s.removeFunctionVersion, http.StatusNotFound, http.StatusConflict)
	register(api, huma.Operation{OperationID: "list-function-failures", Method: http.MethodGet, Path: one + "/failures", Tags: tags,
		Summary: "List the last failures of a function", Description: "The last 20, the last first, with the end of what the function wrote to standard error. Error codes: product_not_found, function_not_found."},
		s.listFunctionFailures, http.StatusNotFound)
}

func (s *service) listFunctions(ctx context.Context, in *functionsInput) (*app.Output[wire.FunctionList], error) {
	p, err := s.store.Product(ctx, in.Product)
	if err != nil {
		return nil, err
	}
	all, err := s.store.Functions(ctx, p.ID)
	return output(wire.FunctionList{Functions: each(all, wireFunction)}, err)
}

func (s *service) getFunction(ctx context.Context, in *functionInput) (*app.Output[wire.Function], error) {
	f, err := s.function(ctx, in.Product, in.Name)
	return s.withVersions(ctx, f, err)
}

func (s *service) uploadFunction(ctx context.Context, in *uploadedFunctionInput) (*app.Output[wire.Function], error) {
	f, err := s.functions.Upload(ctx, in.Product, in.Name, in.RawBody, in.Note, app.Caller(ctx))
	return s.withVersions(ctx, f, err)
}

func (s *service) updateFunction(ctx context.Context, in *changedFunctionInput) (*app.Output[wire.Function], error) {
	b := in.Body
	f, err := s.functions.Change(ctx, in.Product, in.Name, function.Limits{TimeMS: b.TimeMS, MemoryMiB: b.MemoryMiB, OutputBytes: b.OutputBytes}, b.Note, app.Caller(ctx))
	return s.withVersions(ctx, f, err)
}

func (s *service) useFunctionVersion(ctx context.Context, in *chosenVersionInput) (*app.Output[wire.Function], error) {
	f, err := s.functions.Use(ctx, in.Product, in.Name, in.Body.Version, app.Caller(ctx))
	return s.withVersions(ctx, f, err)
}

func (s *service) switchFunction(enabled bool) func(context.Context, *functionInput) (*app.Output[wire.Function], error) {
	return func(ctx context.Context, in *functionInput) (*app.Output[wire.Function], error) {
		f, err := s.functions.Enable(ctx, in.Product, in.Name, enabled, app.Caller(ctx))
		return s.withVersions(ctx, f, err)
	}
}

func (s *service) removeFunction(ctx context.Context, in *functionInput) (*struct{}, error) {
	return nil, s.functions.Remove(ctx, in.Product, in.Name, app.Caller(ctx))
}

func (s *service) removeFunctionVersion(ctx context.Context, in *functionVersionInput) (*struct{}, error) {
	_, err := s.functions.RemoveVersion(ctx, in.Product, in.Name, in.Version, app.Caller(ctx))
	return nil, err
}

func (s *service) listFunctionFailures(ctx context.Context, in *functionInput) (*app.Output[wire.FunctionFailureList], error) {
	f, err := s.function(ctx, in.Product, in.Name)
	if err != nil {
		return nil, err
	}
	all, err := s.store.FunctionFailures(ctx, f.ID)
	return output(wire.FunctionFailureList{Failures: each(all, func(f store.FunctionFailure) wire.FunctionFailure {
		return wire.FunctionFailure{At: f.At, Version: f.Version, Card: f.Card, Code: f.Code, Exit: f.Exit, TookMS: float64(f.Took.Microseconds()) / 1000, Cause: f.Cause, Log: f.Log}
	})}, err)
}

func (s *service) function(ctx context.Context, product, name string) (store.Function, error) {
	p, err := s.store.Product(ctx, product)
	if err != nil {
		return store.Function{}, err
	}
	return s.store.Function(ctx, p.ID, name)
}

func (s *service) withVersions(ctx context.Context, f store.Function, err error) (*app.Output[wire.Function], error) {
	if err != nil {
		return nil, err
	}
	all, err := s.store.FunctionVersions(ctx, f.ID)
	w := wireFunction(f)
	w.Versions = each(all, func(v store.FunctionVersion) wire.FunctionVersion {
		return wire.FunctionVersion{Version: v.Version, SHA256: hex.EncodeToString(v.Hash[:]), Size: v.Size, Note: v.Note, MadeBy: v.MadeBy, MadeAt: v.MadeAt}
	})
	return output(w, err)
}

func wireFunction(f store.Function) wire.Function {
	return wire.Function{ID: f.ID, Name: f.Name, Current: f.Current, Enabled: f.Enabled, MadeAt: f.MadeAt,
		FunctionFields: wire.FunctionFields{TimeMS: f.TimeMS, MemoryMiB: f.MemoryMiB, OutputBytes: f.OutputBytes, Note: f.Note}}
}
