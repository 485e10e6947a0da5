package identity

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"guildhall/identity/internal/client"
	"guildhall/platform/app"
	wire "guildhall/sdk/go/identity"
)

// applicationBody bounds what has a set of keys and many redirect URIs, in bytes.
const applicationBody = 64 << 10

type applicationsInput struct {
	Text   string `query:"q" maxLength:"200" doc:"Looked for in name and id." example:"shop"`
	State  string `query:"state" enum:"active,disabled" doc:"State."`
	Limit  int    `query:"limit" minimum:"1" maximum:"500" default:"50" doc:"Size of the page."`
	Offset int    `query:"offset" minimum:"0" doc:"How many to pass over."`
}

type applicationInput struct {
	ID string `path:"id" maxLength:"100" doc:"The client_id."`
}

type newApplicationInput struct{ Body wire.Metadata }

type changedApplicationInput struct {
	ID string `path:"id" maxLength:"100" doc:"The client_id."`
	// Body is what a read answered, so that it can be sent back with a change.
	Body wire.Application
}

type secretInput struct {
	ID   string `path:"id" maxLength:"100" doc:"The client_id."`
	Body wire.SecretRequest
}

func (s *service) applicationOperations(api huma.API) {
	const path, one = "/api/v1/applications", "/api/v1/applications/{id}"
	tags := []string{"Applications"}
	app.Register(api, huma.Operation{OperationID: "list-applications", Method: http.MethodGet, Path: path, Tags: tags,
		Summary: "List applications", Description: "By name."}, s.listApplications)
	app.Register(api, huma.Operation{OperationID: "create-application", Method: http.MethodPost, Path: path, Tags: tags, DefaultStatus: http.StatusCreated, MaxBodyBytes: applicationBody,
		Summary: "Register an application",
		Description: "kind and client_name are enough for a device and a service, redirect_uris too for the others: what is left out is as the kind has it, a list that is sent empty is empty. " +
			"The secret, where there is one, is in this answer alone. " +
			"Error codes: invalid_fields (errors[].code: required, uri, unused, public, keys ...)."}, s.createApplication)
	app.Register(api, huma.Operation{OperationID: "get-application", Method: http.MethodGet, Path: one, Tags: tags,
		Summary: "Read an application", Description: "Without its secret, which nobody can read. Error code: application_not_found."}, s.getApplication, http.StatusNotFound)
	app.Register(api, huma.Operation{OperationID: "update-application", Method: http.MethodPut, Path: one, Tags: tags, MaxBodyBytes: applicationBody,
		Summary: "Change an application",
		Description: "Replaces its metadata as a whole: send what a read answered, with your changes; what you leave out it has no more (client_id, state and made_at do not count). With changed_at it is refused when somebody else changed the application since; without, it takes the place of whatever is there. It holds for the next request of the application. " +
			"One that shows who it is by a secret from now on gets it by rotate-secret. Error codes: application_not_found, application_changed, application_own (a part of guildhall), invalid_fields."}, s.updateApplication, http.StatusNotFound, http.StatusConflict)
	app.Register(api, huma.Operation{OperationID: "rotate-application-secret", Method: http.MethodPost, Path: one + "/rotate-secret", Tags: tags, Metadata: map[string]any{app.Loses: true},
		Summary: "Make a new secret",
		Description: "The secret is in this answer alone. With an overlap the old one works on for a while, so that every copy of the application can be changed. " +
			"Error codes: application_not_found, application_no_secret (it shows who it is in another way), application_own (a part of guildhall)."}, s.rotateSecret, http.StatusNotFound, http.StatusConflict)
	app.Register(api, huma.Operation{OperationID: "disable-application", Method: http.MethodPost, Path: one + "/disable", Tags: tags, Metadata: map[string]any{app.Loses: true},
		Summary: "Disable an application", Description: "What it holds is revoked, and it gets nothing more. Repeating it is harmless. Error code: application_not_found."},
		s.disableApplication, http.StatusNotFound)
	app.Register(api, huma.Operation{OperationID: "enable-application", Method: http.MethodPost, Path: one + "/enable", Tags: tags,
		Summary: "Enable an application", Description: "It begins anew: what was revoked stays so. Repeating it is harmless. Error code: application_not_found."},
		s.enableApplication, http.StatusNotFound)
	app.Register(api, huma.Operation{OperationID: "remove-application", Method: http.MethodDelete, Path: one, Tags: tags, DefaultStatus: http.StatusNoContent,
		Summary: "Remove an application", Description: "For good, with its secrets, what it holds, and the consent that people gave to it. Error codes: application_not_found, application_own (a part of guildhall)."},
		s.removeApplication, http.StatusNotFound, http.StatusConflict)
}

