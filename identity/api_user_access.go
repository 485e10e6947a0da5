package identity

import (
	"context"
	"net/http"
	"slices"

	"github.com/danielgtaylor/huma/v2"

	"guildhall/identity/internal/role"
	"guildhall/platform/app"
	"guildhall/platform/fault"
	wire "guildhall/sdk/go/identity"
)

type userSessionInput struct {
	ID      string `path:"id" maxLength:"100" doc:"The id of the account."`
	Session string `path:"session" maxLength:"100" doc:"The id of the session."`
}

type userRoleInput struct {
	ID   string `path:"id" maxLength:"100" doc:"The id of the account."`
	Role string `path:"role" maxLength:"100" doc:"The role." example:"ca.operator"`
}

func (s *service) userSessionOperations(api huma.API, path string) {
	tags := []string{"Users"}
	look(api, huma.Operation{OperationID: "list-user-sessions", Method: http.MethodGet, Path: path, Tags: tags,
		Summary: "List the sessions of an account", Description: "Those that live, the most recently used first. Error code: account_not_found."}, s.listUserSessions, http.StatusNotFound)
	app.Register(api, huma.Operation{OperationID: "end-user-session", Method: http.MethodDelete, Path: path + "/{session}", Tags: tags, DefaultStatus: http.StatusNoContent,
		Summary: "End a session", Description: "With what it has allowed applications. Error code: session_not_found."}, s.endUserSession, http.StatusNotFound)
	app.Register(api, huma.Operation{OperationID: "end-user-sessions", Method: http.MethodDelete, Path: path, Tags: tags,
		Summary: "End all sessions of an account", Description: "With all that it has allowed applications. Error code: account_not_found."}, s.endUserSessions, http.StatusNotFound)
}

func (s *service) userRoleOperations(api huma.API, path string) {
	tags := []string{"Users"}
	look(api, huma.Operation{OperationID: "list-user-roles", Method: http.MethodGet, Path: path, Tags: tags,
		Summary: "List the roles of an account", Description: "Its own, those of its groups, and all that can be given. Error code: account_not_found."}, s.listUserRoles, http.StatusNotFound)
	app.Register(api, huma.Operation{OperationID: "give-user-role", Method: http.MethodPut, Path: path + "/{role}", Tags: tags,
		Summary: "Give a role", Description: "Services see it within a minute. Repeating it is harmless. Error codes: account_not_found, invalid_fields."}, s.giveUserRole, http.StatusNotFound)
	app.Register(api, huma.Operation{OperationID: "take-user-role", Method: http.MethodDelete, Path: path + "/{role}", Tags: tags,
		Summary: "Take a role back", Description: "What a group gives stays. Services see it within a minute. Repeating it is harmless. Error codes: account_not_found, last_administrator, invalid_fields."},
		s.takeUserRole, http.StatusNotFound, http.StatusConflict)
}

func (s *service) listUserSessions(ctx context.Context, in *userInput) (*app.Output[wire.UserSessionList], error) {
	if _, err := s.accounts.Get(ctx, in.ID); err != nil {
		return nil, err
	}
	all, err := s.sessions.List(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	out := &wire.UserSessionList{Sessions: []wire.UserSession{}}
	for _, x := range all {
		out.Sessions = append(out.Sessions, wire.UserSession{ID: x.ID, Level: x.Level.String(), Methods: x.Methods, StartedAt: x.MadeAt, SeenAt: x.SeenAt,
			EndsAt: x.EndsAt, UserAgent: x.UserAgent, From: x.From})
	}
	return &app.Output[wire.UserSessionList]{Body: out}, nil
}

func (s *service) endUserSession(ctx context.Context, in *userSessionInput) (*struct{}, error) {
	return nil, s.sessions.End(ctx, in.ID, in.Session, app.Caller(ctx))
}

func (s *service) endUserSessions(ctx context.Context, in *userInput) (*app.Output[wire.EndedSessions], error) {
	if _, err := s.accounts.Get(ctx, in.ID); err != nil {
		return nil, err
	}
	n, err := s.sessions.EndOthers(ctx, in.ID, "", app.Caller(ctx))
	if err != nil {
		return nil, err
	}
	return &app.Output[wire.EndedSessions]{Body: &wire.EndedSessions{Ended: n}}, nil
}

func (s *service) listUserRoles(ctx context.Context, in *userInput) (*app.Output[wire.UserRoleList], error) {
	if _, err := s.accounts.Get(ctx, in.ID); err != nil {
		return nil, err
	}
	held, err := s.userRoles(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return &app.Output[wire.UserRoleList]{Body: &wire.UserRoleList{Roles: held, Known: s.roles.Known()}}, nil
}

func (s *service) giveUserRole(ctx context.Context, in *userRoleInput) (*app.Output[wire.UserRoleList], error) {
	if err := s.knownRole(in.Role); err != nil {
		return nil, err
	}
	if err := s.roles.Give(ctx, in.Role, role.Holder{Account: in.ID}, app.Caller(ctx)); err != nil {
		return nil, err
	}
	return s.listUserRoles(ctx, &userInput{ID: in.ID})
}

func (s *service) takeUserRole(ctx context.Context, in *userRoleInput) (*app.Output[wire.UserRoleList], error) {
	if err := s.takeRole(ctx, in.Role, role.Holder{Account: in.ID}); err != nil {
		return nil, err
	}
	return s.listUserRoles(ctx, &userInput{ID: in.ID})
}

// knownRole refuses a role that cannot be given, and lists those that can.
func (s *service) knownRole(name string) error {
	if known := s.roles.Known(); !slices.Contains(known, name) {
		return fault.Fields(app.NotOneOf("role", name, known))
	}
	return nil
}

// takeRole takes a role back: one that can be given, or one that is held from a time
// when it could.
func (s *service) takeRole(ctx context.Context, name string, from role.Holder) error {
	held, err := s.roles.Held(ctx, from)
	if err == nil && !slices.Contains(held, name) {
		err = s.knownRole(name)
	}
	if err != nil {
		return err
	}
	return s.roles.Take(ctx, name, from, app.Caller(ctx))
}

// userRoles are the roles of an account, by name, and whence it has them.
func (s *service) userRoles(ctx context.Context, id string) ([]wire.UserRole, error) {
	all, err := s.roles.Of(ctx, id)
	if err != nil {
		return nil, err
	}
	own, err := s.roles.Held(ctx, role.Holder{Account: id})
	if err != nil {
		return nil, err
	}
	roles := []wire.UserRole{}
	for _, name := range all {
		roles = append(roles, wire.UserRole{Name: name, ByGroup: !slices.Contains(own, name)})
	}
	return roles, nil
}
