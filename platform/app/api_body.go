package app

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"guildhall/platform/fault"
)

// notText is what is wrong with a value that PostgreSQL would not take and JSON
// would silently change.
const notText = "It holds a NUL character or bytes that are not text (UTF-8). Send it without them."

// onlyText refuses requests with a NUL or with bytes that are no text in the
// address or in a JSON body, and bodies that say something twice, before any
// operation sees them.
func onlyText(ctx huma.Context, next func(huma.Context)) {
	r, w := humago.Unwrap(ctx)
	if name, found := unreadableAddress(r); found {
		fault.Write(w, r, fault.Fields(fault.Field{Name: name, Code: "not_text", Detail: notText}))
		return
	}
	op := ctx.Operation()
	if op.RequestBody == nil || op.RequestBody.Content["application/json"] == nil {
		next(ctx)
		return
	}
	body, err := readBody(ctx, op)
	if err != nil {
		fault.Write(w, r, err)
		return
	}
	if name, found := unreadableJSON(body); found {
		fault.Write(w, r, fault.Fields(fault.Field{Name: name, Code: "not_text", Detail: notText}))
		return
	}
	if name, found := repeatedMember(body); found {
		fault.Write(w, r, fault.Fields(fault.Field{Name: name, Code: "duplicate", Detail: notTwice}))
		return
	}
	next(withBody{humaContext: ctx, body: body})
}

// readBody reads a whole body within the bounds of the operation. How long it may take
// to come the listener knows.
func readBody(ctx huma.Context, op *huma.Operation) ([]byte, error) {
	body, err := io.ReadAll(io.LimitReader(ctx.BodyReader(), op.MaxBodyBytes+1))
	if _, late := errors.AsType[net.Error](err); late {
		return nil, fault.New(fault.Slow, "body_timeout", "The body of the request did not arrive in time. Send it again, without a pause.")
	}
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
		return nil, err
	}
	if err != nil {
		return nil, fault.New(fault.Malformed, "malformed_body", "The body of the request broke off before its end. Send it again.").Because(err)
	}
	if int64(len(body)) >= op.MaxBodyBytes { // huma refuses a body that just fills the bound
		return nil, fault.New(fault.TooLarge, "too_large", "The body of the request is too large: this address takes less than %s bytes. Send less.", grouped(fmt.Sprint(op.MaxBodyBytes)))
	}
	return body, nil
}

type humaContext huma.Context

// withBody is a request whose body was read already.
type withBody struct {
	humaContext
	body []byte
}

// BodyReader reads the body from its beginning.
func (c withBody) BodyReader() io.Reader { return bytes.NewReader(c.body) }

// SetReadDeadline does nothing: a deadline after the body was read would end the
// request when it passes.
func (c withBody) SetReadDeadline(time.Time) error { return nil }

// Unwrap is how humago finds the request.
func (c withBody) Unwrap() huma.Context { return c.humaContext }

// unreadableAddress names the parameter that is not text.
func unreadableAddress(r *http.Request) (name string, found bool) {
	if !readable(r.URL.Path) {
		return "path", true
	}
	query := r.URL.Query()
	for _, name := range slices.Sorted(maps.Keys(query)) {
		if !readable(name) || slices.ContainsFunc(query[name], func(v string) bool { return !readable(v) }) {
			return strings.ToValidUTF8(name, "\uFFFD"), true
		}
	}
	return "", false
}

// unreadableJSON names the first member of a JSON text that holds a NUL or bytes
// that are no text. What is no JSON at all is for the decoder to refuse.
func unreadableJSON(text []byte) (name string, found bool) {
	nul := []byte(`\u0000`)
	if utf8.Valid(text) && !bytes.Contains(text, nul) {
		return "", false
	}
	var v any
	if json.Unmarshal(bytes.ToValidUTF8(text, nul), &v) != nil {
		return "", false
	}
	if name, found = nulIn(v, ""); name == "" {
		name = "body"
	}
	return name, found
}

// nulIn is the path of the first string with a NUL in a decoded JSON value.
func nulIn(v any, path string) (string, bool) {
	switch v := v.(type) {
	case string:
		return path, !readable(v)
	case []any:
		for i, x := range v {
			if at, found := nulIn(x, fmt.Sprintf("%s[%d]", path, i)); found {
				return at, true
			}
		}
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(v)) {
			if !readable(key) {
				return path, true
			}
			if at, found := nulIn(v[key], strings.TrimPrefix(path+"."+key, ".")); found {
				return at, true
			}
		}
	}
	return "", false
}

func readable(text string) bool { return utf8.ValidString(text) && !strings.ContainsRune(text, 0) }
