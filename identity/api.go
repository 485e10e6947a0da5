package identity

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"guildhall/identity/internal/journal"
	"guildhall/identity/internal/role"
	"guildhall/identity/internal/signing"
	"guildhall/platform/app"
	wire "guildhall/sdk/go/identity"
)

// operations registers the REST API, which is for administrators alone but for the
// sign-in by JSON; the protocol's endpoints are the provider's. The types of the wire
// are those of the Go client, so that the two cannot differ.
func (s *service) operations(api huma.API) {
	s.groupOperations(api)
	s.userOperations(api)
	s.applicationOperations(api)
	s.keyOperations(api)
	s.directoryOperations(api)
	s.letterOperations(api)
	if s.config.JSONSignIn {
		s.signInOperations(api)
		s.meOperations(api)
	}
	app.AuditOperations(api, s.journal, journal.Actions())
}

// look registers an operation that changes nothing, which is for viewers too, as the
// pages are.
func look[I, O any](api huma.API, op huma.Operation, handler func(context.Context, *I) (*O, error), codes ...int) {
	op.Metadata = map[string]any{app.Needs: role.Viewer}
	app.Register(api, op, handler, codes...)
}

func (s *service) keyOperations(api huma.API) {
	tags := []string{"Signing keys"}
	app.Register(api, huma.Operation{OperationID: "list-keys", Method: http.MethodGet, Path: "/api/v1/keys", Tags: tags,
		Summary: "List the keys that sign tokens", Description: "By algorithm and age. The public keys themselves are at /oauth2/jwks."}, s.listKeys)
	app.Register(api, huma.Operation{OperationID: "rotate-keys", Method: http.MethodPost, Path: "/api/v1/keys/rotate", Tags: tags,
		Summary:     "Rotate the keys",
		Description: "Keys rotate by themselves; this begins it now. The next key of each algorithm is published at once and signs a day later, when all copies of the key set have it; the old one stays published until its last token is over. Error code: keys_announced (each has its next key already)."},
		s.rotateKeys, http.StatusConflict)
	app.Register(api, huma.Operation{OperationID: "replace-keys", Method: http.MethodPost, Path: "/api/v1/keys/replace", Tags: tags, Metadata: map[string]any{app.Loses: true},
		Summary:     "Replace keys that are in wrong hands",
		Description: "New keys sign at once and the old leave the key set at once: whatever they signed is worth nothing any more, and applications fetch new tokens."},
		s.replaceKeys)
}

func (s *service) listKeys(ctx context.Context, _ *struct{}) (*app.Output[wire.KeyList], error) {
	all, err := s.keys.List(ctx)
	if err != nil {
		return nil, err
	}
	out := &wire.KeyList{Keys: []wire.Key{}}
	for _, k := range all {
		out.Keys = append(out.Keys, wireKey(k))
	}
	return &app.Output[wire.KeyList]{Body: out}, nil
}

func (s *service) rotateKeys(ctx context.Context, none *struct{}) (*app.Output[wire.KeyList], error) {
	if err := s.keys.Rotate(ctx, app.Caller(ctx)); err != nil {
		return nil, err
	}
	return s.listKeys(ctx, none)
}

func (s *service) replaceKeys(ctx context.Context, none *struct{}) (*app.Output[wire.KeyList], error) {
	if err := s.keys.Replace(ctx, app.Caller(ctx)); err != nil {
		return nil, err
	}
	return s.listKeys(ctx, none)
}

func wireKey(k signing.Key) wire.Key {
	w := wire.Key{ID: k.ID, Algorithm: k.Algorithm, State: string(k.State), MadeAt: k.MadeAt, SignsFrom: k.From}
	if !k.To.IsZero() {
		w.SignsUntil, w.PublishedUntil = &k.To, &k.Gone
	}
	return w
}
