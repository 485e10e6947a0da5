package identity

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"guildhall/identity/internal/account"
	"guildhall/identity/internal/store"
	"guildhall/platform/app"
	wire "guildhall/sdk/go/identity"
)

type usersInput struct {
	Text   string `query:"q" maxLength:"200" doc:"Looked for in name and address; or the id." example:"anna"`
	Email  string `query:"email" maxLength:"320" doc:"The whole address." example:"anna@example.com"`
	State  string `query:"state" enum:"active,disabled,invited" doc:"State; invited are the active ones who have not arrived."`
	Group  string `query:"group" maxLength:"100" doc:"The id of a group that they are in."`
	Sort   string `query:"sort" enum:"created_at,name,email" doc:"Order; created_at by default."`
	Order  string `query:"order" enum:"asc,desc" doc:"Direction; by default desc for created_at and asc for the others."`
	Limit  int    `query:"limit" minimum:"1" maximum:"500" default:"50" doc:"Size of the page."`
	Offset int    `query:"offset" minimum:"0" doc:"How many to pass over."`
}

type userInput struct {
	ID string `path:"id" maxLength:"100" doc:"The id of the account."`
}

type newUserInput struct{ Body wire.UserCreate }

type disableUserInput struct {
	ID   string `path:"id" maxLength:"100" doc:"The id of the account."`
	Body wire.UserDisable
}

type resetUserInput struct {
	ID   string `path:"id" maxLength:"100" doc:"The id of the account."`
	Body wire.UserReset
}

type userSecondInput struct {
	ID   string `path:"id" maxLength:"100" doc:"The id of the account."`
	Body wire.UserSecond
}

func (s *service) userOperations(api huma.API) {
	const path, one = "/api/v1/users", "/api/v1/users/{id}"
	tags := []string{"Users"}
	look(api, huma.Operation{OperationID: "list-users", Method: http.MethodGet, Path: path, Tags: tags,
		Summary: "List accounts", Description: "The newest first, unless sort says otherwise."}, s.listUsers)
	app.Register(api, huma.Operation{OperationID: "create-user", Method: http.MethodPost, Path: path, Tags: tags, DefaultStatus: http.StatusCreated,
		Summary: "Make an account",
		Description: "A letter brings a link to choose a password, and so proves that the address is right; or the answer holds a one-time password, which must be changed at the first sign-in. " +
			"Error codes: invalid_fields (errors[].code: email_in_use, mail_address, required, too_long, not_text, not_offered)."}, s.createUser)
	look(api, huma.Operation{OperationID: "get-user", Method: http.MethodGet, Path: one, Tags: tags,
		Summary: "Read an account", Description: "With its second factors, roles and groups. Error code: account_not_found."}, s.getUser, http.StatusNotFound)
	app.Register(api, huma.Operation{OperationID: "disable-user", Method: http.MethodPost, Path: one + "/disable", Tags: tags, Metadata: map[string]any{app.Loses: true},
		Summary: "Disable an account",
		Description: "Its sessions, and whatever it has allowed applications, end at once; nothing is deleted. Repeating it is harmless. " +
			"Error codes: account_not_found, own_account (of who asks), last_administrator, invalid_fields."}, s.disableUser, http.StatusNotFound, http.StatusConflict)
	app.Register(api, huma.Operation{OperationID: "enable-user", Method: http.MethodPost, Path: one + "/enable", Tags: tags,
		Summary: "Enable an account", Description: "What had ended stays so. Repeating it is harmless. Error code: account_not_found."}, s.enableUser, http.StatusNotFound)
	app.Register(api, huma.Operation{OperationID: "remove-user", Method: http.MethodDelete, Path: one, Tags: tags, DefaultStatus: http.StatusNoContent,
		Summary: "Remove an account",
		Description: "For good, with its sessions, second factors, roles, memberships and whatever it has allowed applications; its owner is told by a letter, and the audit log keeps the id. " +
			"Error codes: account_not_found, own_account (of who asks), last_administrator, account_of_directory (active, and the directory has it)."},
		s.removeUser, http.StatusNotFound, http.StatusConflict)
	app.Register(api, huma.Operation{OperationID: "unlock-user", Method: http.MethodPost, Path: one + "/unlock", Tags: tags,
		Summary: "Unlock an account", Description: "Forgets the wrong tries at its password and second factor. Error code: account_not_found."}, s.unlockUser, http.StatusNotFound)
	app.Register(api, huma.Operation{OperationID: "reset-user", Method: http.MethodPost, Path: one + "/reset", Tags: tags, Metadata: map[string]any{app.Loses: true},
		Summary: "Reset a password",
		Description: "By a letter that says how to choose one, or by a one-time password that takes the place of the present one; then all sessions end, and it is in this answer alone. Second factors stay. " +
			"Error codes: account_not_found, account_disabled, password_elsewhere (the directory keeps it), changed_meanwhile."},
		s.resetUser, http.StatusForbidden, http.StatusNotFound, http.StatusConflict)
	s.userSecondOperations(api, one)
	s.userSessionOperations(api, one+"/sessions")
	s.userRoleOperations(api, one+"/roles")
}

