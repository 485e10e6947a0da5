package license

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"guildhall/license/internal/store"
	"guildhall/platform/app"
	"guildhall/sdk/go/license"
	wire "guildhall/sdk/go/license/manage"
)

type rotateTransportInput struct {
	Product string `path:"product" maxLength:"100" doc:"The id or the code of the product."`
	Body    wire.TransportRotation
}

type transportKeyInput struct {
	Product string `path:"product" maxLength:"100" doc:"The id or the code of the product."`
	Key     string `path:"key" maxLength:"16" doc:"The id of the key."`
}

func (s *service) kitOperations(api huma.API) {
	const one = "/api/v1/products/{product}"
	tags := []string{"Products"}
	register(api, huma.Operation{OperationID: "get-kit", Method: http.MethodGet, Path: one + "/kit", Tags: tags,
		Summary:     "Get what is built into the program",
		Description: "The addresses, the root key and the shared key of now, and the signed configuration. Error codes: product_not_found, keys_missing."},
		s.getKit, http.StatusNotFound)
	register(api, huma.Operation{OperationID: "rotate-transport-key", Method: http.MethodPost, Path: one + "/transport-keys", Tags: tags, DefaultStatus: http.StatusNoContent,
		Metadata: map[string]any{app.Loses: true}, Summary: "Replace a key of the transport",
		Description: "Makes another key at once. With end those before are good for nothing from now on. Error codes: product_not_found, too_many_keys, invalid_fields (kind)."},
		s.rotateTransportKey, http.StatusNotFound, http.StatusConflict)
	register(api, huma.Operation{OperationID: "list-transport-keys", Method: http.MethodGet, Path: one + "/transport-keys", Tags: tags,
		Summary: "List the keys of the transport", Description: "Those that are not over, by kind and age; nothing secret. Error code: product_not_found."},
		s.listTransportKeys, http.StatusNotFound)
	register(api, huma.Operation{OperationID: "end-transport-key", Method: http.MethodDelete, Path: one + "/transport-keys/{key}", Tags: tags, DefaultStatus: http.StatusNoContent,
		Metadata: map[string]any{app.Loses: true}, Summary: "End a key of the transport",
		Description: "At once, for a key that is in wrong hands; if it was the last of its kind, another is made. Programs whose kit holds an ended key, and that were told no other, need another kit for the mode psk. Error codes: product_not_found, transport_key_not_found, root_key_stays."},
		s.endTransportKey, http.StatusNotFound, http.StatusConflict)
}

func (s *service) getKit(ctx context.Context, in *productInput) (*app.SecretOutput[license.Kit], error) {
	if err := recent().Check(ctx, s.now()); err != nil {
		return nil, err
	}
	kit, err := s.transport.Kit(ctx, in.Product, app.Caller(ctx))
	if err != nil {
		return nil, err
	}
	return app.SecretAnswer(http.StatusOK, &kit), nil
}

func (s *service) rotateTransportKey(ctx context.Context, in *rotateTransportInput) (*struct{}, error) {
	return nil, s.transport.Rotate(ctx, in.Product, in.Body.Kind, in.Body.End, app.Caller(ctx))
}

func (s *service) listTransportKeys(ctx context.Context, in *productInput) (*app.Output[wire.TransportKeyList], error) {
	all, err := s.transport.Keys(ctx, in.Product)
	return output(wire.TransportKeyList{Keys: each(all, wireTransportKey)}, err)
}

func (s *service) endTransportKey(ctx context.Context, in *transportKeyInput) (*struct{}, error) {
	return nil, s.transport.End(ctx, in.Product, in.Key, app.Caller(ctx))
}

func wireTransportKey(k store.TransportKey) wire.TransportKey {
	return wire.TransportKey{ID: k.ID, Kind: k.Kind, From: k.From, To: k.To, MadeAt: k.MadeAt}
}
