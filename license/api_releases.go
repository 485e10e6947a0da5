package license

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"guildhall/license/internal/store"
	"guildhall/platform/app"
	wire "guildhall/sdk/go/license/manage"
)

type newReleaseInput struct {
	Product string `path:"product" maxLength:"100" doc:"The id or the code of the product."`
	Body    wire.ReleaseCreate
}

type releaseInput struct {
	Product string `path:"product" maxLength:"100" doc:"The id or the code of the product."`
	Version string `path:"version" maxLength:"64" doc:"The version." example:"2.1.0"`
}

type handshakeKeyInput struct {
	Product string `path:"product" maxLength:"100" doc:"The id or the code of the product."`
	Version string `path:"version" maxLength:"64" doc:"The version." example:"2.1.0"`
	Key     string `query:"key" maxLength:"100" doc:"The id of the key; without one, the current one."`
}

func (s *service) releaseOperations(api huma.API) {
	const path = "/api/v1/products/{product}/releases"
	tags := []string{"Releases"}
	register(api, huma.Operation{OperationID: "list-releases", Method: http.MethodGet, Path: path, Tags: tags,
		Summary: "List the releases of a product", Description: "The newest first, each with the ids of its handshake keys. Error code: product_not_found."},
		s.listReleases, http.StatusNotFound)
	register(api, huma.Operation{OperationID: "create-release", Method: http.MethodPost, Path: path, Tags: tags, DefaultStatus: http.StatusCreated, MaxBodyBytes: noteBody,
		Summary: "Make a release", Description: "With a handshake key. Error codes: product_not_found, invalid_fields (errors[].code: release_exists, required, form, too_long, not_text)."},
		s.createRelease, http.StatusNotFound)
	register(api, huma.Operation{OperationID: "rotate-handshake-key", Method: http.MethodPost, Path: path + "/{version}/rotate", Tags: tags,
		Summary:     "Rotate the handshake key of a release",
		Description: "Another key takes its place for data that is encrypted from now on; those before go on for data that was encrypted under them. Error codes: product_not_found, release_not_found."},
		s.rotateHandshakeKey, http.StatusNotFound)
	register(api, huma.Operation{OperationID: "export-handshake-key", Method: http.MethodGet, Path: path + "/{version}/handshake-key", Tags: tags,
		Summary:     "Get a handshake key of a release",
		Description: "For encrypting the release's core data: whoever has it needs no licence. Needs a sign-in of the last 10 minutes. Error codes: product_not_found, release_not_found, handshake_key_not_found."},
		s.exportHandshakeKey, http.StatusNotFound)
}

func (s *service) exportHandshakeKey(ctx context.Context, in *handshakeKeyInput) (*app.SecretOutput[wire.HandshakeSecret], error) {
	if err := recent().Check(ctx, s.now()); err != nil {
		return nil, err
	}
	id, key, err := s.catalogue.ExportHandshake(ctx, in.Product, in.Version, in.Key, app.Caller(ctx))
	if err != nil {
		return nil, err
	}
	return app.SecretAnswer(http.StatusOK, &wire.HandshakeSecret{ID: id, Key: key}), nil
}

func (s *service) listReleases(ctx context.Context, in *productInput) (*app.Output[wire.ReleaseList], error) {
	p, err := s.store.Product(ctx, in.Product)
	if err != nil {
		return nil, err
	}
	all, err := s.store.Releases(ctx, p.ID)
	if err != nil {
		return nil, err
	}
	list := wire.ReleaseList{Releases: make([]wire.Release, len(all))}
	for i, r := range all {
		if list.Releases[i], err = s.wireRelease(ctx, r); err != nil {
			return nil, err
		}
	}
	return output(list, nil)
}

func (s *service) createRelease(ctx context.Context, in *newReleaseInput) (*app.Output[wire.Release], error) {
	r, err := s.catalogue.CreateRelease(ctx, in.Product, in.Body.Version, in.Body.Note, app.Caller(ctx))
	if err != nil {
		return nil, err
	}
	return output(s.wireRelease(ctx, r))
}

func (s *service) rotateHandshakeKey(ctx context.Context, in *releaseInput) (*app.Output[wire.Release], error) {
	if _, err := s.catalogue.RotateHandshakeKey(ctx, in.Product, in.Version, app.Caller(ctx)); err != nil {
		return nil, err
	}
	p, err := s.store.Product(ctx, in.Product)
	if err != nil {
		return nil, err
	}
	r, err := s.store.Release(ctx, p.ID, in.Version)
	if err != nil {
		return nil, err
	}
	return output(s.wireRelease(ctx, r))
}

func (s *service) wireRelease(ctx context.Context, r store.Release) (wire.Release, error) {
	keys, err := s.store.HandshakeKeys(ctx, r.ID)
	return wire.Release{ID: r.ID, Version: r.Version, Note: r.Note, MadeAt: r.MadeAt, Keys: each(keys, func(k store.HandshakeKey) wire.HandshakeKey {
		return wire.HandshakeKey{ID: k.ID, MadeAt: k.MadeAt, RetiredAt: k.RetiredAt}
	})}, err
}
