package license

import (
	"cmp"
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"guildhall/license/internal/store"
	"guildhall/platform/app"
	wire "guildhall/sdk/go/license/manage"
)

type invitationInput struct {
	ID   string `path:"id" maxLength:"100" doc:"The id of the customer."`
	Body wire.InvitationFields
}

type oneInvitationInput struct {
	ID         string `path:"id" maxLength:"100" doc:"The id of the customer."`
	Invitation string `path:"invitation" maxLength:"100" doc:"The id of the invitation."`
}

type oneAccountInput struct {
	ID      string `path:"id" maxLength:"100" doc:"The id of the customer."`
	Account string `path:"account" maxLength:"100" doc:"The id of the account at the service identity."`
}

// accountOperations are about the accounts that see what a customer has.
func (s *service) accountOperations(api huma.API) {
	const one = "/api/v1/customers/{id}"
	tags := []string{"Customers"}
	loses := map[string]any{app.Loses: true}
	register(api, huma.Operation{OperationID: "list-accounts", Method: http.MethodGet, Path: one + "/accounts", Tags: tags,
		Summary: "List the accounts of a customer", Description: "Those that see what the customer has, and the open invitations. Error code: customer_not_found."}, s.listAccounts, http.StatusNotFound)
	register(api, huma.Operation{OperationID: "unlink-account", Method: http.MethodDelete, Path: one + "/accounts/{account}", Tags: tags, DefaultStatus: http.StatusNoContent, Metadata: loses,
		Summary: "Unlink an account", Description: "It does not see what the customer has any more. Error code: account_not_linked."}, s.unlinkAccount, http.StatusNotFound)
	register(api, huma.Operation{OperationID: "invite-account", Method: http.MethodPost, Path: one + "/invitations", Tags: tags, DefaultStatus: http.StatusCreated, MaxBodyBytes: noteBody,
		Summary:     "Invite somebody to see what a customer has",
		Description: "The link is good once and for seven days, and readable in this answer and in the letter alone. Whoever opens it signs in, and sees the customer's cards from then on. Error codes: customer_not_found, invitations_many, invalid_fields (errors[].code: email)."},
		s.inviteAccount, http.StatusNotFound, http.StatusConflict)
	register(api, huma.Operation{OperationID: "withdraw-invitation", Method: http.MethodDelete, Path: one + "/invitations/{invitation}", Tags: tags, DefaultStatus: http.StatusNoContent, Metadata: loses,
		Summary: "Withdraw an invitation", Description: "Error code: invitation_over."}, s.withdrawInvitation, http.StatusGone)
}

func (s *service) listAccounts(ctx context.Context, in *customerInput) (*app.Output[wire.AccountList], error) {
	if _, err := s.store.Customer(ctx, in.ID); err != nil {
		return nil, err
	}
	accounts, err := s.store.Accounts(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	invitations, err := s.store.Invitations(ctx, in.ID, s.now())
	return output(wire.AccountList{Accounts: each(accounts, func(a store.Account) wire.Account {
		return wire.Account{ID: a.ID, Name: a.Name, LinkedAt: a.LinkedAt}
	}), Invitations: each(invitations, wireInvitation)}, err)
}

func wireInvitation(i store.Invitation) wire.Invitation {
	return wire.Invitation{ID: i.ID, Email: i.Email, MadeAt: i.MadeAt, Until: i.UntilAt}
}

func (s *service) unlinkAccount(ctx context.Context, in *oneAccountInput) (*struct{}, error) {
	return nil, s.portal.Unlink(ctx, in.ID, in.Account, app.Caller(ctx))
}

func (s *service) inviteAccount(ctx context.Context, in *invitationInput) (*app.Output[wire.NewInvitation], error) {
	i, link, err := s.portal.Invite(ctx, in.ID, in.Body.Email, cmp.Or(in.Body.Language, "en"), app.Caller(ctx))
	return output(wire.NewInvitation{Invitation: wireInvitation(i), Link: link}, err)
}

func (s *service) withdrawInvitation(ctx context.Context, in *oneInvitationInput) (*struct{}, error) {
	return nil, s.portal.Withdraw(ctx, in.ID, in.Invitation, app.Caller(ctx))
}
