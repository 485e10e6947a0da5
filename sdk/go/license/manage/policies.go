package manage

import (
	"context"
	"net/url"
	"time"

	"guildhall/sdk/go/api"
)

// Policy is what the vendor decides for a kind of cards.
type Policy struct {
	ID        string    `json:"id" example:"pol_06a4m8w3j5t2n7q1c9v0xkzgde"`
	Product   string    `json:"product" doc:"The id of its product."`
	Name      string    `json:"name" example:"One year"`
	Rules     Rules     `json:"rules"`
	Revision  int64     `json:"revision" doc:"Counts the changes."`
	MadeAt    time.Time `json:"made_at"`
	ChangedAt time.Time `json:"changed_at"`
}

// PolicyList is policies, by name.
type PolicyList struct {
	Policies []Policy `json:"policies" nullable:"false"`
}

// PolicyCreate is a policy to make. DefaultRules is a good beginning.
type PolicyCreate struct {
	Product string `json:"product" maxLength:"100" doc:"The id or the code of its product." example:"press"`
	Name    string `json:"name" maxLength:"400" doc:"Up to 100 characters; no two policies of a product have the same." example:"One year"`
	Rules   Rules  `json:"rules"`
}

// PolicyChange changes a policy, for all cards that have it.
type PolicyChange struct {
	Name     string `json:"name" maxLength:"400" doc:"Up to 100 characters." example:"One year"`
	Rules    Rules  `json:"rules"`
	Revision int64  `json:"revision" doc:"That of the policy that was read: a later one is not written over."`
}

// Policies lists the policies of a product (its id or code), or of all when that is empty.
func (c *Client) Policies(ctx context.Context, product string) (*PolicyList, error) {
	q := api.Query(map[string]string{"product": product}, map[string]int{})
	return get[PolicyList](ctx, c, "policies?"+q.Encode())
}

// Policy reads a policy.
func (c *Client) Policy(ctx context.Context, id string) (*Policy, error) {
	return get[Policy](ctx, c, "policies/"+url.PathEscape(id))
}

// CreatePolicy makes a policy.
func (c *Client) CreatePolicy(ctx context.Context, p PolicyCreate) (*Policy, error) {
	return post[Policy](ctx, c, "policies", p)
}

// UpdatePolicy changes a policy.
func (c *Client) UpdatePolicy(ctx context.Context, id string, p PolicyChange) (*Policy, error) {
	return put[Policy](ctx, c, "policies/"+url.PathEscape(id), p)
}
