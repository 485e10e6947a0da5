package ca

import (
	"context"
	"net/http"
	"reflect"
	"strconv"

	"github.com/danielgtaylor/huma/v2"

	"guildhall/platform/app"
	"guildhall/platform/audit"
	"guildhall/platform/fault"
	"guildhall/platform/session"
	wire "guildhall/sdk/go/ca"
)

// Sizes of the largest request bodies, in bytes.
const (
	smallBody = 8 << 10   // a reason, a name, a signed head
	issueBody = 256 << 10 // a CSR and a hundred long names
)

// operations registers the REST API. The types of the wire are those of the Go
// client, so that the two cannot differ.
func (s *service) operations(api huma.API) {
	s.issueOperations(api)
	s.certificateOperations(api)
	s.tokenOperations(api)
	s.auditOperations(api)
	register(api, huma.Operation{OperationID: "get-roots", Method: http.MethodGet, Path: "/api/v1/roots", Tags: []string{"Authority"},
		Summary:     "What to trust",
		Description: "The root certificate, its fingerprint, and the certificate that signs day to day. Anybody may read it.",
		Metadata:    map[string]any{app.Public: true}}, s.getRoots)
}

func (s *service) getRoots(context.Context, *struct{}) (*output[wire.Authority], error) {
	return &output[wire.Authority]{Body: s.wireAuthority()}, nil
}

// output is an answer with a body of JSON.
type output[T any] struct{ Body *T }

// secretOutput is an answer that may hold a secret, such as a private key made
// here: caches keep nothing of it, and it is sent uncompressed.
type secretOutput[T any] struct {
	Status       int
	CacheControl string `header:"Cache-Control"`
	Body         *T
}

func secretAnswer[T any](status int, body *T) *secretOutput[T] {
	return &secretOutput[T]{Status: status, CacheControl: "no-store", Body: body}
}

// fileOutput is an answer that is a file.
type fileOutput struct {
	ContentType        string `header:"Content-Type"`
	ContentDisposition string `header:"Content-Disposition"`
	CacheControl       string `header:"Cache-Control"`
	Body               []byte
}

func attachment(name, contentType string, data []byte) *fileOutput {
	return &fileOutput{ContentType: contentType, ContentDisposition: `attachment; filename="` + name + `"`, CacheControl: "no-store", Body: data}
}

// problems says what an error status means; every operation that can answer so
// documents it.
func problems() map[int]string {
	return map[int]string{
		http.StatusBadRequest:            "The request cannot be read.",
		http.StatusUnauthorized:          "No token was sent, or one that is not live: code and WWW-Authenticate say which.",
		http.StatusForbidden:             "The token does not allow this.",
		http.StatusNotFound:              "There is no such thing.",
		http.StatusConflict:              "The state of things does not allow this.",
		http.StatusRequestTimeout:        "The body came too slowly.",
		http.StatusRequestEntityTooLarge: "The body is larger than is taken.",
		http.StatusUnsupportedMediaType:  "The body is not sent as JSON.",
		http.StatusUnprocessableEntity:   "A field is wrong: errors names it and the remedy.",
		http.StatusServiceUnavailable:    "Not now: the database is away, the disk full or the clock set back; detail says what to do.",
	}
}

// register registers an operation that may end in the statuses of codes, beside
// those that everyone may.
func register[I, O any](api huma.API, op huma.Operation, handler func(context.Context, *I) (*O, error), codes ...int) {
	public, _ := op.Metadata[app.Public].(bool)
	if !public {
		codes = append(codes, http.StatusUnauthorized, http.StatusForbidden)
		op.Security = []map[string][]string{{"token": {}}}
	}
	codes = append(codes, http.StatusUnprocessableEntity, http.StatusServiceUnavailable)
	if op.Method != http.MethodGet {
		codes = append(codes, http.StatusBadRequest, http.StatusRequestTimeout, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType)
		if op.MaxBodyBytes == 0 {
			op.MaxBodyBytes = smallBody
		}
	}
	schema := api.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[fault.Problem](), true, "Problem")
	op.Responses = map[string]*huma.Response{}
	for _, code := range codes {
		op.Responses[strconv.Itoa(code)] = &huma.Response{Description: problems()[code],
			Content: map[string]*huma.MediaType{"application/problem+json": {Schema: schema}}}
	}
	op.Middlewares = append(op.Middlewares, noteAddress)
	huma.Register(api, op, handler)
}

type addressKey struct{}

// noteAddress keeps the caller's network address for the audit log.
func noteAddress(ctx huma.Context, next func(huma.Context)) {
	next(huma.WithValue(ctx, addressKey{}, ctx.RemoteAddr()))
}

// caller is who makes a request, for the audit log.
func caller(ctx context.Context) audit.Caller {
	address, _ := ctx.Value(addressKey{}).(string)
	return session.Caller(ctx, address)
}
