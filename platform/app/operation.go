package app

import (
	"context"
	"net/http"
	"reflect"
	"strconv"

	"github.com/danielgtaylor/huma/v2"

	"guildhall/platform/audit"
	"guildhall/platform/fault"
	"guildhall/platform/session"
)

// smallBody bounds the body of an operation that does not say otherwise: a reason,
// a name, a signed head.
const smallBody = 8 << 10

// Output is an answer with a body of JSON.
type Output[T any] struct{ Body *T }

// SecretOutput is an answer that may hold a secret, such as a private key made
// here: caches keep nothing of it, and it is sent uncompressed.
type SecretOutput[T any] struct {
	Status       int
	CacheControl string `header:"Cache-Control"`
	Body         *T
}

// SecretAnswer makes an answer that may hold a secret.
func SecretAnswer[T any](status int, body *T) *SecretOutput[T] {
	return &SecretOutput[T]{Status: status, CacheControl: "no-store", Body: body}
}

// meanings says what an error status means; every operation that can answer so
// documents it.
func meanings() map[int]string {
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

// Register registers an operation that may end in the statuses of codes, beside
// those that everyone may.
func Register[I, O any](api huma.API, op huma.Operation, handler func(context.Context, *I) (*O, error), codes ...int) {
	public, _ := op.Metadata[Public].(bool)
	if !public {
		codes = append(codes, http.StatusUnauthorized, http.StatusForbidden)
		op.Security = []map[string][]string{{"token": {}}}
		if role, special := op.Metadata[Needs].(string); special {
			op.Description += " For the role " + role + "."
		}
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
		op.Responses[strconv.Itoa(code)] = &huma.Response{Description: meanings()[code],
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

// Caller is who calls an operation that Register has registered, for the audit log.
func Caller(ctx context.Context) audit.Caller {
	address, _ := ctx.Value(addressKey{}).(string)
	return session.Caller(ctx, address)
}
