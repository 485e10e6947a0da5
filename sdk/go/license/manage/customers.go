package manage

import (
	"context"
	"net/url"
	"time"

	"guildhall/sdk/go/api"
)

// Customer is whom cards are for.
type Customer struct {
	ID     string    `json:"id" example:"cus_06a4m8w3j5t2n7q1c9v0xkzgde"`
	Name   string    `json:"name" example:"Printers Ltd"`
	Email  string    `json:"email" doc:"Empty: none is known." example:"office@printers.example"`
	Note   string    `json:"note"`
	MadeAt time.Time `json:"made_at"`
	Cards  int       `json:"cards" doc:"How many cards there are for it."`
}

// CustomerFields are what can be changed of a customer.
type CustomerFields struct {
	Name  string `json:"name" maxLength:"400" doc:"Up to 100 characters; no two customers have the same, whatever its case." example:"Printers Ltd"`
	Email string `json:"email,omitempty" maxLength:"320" example:"office@printers.example"`
	Note  string `json:"note,omitempty" maxLength:"8000" doc:"Up to 2000 characters."`
}

// CustomerRequest chooses customers; its zero value means all, by name.
type CustomerRequest struct {
	// Text is looked for in name and address.
	Text string
	// Limit is the size of a page, at most 500; 0 means 50. Offset is how many are
	// passed over before it.
	Limit, Offset int
}

// CustomerList is one page of customers.
type CustomerList struct {
	Customers []Customer `json:"customers" nullable:"false"`
	Total     int        `json:"total" doc:"How many there are in all pages."`
}

// Customers reads one page of customers.
func (c *Client) Customers(ctx context.Context, r CustomerRequest) (*CustomerList, error) {
	q := api.Query(map[string]string{"q": r.Text}, map[string]int{"limit": r.Limit, "offset": r.Offset})
	return get[CustomerList](ctx, c, "customers?"+q.Encode())
}

// Customer reads a customer.
func (c *Client) Customer(ctx context.Context, id string) (*Customer, error) {
	return get[Customer](ctx, c, "customers/"+url.PathEscape(id))
}

// CreateCustomer makes a customer.
func (c *Client) CreateCustomer(ctx context.Context, f CustomerFields) (*Customer, error) {
	return post[Customer](ctx, c, "customers", f)
}

// UpdateCustomer changes what is known of a customer.
func (c *Client) UpdateCustomer(ctx context.Context, id string, f CustomerFields) (*Customer, error) {
	return put[Customer](ctx, c, "customers/"+url.PathEscape(id), f)
}
