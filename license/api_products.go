package license

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"guildhall/license/internal/store"
	"guildhall/platform/app"
	wire "guildhall/sdk/go/license/manage"
)

type productInput struct {
	Product string `path:"product" maxLength:"100" doc:"The id or the code of the product."`
}

type newProductInput struct{ Body wire.ProductCreate }

type changedProductInput struct {
	Product string `path:"product" maxLength:"100" doc:"The id or the code of the product."`
	Body    wire.ProductFields
}

func (s *service) productOperations(api huma.API) {
	const path, one = "/api/v1/products", "/api/v1/products/{product}"
	tags := []string{"Products"}
	register(api, huma.Operation{OperationID: "list-products", Method: http.MethodGet, Path: path, Tags: tags,
		Summary: "List products", Description: "All, by code."}, s.listProducts)
	register(api, huma.Operation{OperationID: "create-product", Method: http.MethodPost, Path: path, Tags: tags, DefaultStatus: http.StatusCreated, MaxBodyBytes: noteBody,
		Summary: "Make a product", Description: "Error codes: invalid_fields (errors[].code: product_exists, required, form, too_long, not_text)."}, s.createProduct)
	register(api, huma.Operation{OperationID: "get-product", Method: http.MethodGet, Path: one, Tags: tags,
		Summary: "Read a product", Description: "Error code: product_not_found."}, s.getProduct, http.StatusNotFound)
	register(api, huma.Operation{OperationID: "update-product", Method: http.MethodPut, Path: one, Tags: tags, MaxBodyBytes: noteBody,
		Summary: "Change a product", Description: "Replaces name and note. Error codes: product_not_found, invalid_fields."}, s.updateProduct, http.StatusNotFound)
}

func (s *service) listProducts(ctx context.Context, _ *struct{}) (*app.Output[wire.ProductList], error) {
	all, err := s.store.Products(ctx)
	return output(wire.ProductList{Products: each(all, wireProduct)}, err)
}

func (s *service) createProduct(ctx context.Context, in *newProductInput) (*app.Output[wire.Product], error) {
	p, err := s.catalogue.CreateProduct(ctx, in.Body.Code, in.Body.Name, in.Body.Note, app.Caller(ctx))
	return output(wireProduct(p), err)
}

func (s *service) getProduct(ctx context.Context, in *productInput) (*app.Output[wire.Product], error) {
	p, err := s.store.Product(ctx, in.Product)
	return output(wireProduct(p), err)
}

func (s *service) updateProduct(ctx context.Context, in *changedProductInput) (*app.Output[wire.Product], error) {
	p, err := s.catalogue.ChangeProduct(ctx, in.Product, in.Body.Name, in.Body.Note, app.Caller(ctx))
	return output(wireProduct(p), err)
}

func wireProduct(p store.Product) wire.Product {
	return wire.Product{ID: p.ID, Code: p.Code, Name: p.Name, Note: p.Note, MadeAt: p.MadeAt}
}