func (s *service) listApplications(ctx context.Context, in *applicationsInput) (*app.Output[wire.ApplicationList], error) {
	all, total, err := s.clients.List(ctx, client.Query{Text: in.Text, State: in.State, Limit: in.Limit, Offset: in.Offset})
	if err != nil {
		return nil, err
	}
	out := &wire.ApplicationList{Applications: []wire.Application{}, Total: total}
	for _, c := range all {
		out.Applications = append(out.Applications, wireApplication(c))
	}
	return &app.Output[wire.ApplicationList]{Body: out}, nil
}

func (s *service) createApplication(ctx context.Context, in *newApplicationInput) (*app.SecretOutput[wire.NewApplication], error) {
	m, err := client.Preset(in.Body.Kind)
	if err != nil {
		return nil, err
	}
	if err := fill(&m, in.Body); err != nil {
		return nil, err
	}
	c, secret, err := s.clients.Create(ctx, m, app.Caller(ctx))
	if err != nil {
		return nil, err
	}
	return app.SecretAnswer(http.StatusCreated, &wire.NewApplication{Application: wireApplication(c), Secret: secret}), nil
}

func (s *service) getApplication(ctx context.Context, in *applicationInput) (*app.Output[wire.Application], error) {
	return s.application(s.clients.Get(ctx, in.ID))
}

func (s *service) updateApplication(ctx context.Context, in *changedApplicationInput) (*app.Output[wire.Application], error) {
	m := client.Metadata{Kind: in.Body.Kind}
	if err := fill(&m, in.Body.Metadata); err != nil {
		return nil, err
	}
	return s.application(s.clients.Update(ctx, in.ID, m, in.Body.ChangedAt, app.Caller(ctx)))
}

func (s *service) rotateSecret(ctx context.Context, in *secretInput) (*app.SecretOutput[wire.NewSecret], error) {
	overlap, err := length("overlap", in.Body.Overlap)
	if err != nil {
		return nil, err
	}
	now := s.now()
	secret, err := s.clients.RotateSecret(ctx, in.ID, client.Rotation{Overlap: overlap, Compromised: in.Body.Compromised}, app.Caller(ctx))
	if err != nil {
		return nil, err
	}
	out := &wire.NewSecret{Secret: secret}
	if ends := now.Add(overlap).UTC(); overlap > 0 {
		out.OldExpires = &ends
	}
	return app.SecretAnswer(http.StatusOK, out), nil
}

func (s *service) disableApplication(ctx context.Context, in *applicationInput) (*app.Output[wire.Application], error) {
	if err := s.clients.Disable(ctx, in.ID, app.Caller(ctx)); err != nil {
		return nil, err
	}
	return s.application(s.clients.Get(ctx, in.ID))
}

func (s *service) enableApplication(ctx context.Context, in *applicationInput) (*app.Output[wire.Application], error) {
	if err := s.clients.Enable(ctx, in.ID, app.Caller(ctx)); err != nil {
		return nil, err
	}
	return s.application(s.clients.Get(ctx, in.ID))
}

func (s *service) removeApplication(ctx context.Context, in *applicationInput) (*struct{}, error) {
	return nil, s.clients.Remove(ctx, in.ID, app.Caller(ctx))
}

func (s *service) application(c client.Client, err error) (*app.Output[wire.Application], error) {
	if err != nil {
		return nil, err
	}
	w := wireApplication(c)
	return &app.Output[wire.Application]{Body: &w}, nil
}
