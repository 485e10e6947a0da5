package manage

import (
	"context"
	"net/http"
	"net/url"
	"time"
)

// Account is one of the service identity that sees what a customer has.
type Account struct {
	ID       string    `json:"id" example:"usr_06a4m8w3j5t2n7q1c9v0xkzgde"`
	Name     string    `json:"name" doc:"What the person was called when the account was linked."`
	LinkedAt time.Time `json:"linked_at"`
}

// Invitation is a link by which an account becomes one of a customer's, once.
type Invitation struct {
	ID     string    `json:"id" example:"inv_06a4m8w3j5t2n7q1c9v0xkzgde"`
	Email  string    `json:"email,omitempty" doc:"Where the letter went; absent: nowhere."`
	MadeAt time.Time `json:"made_at"`
	Until  time.Time `json:"until" doc:"How long the link is good."`
}

// NewInvitation is one that was just made.
type NewInvitation struct {
	Invitation
	Link string `json:"link" doc:"Shown only now: whoever opens it first sees what the customer has."`
}

// InvitationFields say how somebody is invited.
type InvitationFields struct {
	Email    string `json:"email,omitempty" maxLength:"320" doc:"Where a letter with the link goes; absent: nowhere." example:"office@printers.example"`
	Language string `json:"language,omitempty" enum:"en,zh,pl" doc:"Of the letter; absent: English."`
}

// AccountList are the accounts of a customer.
type AccountList struct {
	Accounts    []Account    `json:"accounts" nullable:"false"`
	Invitations []Invitation `json:"invitations" nullable:"false" doc:"Those that nobody has used yet, the last first."`
}

func customer(id string) string { return "customers/" + url.PathEscape(id) }

// Accounts reads who sees what a customer has.
func (c *Client) Accounts(ctx context.Context, customerID string) (*AccountList, error) {
	return get[AccountList](ctx, c, customer(customerID)+"/accounts")
}

// Invite makes the link by which somebody sees what a customer has.
func (c *Client) Invite(ctx context.Context, customerID string, f InvitationFields) (*NewInvitation, error) {
	return post[NewInvitation](ctx, c, customer(customerID)+"/invitations", f)
}

// WithdrawInvitation ends an invitation that nobody has used yet.
func (c *Client) WithdrawInvitation(ctx context.Context, customerID, invitation string) error {
	_, err := c.Bytes(ctx, http.MethodDelete, customer(customerID)+"/invitations/"+url.PathEscape(invitation), nil)
	return err
}

// UnlinkAccount ends what an account sees of a customer.
func (c *Client) UnlinkAccount(ctx context.Context, customerID, account string) error {
	_, err := c.Bytes(ctx, http.MethodDelete, customer(customerID)+"/accounts/"+url.PathEscape(account), nil)
	return err
}
