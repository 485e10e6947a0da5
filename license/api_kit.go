package license

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"guildhall/platform/app"
	"guildhall/sdk/go/license"
	wire "guildhall/sdk/go/license/manage"
)

type rotateTransportInput struct {
	Product string `path:"product" maxLength:"100" doc:"The id or the code of the product."`
	Body    wire.TransportRotation
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
