package identity

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"guildhall/identity/internal/group"
	"guildhall/identity/internal/role"
	"guildhall/identity/internal/store"
	"guildhall/platform/app"
	wire "guildhall/sdk/go/identity"
)

type groupsInput struct {
	Text   string `query:"q" maxLength:"200" doc:"Looked for in name and description; or the id." example:"office"`
	Source string `query:"source" enum:"local,directory" doc:"Where they come from."`
	Sort   string `query:"sort" enum:"name,members,created_at" default:"name" doc:"Order."`
	Order  string `query:"order" enum:"asc,desc" default:"asc" doc:"Direction."`
	Limit  int    `query:"limit" minimum:"1" maximum:"500" default:"50" doc:"Size of the page."`
	Offset int    `query:"offset" minimum:"0" doc:"How many to pass over."`
}

type groupInput struct {
	ID string `path:"id" maxLength:"100" doc:"The id of the group."`
}

type newGroupInput struct{ Body wire.GroupFields }

type changedGroupInput struct {
	ID   string `path:"id" maxLength:"100" doc:"The id of the group."`
	Body wire.GroupFields
}

type memberInput struct {
	ID      string `path:"id" maxLength:"100" doc:"The id of the group."`
	Account string `path:"account" maxLength:"100" doc:"The id of the account."`
}

type groupRoleInput struct {
	ID   string `path:"id" maxLength:"100" doc:"The id of the group."`
	Role string `path:"role" maxLength:"100" doc:"The role." example:"ca.operator"`
}

func (s *service) groupOperations(api huma.API) {
	const path, one = "/api/v1/groups", "/api/v1/groups/{id}"
	tags := []string{"Groups"}
	look(api, huma.Operation{OperationID: "list-groups", Method: http.MethodGet, Path: path, Tags: tags,
		Summary: "List groups", Description: "By name, unless sort says otherwise."}, s.listGroups)
	app.Register(api, huma.Operation{OperationID: "create-group", Method: http.MethodPost, Path: path, Tags: tags, DefaultStatus: http.StatusCreated,
		Summary: "Make a group", Description: "Without members and roles. Error codes: invalid_fields (errors[].code: group_exists, required, too_long, not_text)."}, s.createGroup)
	look(api, huma.Operation{OperationID: "get-group", Method: http.MethodGet, Path: one, Tags: tags,
		Summary: "Read a group", Description: "With its roles. Its members are listed by list-users. Error code: group_not_found."}, s.getGroup, http.StatusNotFound)
	app.Register(api, huma.Operation{OperationID: "update-group", Method: http.MethodPut, Path: one, Tags: tags,
		Summary: "Rename a group", Description: "Replaces name and description. Error codes: group_not_found, group_of_directory, invalid_fields."},
		s.updateGroup, http.StatusNotFound, http.StatusConflict)
	app.Register(api, huma.Operation{OperationID: "remove-group", Method: http.MethodDelete, Path: one, Tags: tags, DefaultStatus: http.StatusNoContent,
		Summary: "Remove a group", Description: "For good. Its members stay, and lose the roles that they have by it alone. Error codes: group_not_found, group_of_directory, last_administrator."},
		s.removeGroup, http.StatusNotFound, http.StatusConflict)
	app.Register(api, huma.Operation{OperationID: "add-group-member", Method: http.MethodPut, Path: one + "/members/{account}", Tags: tags,
		Summary: "Add a member", Description: "Repeating it is harmless. Error codes: group_not_found, account_not_found, group_of_directory."},
		s.addGroupMember, http.StatusNotFound, http.StatusConflict)
	app.Register(api, huma.Operation{OperationID: "drop-group-member", Method: http.MethodDelete, Path: one + "/members/{account}", Tags: tags,
		Summary: "Drop a member", Description: "Repeating it is harmless. Error codes: group_not_found, group_of_directory, last_administrator."},
		s.dropGroupMember, http.StatusNotFound, http.StatusConflict)
	app.Register(api, huma.Operation{OperationID: "give-group-role", Method: http.MethodPut, Path: one + "/roles/{role}", Tags: tags,
		Summary:     "Give a group a role",
		Description: "Also one of the directory. Services see it within a minute. Repeating it is harmless. Error codes: group_not_found, invalid_fields (there is no such role)."},
		s.giveRoleToGroup, http.StatusNotFound)
	app.Register(api, huma.Operation{OperationID: "take-group-role", Method: http.MethodDelete, Path: one + "/roles/{role}", Tags: tags,
		Summary:     "Take a role from a group",
		Description: "Also from one of the directory. Services see it within a minute. Repeating it is harmless. Error codes: group_not_found, last_administrator, invalid_fields."},
		s.takeRoleFromGroup, http.StatusNotFound, http.StatusConflict)
}

