package license

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"guildhall/license/internal/issuer"
	"guildhall/license/internal/store"
	"guildhall/platform/app"
	wire "guildhall/sdk/go/license/manage"
	"guildhall/sdk/go/license/offline"
)

// orderBody bounds an order with its request, which grows as JSON text, in bytes.
const orderBody = 256 << 10

type licencesInput struct {
	Text       string    `query:"q" maxLength:"200" doc:"Part of the company's or the contact's name."`
	Product    string    `query:"product" maxLength:"100" doc:"The id or the code of a product."`
	Customer   string    `query:"customer" maxLength:"100" doc:"The id of a customer."`
	IssuedFrom time.Time `query:"issued_from" doc:"Issued then or later."`
	IssuedTo   time.Time `query:"issued_to" doc:"Issued before."`
	EndsFrom   time.Time `query:"ends_from" doc:"Ends then or later."`
	EndsTo     time.Time `query:"ends_to" doc:"Ends before."`
	Limit      int       `query:"limit" minimum:"1" maximum:"500" default:"50" doc:"Size of the page."`
	Offset     int       `query:"offset" minimum:"0" doc:"How many to pass over."`
}

type licenceInput struct {
	ID string `path:"id" maxLength:"100" doc:"The id of the licence."`
}

type newLicenceInput struct{ Body wire.LicenceOrder }

type changedLicenceInput struct {
	ID   string `path:"id" maxLength:"100" doc:"The id of the licence."`
	Body wire.LicenceNote
}

func (s *service) licenceOperations(api huma.API) {
	const path, one = "/api/v1/licences", "/api/v1/licences/{id}"
	const codes = "Error codes: product_not_found, release_not_found, customer_not_found, no_signing_key, invalid_fields (request, to, version_from, version_to, value, note, again; " +
		"errors[].code of request: request_unreadable, request_line_*, with the line in errors[].detail)."
	tags := []string{"Offline licences"}
	register(api, huma.Operation{OperationID: "list-licences", Method: http.MethodGet, Path: path, Tags: tags,
		Summary: "List offline licences", Description: "The last issued first. Error code: product_not_found."}, s.listLicences, http.StatusNotFound)
	register(api, huma.Operation{OperationID: "preview-licence", Method: http.MethodPost, Path: path + "/preview", Tags: tags, MaxBodyBytes: orderBody,
		Summary: "See what would be issued", Description: "Nothing is signed or recorded. " + codes}, s.previewLicence, http.StatusNotFound, http.StatusConflict)
	register(api, huma.Operation{OperationID: "issue-licence", Method: http.MethodPost, Path: path, Tags: tags, DefaultStatus: http.StatusCreated, MaxBodyBytes: orderBody,
		Summary: "Issue an offline licence", Description: "From the request of a customer. A code, if there is one, is in this answer alone. A request that had a licence before is refused with the field again, which names it. " + codes},
		s.issueLicence, http.StatusNotFound, http.StatusConflict)
	register(api, huma.Operation{OperationID: "get-licence", Method: http.MethodGet, Path: one, Tags: tags,
		Summary: "Read an offline licence", Description: "Without its text: that is get-licence-text. Error code: licence_not_found."}, s.getLicence, http.StatusNotFound)
	register(api, huma.Operation{OperationID: "get-licence-text", Method: http.MethodGet, Path: one + "/text", Tags: tags,
		Summary: "Get the text of an offline licence", Description: "To send it once more. Error code: licence_not_found."}, s.getLicenceText, http.StatusNotFound)
	register(api, huma.Operation{OperationID: "update-licence", Method: http.MethodPut, Path: one, Tags: tags, MaxBodyBytes: noteBody,
		Summary: "Change the note of an offline licence", Description: "The licence itself never changes. Error codes: licence_not_found, invalid_fields (note)."},
		s.updateLicence, http.StatusNotFound)
}

