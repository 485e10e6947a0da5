package license

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"guildhall/license/internal/store"
	"guildhall/platform/app"
	wire "guildhall/sdk/go/license/manage"
)

type customersInput struct {
	Text   string `query:"q" maxLength:"200" doc:"Looked for in name and address." example:"printers"`
	Limit  int    `query:"limit" minimum:"1" maximum:"500" default:"50" doc:"Size of the page."`
	Offset int    `query:"offset" minimum:"0" doc:"How many to pass over."`
}

type customerInput struct {
	ID string `path:"id" maxLength:"100" doc:"The id of the customer."`
}

type newCustomerInput struct{ Body wire.CustomerFields }

type changedCustomerInput struct {
	ID   string `path:"id" maxLength:"100" doc:"The id of the customer."`
	Body wire.CustomerFields
}

func (s *service) customerOperations(api huma.API) {
	const path, one = "/api/v1/customers", "/api/v1/customers/{id}"
	tags := []string{"Customers"}
	register(api, huma.Operation{OperationID: "list-customers", Method: http.MethodGet, Path: path, Tags: tags,
		Summary: "List customers", Description: "By name."}, s.listCustomers)
	register(api, huma.Operation{OperationID: "create-customer", Method: http.MethodPost, Path: path, Tags: tags, DefaultStatus: http.StatusCreated, MaxBodyBytes: noteBody,
		Summary: "Make a customer", Description: "Error codes: invalid_fields (errors[].code: customer_exists, required, email, too_long, not_text)."}, s.createCustomer)
	register(api, huma.Operation{OperationID: "get-customer", Method: http.MethodGet, Path: one, Tags: tags,
		Summary: "Read a customer", Description: "Its cards are listed by list-cards. Error code: customer_not_found."}, s.getCustomer, http.StatusNotFound)
	register(api, huma.Operation{OperationID: "update-customer", Method: http.MethodPut, Path: one, Tags: tags, MaxBodyBytes: noteBody,
		Summary: "Change a customer", Description: "Replaces name, address and note. Error codes: customer_not_found, invalid_fields."}, s.updateCustomer, http.StatusNotFound)
}

func (s *service) listCustomers(ctx context.Context, in *customersInput) (*app.Output[wire.CustomerList], error) {
	all, total, err := s.store.Customers(ctx, store.CustomerQuery{Text: in.Text, Limit: in.Limit, Offset: in.Offset})
	return output(wire.CustomerList{Customers: each(all, wireCustomer), Total: total}, err)
}

func (s *service) createCustomer(ctx context.Context, in *newCustomerInput) (*app.Output[wire.Customer], error) {
	c, err := s.catalogue.AddCustomer(ctx, in.Body.Name, in.Body.Email, in.Body.Note, app.Caller(ctx))
	return output(wireCustomer(c), err)
}

func (s *service) getCustomer(ctx context.Context, in *customerInput) (*app.Output[wire.Customer], error) {
	c, err := s.store.Customer(ctx, in.ID)
	return output(wireCustomer(c), err)
}

func (s *service) updateCustomer(ctx context.Context, in *changedCustomerInput) (*app.Output[wire.Customer], error) {
	c, err := s.catalogue.ChangeCustomer(ctx, in.ID, in.Body.Name, in.Body.Email, in.Body.Note, app.Caller(ctx))
	return output(wireCustomer(c), err)
}

func wireCustomer(c store.Customer) wire.Customer {
	return wire.Customer{ID: c.ID, Name: c.Name, Email: c.Email, Note: c.Note, MadeAt: c.MadeAt, Cards: c.Cards}
}