func (s *service) userSecondOperations(api huma.API, one string) {
	tags := []string{"Users"}
	app.Register(api, huma.Operation{OperationID: "require-user-second-factor", Method: http.MethodPost, Path: one + "/require-second-factor", Tags: tags,
		Summary: "Require a second factor", Description: "Or require it no longer. Who has none sets one up right after signing in. Error code: account_not_found."},
		s.requireUserSecond, http.StatusNotFound)
	app.Register(api, huma.Operation{OperationID: "remove-user-second-factors", Method: http.MethodPost, Path: one + "/remove-second-factors", Tags: tags, Metadata: map[string]any{app.Loses: true},
		Summary: "Remove the second factors",
		Description: "For somebody who has lost them: authenticator, passkeys and recovery codes are removed for good, all sessions end, and the owner gets a letter. Where a second factor is required, the next sign-in begins with setting one up. " +
			"An account without any is left alone. Error code: account_not_found."},
		s.removeUserSecond, http.StatusNotFound)
}

func (s *service) listUsers(ctx context.Context, in *usersInput) (*app.Output[wire.UserList], error) {
	all, total, err := s.accounts.List(ctx, account.Query{Text: in.Text, Email: in.Email, State: in.State, Group: in.Group,
		Sort: accountSort(in.Sort), Desc: descends(in.Sort, in.Order), Limit: in.Limit, Offset: in.Offset})
	if err != nil {
		return nil, err
	}
	out := &wire.UserList{Users: []wire.User{}, Total: total}
	for _, a := range all {
		out.Users = append(out.Users, wireUser(a))
	}
	return &app.Output[wire.UserList]{Body: out}, nil
}

// accountSort is the order of that name.
func accountSort(name string) string {
	switch name {
	case "name":
		return store.AccountsByName
	case "email":
		return store.AccountsByEmail
	}
	return store.AccountsByTime
}

// descends says in which direction the order goes that was asked for.
func descends(sort, order string) bool {
	if order == "" {
		return accountSort(sort) == store.AccountsByTime
	}
	return order == "desc"
}

func (s *service) createUser(ctx context.Context, in *newUserInput) (*app.SecretOutput[wire.NewUser], error) {
	made, password, err := s.accounts.Create(ctx, account.CreateRequest{Email: in.Body.Email, Name: in.Body.Name, Language: in.Body.Language,
		Invite: !in.Body.Password, SecondRequired: in.Body.SecondRequired, By: app.Caller(ctx)})
	if err != nil {
		return nil, err
	}
	// Not read again: the password would be lost if that failed.
	detail := wire.UserDetail{User: wireUser(made), Roles: []wire.UserRole{}, Groups: []wire.UserGroup{}}
	return app.SecretAnswer(http.StatusCreated, &wire.NewUser{UserDetail: detail, Password: password}), nil
}

func (s *service) getUser(ctx context.Context, in *userInput) (*app.Output[wire.UserDetail], error) {
	return s.userAfter(ctx, in.ID, nil)
}

