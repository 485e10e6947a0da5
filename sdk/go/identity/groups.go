package identity

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"guildhall/sdk/go/api"
)

// Group is a group of accounts. What it holds, all its members have.
type Group struct {
	ID          string    `json:"id" example:"grp_06a4m8w3j5t2n7q1c9v0xkzgde"`
	Name        string    `json:"name" example:"Office"`
	Description string    `json:"description" doc:"What the group is for." example:"All who work on the second floor"`
	Source      string    `json:"source" enum:"local,directory" doc:"local: made here; directory: it comes from the directory, which decides its name and who is in it."`
	CreatedAt   time.Time `json:"created_at"`
	Members     int       `json:"members" doc:"How many accounts are in it; list-users with its id as group lists them."`
}

// GroupDetail is a group with its roles.
type GroupDetail struct {
	Group
	Roles []string `json:"roles" nullable:"false" doc:"The roles that its members have by it." example:"[\"ca.operator\"]"`
}

// GroupFields are the name and the description of a group.
type GroupFields struct {
	Name        string `json:"name" maxLength:"256" doc:"Up to 64 characters; no two groups have the same, whatever its case." example:"Office"`
	Description string `json:"description,omitempty" maxLength:"800" doc:"What the group is for, up to 200 characters." example:"All who work on the second floor"`
}

// GroupRequest chooses groups; its zero value means all, by name.
type GroupRequest struct {
	// Text is looked for in name and description, or is the id. Source is "local",
	// "directory" or empty.
	Text, Source string
	// Sort is "name", "members" or "created_at"; empty: "name". Order is "asc" or
	// "desc"; empty: "asc".
	Sort, Order string
	// Limit is the size of a page, at most 500; 0 means 50. Offset is how many are
	// passed over before it.
	Limit, Offset int
}

// GroupList is one page of groups.
type GroupList struct {
	Groups []Group `json:"groups" nullable:"false"`
	Total  int     `json:"total" doc:"How many there are in all pages."`
}

// Groups reads one page of groups.
func (c *Client) Groups(ctx context.Context, r GroupRequest) (*GroupList, error) {
	q := api.Query(map[string]string{"q": r.Text, "source": r.Source, "sort": r.Sort, "order": r.Order}, map[string]int{"limit": r.Limit, "offset": r.Offset})
	return api.Call[GroupList](ctx, c.Client, http.MethodGet, "groups?"+q.Encode(), nil)
}

// Group reads a group.
func (c *Client) Group(ctx context.Context, id string) (*GroupDetail, error) {
	return api.Call[GroupDetail](ctx, c.Client, http.MethodGet, group(id), nil)
}

// CreateGroup makes a group.
func (c *Client) CreateGroup(ctx context.Context, f GroupFields) (*GroupDetail, error) {
	return api.Call[GroupDetail](ctx, c.Client, http.MethodPost, "groups", f)
}

// UpdateGroup gives a group another name and description.
func (c *Client) UpdateGroup(ctx context.Context, id string, f GroupFields) (*GroupDetail, error) {
	return api.Call[GroupDetail](ctx, c.Client, http.MethodPut, group(id), f)
}

// RemoveGroup deletes a group; its members lose what they have by it alone.
func (c *Client) RemoveGroup(ctx context.Context, id string) error {
	_, err := c.Bytes(ctx, http.MethodDelete, group(id), nil)
	return err
}

// AddMember puts an account into a group; who is in it stays.
func (c *Client) AddMember(ctx context.Context, id, account string) (*GroupDetail, error) {
	return api.Call[GroupDetail](ctx, c.Client, http.MethodPut, group(id)+"/members/"+url.PathEscape(account), nil)
}

// DropMember takes an account out of a group; who is not in it is left alone.
func (c *Client) DropMember(ctx context.Context, id, account string) (*GroupDetail, error) {
	return api.Call[GroupDetail](ctx, c.Client, http.MethodDelete, group(id)+"/members/"+url.PathEscape(account), nil)
}

// GiveGroupRole gives a group a role; one that has it keeps it.
func (c *Client) GiveGroupRole(ctx context.Context, id, role string) (*GroupDetail, error) {
	return api.Call[GroupDetail](ctx, c.Client, http.MethodPut, group(id)+"/roles/"+url.PathEscape(role), nil)
}

// TakeGroupRole takes a role from a group; one that has it not is left alone.
func (c *Client) TakeGroupRole(ctx context.Context, id, role string) (*GroupDetail, error) {
	return api.Call[GroupDetail](ctx, c.Client, http.MethodDelete, group(id)+"/roles/"+url.PathEscape(role), nil)
}

func group(id string) string { return "groups/" + url.PathEscape(id) }
