package identity

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"guildhall/sdk/go/api"
)

// User is somebody's account.
type User struct {
	ID             string    `json:"id" example:"usr_06a4m8w3j5t2n7q1c9v0xkzgde"`
	Email          string    `json:"email" example:"anna@example.com"`
	EmailProved    bool      `json:"email_proved" doc:"A code came back from the address."`
	Name           string    `json:"name" example:"Anna Nowak"`
	Language       string    `json:"language" doc:"Language of pages and letters." example:"en"`
	State          string    `json:"state" enum:"active,disabled" doc:"Nobody signs in to a disabled one."`
	MustChange     bool      `json:"must_change_password" doc:"It has a one-time password, which must be changed at the next sign-in."`
	SecondRequired bool      `json:"second_factor_required" doc:"Nothing opens before there is a second factor."`
	CreatedAt      time.Time `json:"created_at"`
	Arrived        bool      `json:"arrived" doc:"False: its owner was invited and has not chosen a password yet."`
	PasswordSetAt  time.Time `json:"password_set_at,omitzero" doc:"Absent while there is no password."`
}

// UserDetail is an account with what belongs to it.
type UserDetail struct {
	User
	Factors     UserFactors `json:"second_factors"`
	LockedUntil *time.Time  `json:"locked_until,omitempty" doc:"Until when no try at its secrets is looked at; absent: it is not locked."`
	Roles       []UserRole  `json:"roles" nullable:"false"`
	Groups      []UserGroup `json:"groups" nullable:"false"`
}

// UserFactors are what an account has besides its password.
type UserFactors struct {
	Authenticator bool `json:"authenticator" doc:"There is an authenticator app."`
	Passkeys      int  `json:"passkeys" doc:"How many passkeys there are."`
	RecoveryCodes int  `json:"recovery_codes" doc:"How many recovery codes are left."`
}

// UserRole is a role that an account has.
type UserRole struct {
	Name    string `json:"name" example:"ca.operator"`
	ByGroup bool   `json:"by_group,omitempty" doc:"Only a group has it, through which the account does; it is taken from the group."`
}

// UserGroup is a group that an account is in.
type UserGroup struct {
	ID        string `json:"id" example:"grp_06a4m8w3j5t2n7q1c9v0xkzgde"`
	Name      string `json:"name" example:"Office"`
	Directory bool   `json:"directory,omitempty" doc:"It comes from the directory."`
}

// UserRequest chooses accounts; its zero value means all, the newest first.
type UserRequest struct {
	// Text is looked for in name and address, or is the id. Email is the whole
	// address. State is "active", "disabled", "invited" (active, and has not arrived) or empty. Group is the id of a group.
	Text, Email, State, Group string
	// Sort is "created_at", "name" or "email"; empty: "created_at". Order is "asc" or
	// "desc"; empty: "desc" for created_at and "asc" for the others.
	Sort, Order string
	// Limit is the size of a page, at most 500; 0 means 50. Offset is how many are
	// passed over before it.
	Limit, Offset int
}

// UserList is one page of accounts.
type UserList struct {
	Users []User `json:"users" nullable:"false"`
	Total int    `json:"total" doc:"How many there are in all pages."`
}

// UserCreate is an account to make.
type UserCreate struct {
	Email          string `json:"email" maxLength:"320" doc:"The address, which has no account yet." example:"anna@example.com"`
	Name           string `json:"name" maxLength:"256" doc:"What the person is called, up to 64 characters." example:"Anna Nowak"`
	Language       string `json:"language,omitempty" maxLength:"20" doc:"Language of pages and letters: en, zh-CN or pl; en when absent." example:"pl"`
	Password       bool   `json:"one_time_password,omitempty" doc:"Make a one-time password, which is in this answer alone, instead of a letter with a link to choose one."`
	SecondRequired bool   `json:"second_factor_required,omitempty" doc:"Nothing opens before there is a second factor."`
}

// NewUser is an account just made.
type NewUser struct {
	UserDetail
	Password string `json:"one_time_password,omitempty" doc:"The password to hand over. It must be changed at the first sign-in, and is in no later answer."`
}

// UserDisable says why an account is disabled.
type UserDisable struct {
	Reason string `json:"reason" maxLength:"800" doc:"Why, up to 200 characters. It goes into the audit log, which cannot forget: name no person." example:"left the company"`
}

// UserReset says how the owner of an account gets to a new password.
type UserReset struct {
	How string `json:"how" enum:"letter,password" doc:"letter: a letter says how to choose one, and the present one works until then; password: a one-time password, which is in this answer alone, takes its place, and every session ends."`
}

// ResetUser is the answer to a reset.
type ResetUser struct {
	Password string `json:"one_time_password,omitempty" doc:"The password to hand over, for \"password\". It is in no later answer."`
}

// UserSecond says whether an account needs a second factor.
type UserSecond struct {
	Required bool `json:"required" doc:"Whether nothing opens before there is a second factor."`
}

// UserSession is a sign-in in one browser.
type UserSession struct {
	ID        string    `json:"id" example:"ses_06a4m8w3j5t2n7q1c9v0xkzgde"`
	Level     string    `json:"level" enum:"password,strong" doc:"How surely it knows who it is; strong: by two factors, or a passkey."`
	Methods   []string  `json:"methods" nullable:"false" doc:"How its owner has shown who it is: pwd, otp, passkey, recovery or mail." example:"[\"pwd\",\"otp\"]"`
	StartedAt time.Time `json:"started_at"`
	SeenAt    time.Time `json:"seen_at" doc:"When it was used last, to the minute."`
	EndsAt    time.Time `json:"ends_at" doc:"When it ends at the latest."`
	UserAgent string    `json:"user_agent" doc:"What the browser says that it is."`
	From      string    `json:"from" doc:"The network address that it began from." example:"192.0.2.7"`
}