func (s *service) listGroups(ctx context.Context, in *groupsInput) (*app.Output[wire.GroupList], error) {
	sort := in.Sort
	if sort == "created_at" {
		sort = store.GroupsByTime
	}
	all, total, err := s.groups.List(ctx, group.Query{Text: in.Text, Source: in.Source, Sort: sort, Desc: in.Order == "desc", Limit: in.Limit, Offset: in.Offset})
	if err != nil {
		return nil, err
	}
	out := &wire.GroupList{Groups: []wire.Group{}, Total: total}
	for _, g := range all {
		out.Groups = append(out.Groups, wireGroup(g))
	}
	return &app.Output[wire.GroupList]{Body: out}, nil
}

func (s *service) createGroup(ctx context.Context, in *newGroupInput) (*app.Output[wire.GroupDetail], error) {
	g, err := s.groups.Create(ctx, in.Body.Name, in.Body.Description, app.Caller(ctx))
	return s.groupAfter(ctx, g.ID, err)
}

func (s *service) getGroup(ctx context.Context, in *groupInput) (*app.Output[wire.GroupDetail], error) {
	return s.groupAfter(ctx, in.ID, nil)
}

func (s *service) updateGroup(ctx context.Context, in *changedGroupInput) (*app.Output[wire.GroupDetail], error) {
	return s.groupAfter(ctx, in.ID, s.groups.Change(ctx, in.ID, in.Body.Name, in.Body.Description, app.Caller(ctx)))
}

func (s *service) removeGroup(ctx context.Context, in *groupInput) (*struct{}, error) {
	return nil, s.groups.Remove(ctx, in.ID, app.Caller(ctx))
}

func (s *service) addGroupMember(ctx context.Context, in *memberInput) (*app.Output[wire.GroupDetail], error) {
	return s.groupAfter(ctx, in.ID, s.groups.Add(ctx, in.ID, in.Account, app.Caller(ctx)))
}

func (s *service) dropGroupMember(ctx context.Context, in *memberInput) (*app.Output[wire.GroupDetail], error) {
	return s.groupAfter(ctx, in.ID, s.groups.Drop(ctx, in.ID, in.Account, app.Caller(ctx)))
}

func (s *service) giveRoleToGroup(ctx context.Context, in *groupRoleInput) (*app.Output[wire.GroupDetail], error) {
	err := s.knownRole(in.Role)
	if err == nil {
		err = s.roles.Give(ctx, in.Role, role.Holder{Group: in.ID}, app.Caller(ctx))
	}
	return s.groupAfter(ctx, in.ID, err)
}

func (s *service) takeRoleFromGroup(ctx context.Context, in *groupRoleInput) (*app.Output[wire.GroupDetail], error) {
	return s.groupAfter(ctx, in.ID, s.takeRole(ctx, in.Role, role.Holder{Group: in.ID}))
}

// groupAfter answers with the group as it is after something was done to it, unless
// that failed.
func (s *service) groupAfter(ctx context.Context, id string, err error) (*app.Output[wire.GroupDetail], error) {
	if err != nil {
		return nil, err
	}
	g, err := s.groups.Get(ctx, id)
	if err != nil {
		return nil, err
	}
	roles, err := s.roles.Held(ctx, role.Holder{Group: id})
	if err != nil {
		return nil, err
	}
	return &app.Output[wire.GroupDetail]{Body: &wire.GroupDetail{Group: wireGroup(g), Roles: roles}}, nil
}

func wireGroup(g group.Group) wire.Group {
	w := wire.Group{ID: g.ID, Name: g.Name, Description: g.Description, Source: store.SourceLocal, CreatedAt: g.MadeAt, Members: g.Members}
	if g.Directory {
		w.Source = store.SourceDirectory
	}
	return w
}