func (s *service) listLicences(ctx context.Context, in *licencesInput) (*app.Output[wire.LicenceList], error) {
	product, err := s.productID(ctx, in.Product)
	if err != nil {
		return nil, err
	}
	all, total, err := s.store.Licences(ctx, store.LicenceQuery{Licensee: issuer.LicenseeKey(in.Text), Product: product, Customer: in.Customer, IssuedFrom: in.IssuedFrom,
		IssuedTo: in.IssuedTo, EndFrom: in.EndsFrom, EndTo: in.EndsTo, Limit: in.Limit, Offset: in.Offset})
	return output(wire.LicenceList{Licences: each(all, wireLicence), Total: total}, err)
}

func (s *service) previewLicence(ctx context.Context, in *newLicenceInput) (*app.Output[wire.LicenceDraft], error) {
	o, err := s.licenceOrder(in.Body)
	if err != nil {
		return nil, err
	}
	d, err := s.issuer.Draft(ctx, o)
	if err != nil {
		return nil, err
	}
	return output(wire.LicenceDraft{Claims: d.Claims, SigningKey: d.SigningKey, Confidential: d.Confidential, Code: d.Code, Earlier: d.Earlier.ID, KeyOnly: d.Claims.Deployment.KeyOnly(),
		SealedTo: each(d.Keys, func(n offline.RequestNode) string { return n.Name })}, nil)
}

func (s *service) issueLicence(ctx context.Context, in *newLicenceInput) (*app.SecretOutput[wire.LicenceIssued], error) {
	o, err := s.licenceOrder(in.Body)
	if err != nil {
		return nil, err
	}
	made, err := s.issuer.Issue(ctx, o, app.Caller(ctx))
	if err != nil {
		return nil, err
	}
	text, err := offline.Armour(made.Text)
	if err != nil {
		return nil, err
	}
	return app.SecretAnswer(http.StatusCreated, &wire.LicenceIssued{Licence: wireLicence(made.Licence), KeyOnly: made.KeyOnly, Text: text, Code: made.Code}), nil
}

func (s *service) licenceOrder(b wire.LicenceOrder) (issuer.Order, error) {
	r, err := issuer.ParseRequest([]byte(b.Request), s.now())
	return issuer.Order{Request: r, Product: b.Product, Modules: b.Modules, Users: b.Users, From: b.From, To: b.To,
		Versions: offline.Versions{From: b.VersionFrom, To: b.VersionTo}, AnyMachine: b.AnyMachine, Again: b.Again, Release: b.Release, Value: b.Value, Customer: b.Customer, Note: b.Note}, err
}

func (s *service) getLicence(ctx context.Context, in *licenceInput) (*app.Output[wire.Licence], error) {
	l, err := s.store.Licence(ctx, in.ID)
	return output(wireLicence(l), err)
}

func (s *service) getLicenceText(ctx context.Context, in *licenceInput) (*app.SecretOutput[wire.LicenceText], error) {
	l, err := s.store.Licence(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	text, err := offline.Armour(l.Text)
	if err != nil {
		return nil, err
	}
	return app.SecretAnswer(http.StatusOK, &wire.LicenceText{Text: text, OneLine: l.Text, FileName: l.ID + ".txt"}), nil
}

func (s *service) updateLicence(ctx context.Context, in *changedLicenceInput) (*app.Output[wire.Licence], error) {
	l, err := s.issuer.SetNote(ctx, in.ID, in.Body.Note, app.Caller(ctx))
	return output(wireLicence(l), err)
}

func wireLicence(l store.Licence) wire.Licence {
	return wire.Licence{ID: l.ID, Product: l.Product, SigningKey: l.SigningKey, Customer: l.Customer, Company: l.Company, Contact: l.Contact,
		Confidential: l.Confidential, Note: l.Note, IssuedAt: l.IssuedAt, ExpiresAt: l.ExpiresAt, IssuedBy: l.IssuedBy}
}