// UserSessionList is the live sessions of an account, the most recently used first.
type UserSessionList struct {
	Sessions []UserSession `json:"sessions" nullable:"false"`
}

// EndedSessions says how many sessions ended.
type EndedSessions struct {
	Ended int `json:"ended"`
}

// UserRoleList is the roles of an account, and all that can be given.
type UserRoleList struct {
	Roles []UserRole `json:"roles" nullable:"false"`
	Known []string   `json:"known" nullable:"false" doc:"The roles that can be given."`
}

// Users reads one page of accounts.
func (c *Client) Users(ctx context.Context, r UserRequest) (*UserList, error) {
	q := api.Query(map[string]string{"q": r.Text, "email": r.Email, "state": r.State, "group": r.Group, "sort": r.Sort, "order": r.Order}, map[string]int{"limit": r.Limit, "offset": r.Offset})
	return api.Call[UserList](ctx, c.Client, http.MethodGet, "users?"+q.Encode(), nil)
}

// User reads an account.
func (c *Client) User(ctx context.Context, id string) (*UserDetail, error) {
	return api.Call[UserDetail](ctx, c.Client, http.MethodGet, user(id), nil)
}

// CreateUser makes an account.
func (c *Client) CreateUser(ctx context.Context, r UserCreate) (*NewUser, error) {
	return api.Call[NewUser](ctx, c.Client, http.MethodPost, "users", r)
}

// DisableUser shuts an account at once: its sessions and whatever it has allowed end.
func (c *Client) DisableUser(ctx context.Context, id, reason string) (*UserDetail, error) {
	return api.Call[UserDetail](ctx, c.Client, http.MethodPost, user(id)+"/disable", UserDisable{Reason: reason})
}

// EnableUser opens a disabled account again.
func (c *Client) EnableUser(ctx context.Context, id string) (*UserDetail, error) {
	return api.Call[UserDetail](ctx, c.Client, http.MethodPost, user(id)+"/enable", nil)
}

// RemoveUser deletes an account for good, with all that belongs to it.
func (c *Client) RemoveUser(ctx context.Context, id string) error {
	_, err := c.Bytes(ctx, http.MethodDelete, user(id), nil)
	return err
}

// UnlockUser forgets the wrong tries at an account's secrets.
func (c *Client) UnlockUser(ctx context.Context, id string) (*UserDetail, error) {
	return api.Call[UserDetail](ctx, c.Client, http.MethodPost, user(id)+"/unlock", nil)
}

// ResetUser lets the owner of an account choose a password by a letter, or gives the
// account a one-time password, which the answer holds.
func (c *Client) ResetUser(ctx context.Context, id string, r UserReset) (*ResetUser, error) {
	return api.Call[ResetUser](ctx, c.Client, http.MethodPost, user(id)+"/reset", r)
}

// RequireSecondFactor says whether an account opens nothing before it has a second
// factor.
func (c *Client) RequireSecondFactor(ctx context.Context, id string, required bool) (*UserDetail, error) {
	return api.Call[UserDetail](ctx, c.Client, http.MethodPost, user(id)+"/require-second-factor", UserSecond{Required: required})
}

// RemoveSecondFactors removes the authenticator, passkeys and recovery codes of an
// account whose owner has lost them. Its sessions end, and the owner gets a letter.
func (c *Client) RemoveSecondFactors(ctx context.Context, id string) (*UserDetail, error) {
	return api.Call[UserDetail](ctx, c.Client, http.MethodPost, user(id)+"/remove-second-factors", nil)
}

// UserSessions lists the live sessions of an account.
func (c *Client) UserSessions(ctx context.Context, id string) (*UserSessionList, error) {
	return api.Call[UserSessionList](ctx, c.Client, http.MethodGet, user(id)+"/sessions", nil)
}

// EndUserSession ends one session of an account.
func (c *Client) EndUserSession(ctx context.Context, id, session string) error {
	_, err := c.Bytes(ctx, http.MethodDelete, user(id)+"/sessions/"+url.PathEscape(session), nil)
	return err
}

// EndUserSessions ends all sessions of an account, and what it has allowed
// applications.
func (c *Client) EndUserSessions(ctx context.Context, id string) (*EndedSessions, error) {
	return api.Call[EndedSessions](ctx, c.Client, http.MethodDelete, user(id)+"/sessions", nil)
}

// UserRoles lists the roles of an account, and those that can be given.
func (c *Client) UserRoles(ctx context.Context, id string) (*UserRoleList, error) {
	return api.Call[UserRoleList](ctx, c.Client, http.MethodGet, user(id)+"/roles", nil)
}

// GiveUserRole gives an account a role; who has it keeps it.
func (c *Client) GiveUserRole(ctx context.Context, id, role string) (*UserRoleList, error) {
	return api.Call[UserRoleList](ctx, c.Client, http.MethodPut, user(id)+"/roles/"+url.PathEscape(role), nil)
}

// TakeUserRole takes a role from an account; who has it not is left alone. What a
// group gives stays.
func (c *Client) TakeUserRole(ctx context.Context, id, role string) (*UserRoleList, error) {
	return api.Call[UserRoleList](ctx, c.Client, http.MethodDelete, user(id)+"/roles/"+url.PathEscape(role), nil)
}

func user(id string) string { return "users/" + url.PathEscape(id) }