func (s *service) disableUser(ctx context.Context, in *disableUserInput) (*app.Output[wire.UserDetail], error) {
	return s.userAfter(ctx, in.ID, s.accounts.Disable(ctx, in.ID, in.Body.Reason, app.Caller(ctx)))
}

func (s *service) enableUser(ctx context.Context, in *userInput) (*app.Output[wire.UserDetail], error) {
	return s.userAfter(ctx, in.ID, s.accounts.Enable(ctx, in.ID, app.Caller(ctx)))
}

func (s *service) removeUser(ctx context.Context, in *userInput) (*struct{}, error) {
	return nil, s.accounts.Remove(ctx, in.ID, app.Caller(ctx))
}

func (s *service) unlockUser(ctx context.Context, in *userInput) (*app.Output[wire.UserDetail], error) {
	return s.userAfter(ctx, in.ID, s.accounts.Unlock(ctx, in.ID, app.Caller(ctx)))
}

func (s *service) resetUser(ctx context.Context, in *resetUserInput) (*app.SecretOutput[wire.ResetUser], error) {
	out := &wire.ResetUser{}
	var err error
	if in.Body.How == "password" {
		out.Password, err = s.accounts.GivePassword(ctx, in.ID, app.Caller(ctx))
	} else {
		err = s.accounts.Invite(ctx, in.ID, app.Caller(ctx))
	}
	if err != nil {
		return nil, err
	}
	return app.SecretAnswer(http.StatusOK, out), nil
}

func (s *service) requireUserSecond(ctx context.Context, in *userSecondInput) (*app.Output[wire.UserDetail], error) {
	return s.userAfter(ctx, in.ID, s.accounts.RequireSecond(ctx, in.ID, in.Body.Required, app.Caller(ctx)))
}

func (s *service) removeUserSecond(ctx context.Context, in *userInput) (*app.Output[wire.UserDetail], error) {
	return s.userAfter(ctx, in.ID, s.accounts.RemoveSecond(ctx, in.ID, app.Caller(ctx)))
}

// userAfter is the account as it is after something was done to it, or the error of
// that.
func (s *service) userAfter(ctx context.Context, id string, err error) (*app.Output[wire.UserDetail], error) {
	if err != nil {
		return nil, err
	}
	a, err := s.accounts.Get(ctx, id)
	if err != nil {
		return nil, err
	}
	out := &wire.UserDetail{User: wireUser(a)}
	locked, err := s.accounts.LockedUntil(ctx, id)
	if err != nil {
		return nil, err
	}
	if !locked.IsZero() {
		out.LockedUntil = &locked
	}
	has, err := s.factors.Has(ctx, id)
	if err != nil {
		return nil, err
	}
	out.Factors = wire.UserFactors{Authenticator: has.TOTP, Passkeys: has.Passkeys, RecoveryCodes: has.Recovery}
	if out.Roles, err = s.userRoles(ctx, id); err != nil {
		return nil, err
	}
	out.Groups, err = s.userGroups(ctx, id)
	return &app.Output[wire.UserDetail]{Body: out}, err
}

func (s *service) userGroups(ctx context.Context, id string) ([]wire.UserGroup, error) {
	in, err := s.groups.Of(ctx, id)
	if err != nil {
		return nil, err
	}
	groups := []wire.UserGroup{}
	for _, g := range in {
		groups = append(groups, wire.UserGroup{ID: g.ID, Name: g.Name, Directory: g.Directory})
	}
	return groups, nil
}

func wireUser(a *account.Account) wire.User {
	state := store.Active
	if a.Disabled {
		state = store.Disabled
	}
	return wire.User{ID: a.ID, Email: a.Email, EmailProved: a.EmailProved, Name: a.Name, Language: a.Language, State: state, MustChange: a.MustChange,
		SecondRequired: a.SecondRequired, CreatedAt: a.CreatedAt, Arrived: !a.Invited, PasswordSetAt: a.PasswordSetAt}
}
