package license

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"guildhall/license/internal/store"
	"guildhall/platform/app"
	wire "guildhall/sdk/go/license/manage"
	"guildhall/sdk/go/license/offline"
)

type retireSigningKeyInput struct {
	Product string `path:"product" maxLength:"100" doc:"The id or the code of the product."`
	ID      string `path:"id" maxLength:"100" doc:"The id of the key."`
	Body    wire.SigningKeyRetirement
}

func (s *service) signingKeyOperations(api huma.API) {
	const path = "/api/v1/products/{product}/signing-keys"
	tags := []string{"Offline licences"}
	register(api, huma.Operation{OperationID: "list-signing-keys", Method: http.MethodGet, Path: path, Tags: tags,
		Summary: "List the keys that sign licences", Description: "The last made first. Error code: product_not_found."}, s.listSigningKeys, http.StatusNotFound)
	register(api, huma.Operation{OperationID: "create-signing-key", Method: http.MethodPost, Path: path, Tags: tags, DefaultStatus: http.StatusCreated,
		Summary:     "Make a signing key",
		Description: "The first of a product signs at once. Another one waits as the next, so that programs know it before it signs. Error codes: product_not_found, next_signing_key."},
		s.createSigningKey, http.StatusNotFound, http.StatusConflict)
	register(api, huma.Operation{OperationID: "rotate-signing-key", Method: http.MethodPost, Path: path + "/rotate", Tags: tags, Metadata: map[string]any{app.Loses: true},
		Summary:     "Let the next key sign",
		Description: "Or a new one, if there is no next: programs must know it before they get a licence of it. The key before verifies what it signed, and its private half is removed. Error codes: product_not_found, no_signing_key."},
		s.rotateSigningKey, http.StatusNotFound, http.StatusConflict)
	register(api, huma.Operation{OperationID: "retire-signing-key", Method: http.MethodPost, Path: path + "/{id}/retire", Tags: tags, Metadata: map[string]any{app.Loses: true},
		Summary:     "Retire a signing key",
		Description: "Programs that are made from now on do not know it, and take none of its licences. It cannot be undone. Error codes: product_not_found, signing_key_not_found, signing_key_in_use, signing_key_over."},
		s.retireSigningKey, http.StatusNotFound, http.StatusConflict)
	register(api, huma.Operation{OperationID: "get-key-set", Method: http.MethodGet, Path: "/api/v1/products/{product}/key-set", Tags: tags,
		Summary:     "Get the public keys that a program embeds",
		Description: "The key that signs, the next one, and those before that were not retired. Nothing of it is a secret. Error codes: product_not_found, no_signing_key."},
		s.getKeySet, http.StatusNotFound, http.StatusConflict)
}

func (s *service) listSigningKeys(ctx context.Context, in *productInput) (*app.Output[wire.SigningKeyList], error) {
	p, err := s.store.Product(ctx, in.Product)
	if err != nil {
		return nil, err
	}
	all, err := s.store.SigningKeys(ctx, p.ID)
	return output(wire.SigningKeyList{Keys: each(all, wireSigningKey)}, err)
}

func (s *service) createSigningKey(ctx context.Context, in *productInput) (*app.Output[wire.SigningKey], error) {
	k, err := s.issuer.AddKey(ctx, in.Product, app.Caller(ctx))
	return output(wireSigningKey(k), err)
}

func (s *service) rotateSigningKey(ctx context.Context, in *productInput) (*app.Output[wire.SigningKey], error) {
	k, err := s.issuer.RotateKey(ctx, in.Product, app.Caller(ctx))
	return output(wireSigningKey(k), err)
}

func (s *service) retireSigningKey(ctx context.Context, in *retireSigningKeyInput) (*app.Output[wire.SigningKey], error) {
	k, err := s.issuer.RetireKey(ctx, in.Product, in.ID, in.Body.Stolen, app.Caller(ctx))
	return output(wireSigningKey(k), err)
}

func (s *service) getKeySet(ctx context.Context, in *productInput) (*app.Output[offline.KeySet], error) {
	set, err := s.issuer.KeySet(ctx, in.Product)
	if err != nil {
		return nil, err
	}
	return output(*set, nil)
}

func wireSigningKey(k store.SigningKey) wire.SigningKey {
	return wire.SigningKey{ID: k.ID, State: k.State, MadeAt: k.MadeAt, Since: k.Since}
}
