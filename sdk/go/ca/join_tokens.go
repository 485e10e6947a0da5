package ca

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"guildhall/sdk/go/api"
)

// TokenRequest asks for a join token.
type TokenRequest struct {
	Service  string `json:"service,omitempty" maxLength:"63" doc:"Name of the service that may join." example:"shop"`
	Lifetime string `json:"lifetime,omitempty" doc:"How long it is good, from 1m to 7d; 1h by default." example:"1h"`
}

// Token is a join token as the authority keeps it: without its text.
type Token struct {
	ID          string     `json:"id" example:"jtk_06a4m8w3j5t2n7q1c9v0xkzgde"`
	Service     string     `json:"service" doc:"The only service for which it is good." example:"shop"`
	State       string     `json:"state" enum:"unused,used,expired,withdrawn"`
	MadeBy      string     `json:"made_by"`
	MadeAt      time.Time  `json:"made_at"`
	ExpiresAt   time.Time  `json:"expires_at"`
	UsedAt      *time.Time `json:"used_at,omitempty"`
	UsedFor     string     `json:"used_for,omitempty" doc:"Serial number of the certificate that it gave."`
	WithdrawnAt *time.Time `json:"withdrawn_at,omitempty"`
	WithdrawnBy string     `json:"withdrawn_by,omitempty"`
}

// NewToken is a token just made.
type NewToken struct {
	Token Token `json:"token"`
	// Text is the secret to give to the service.
	Text string `json:"text" doc:"The token to give to the service. It is in no later answer."`
}

// TokenList is the newest tokens.
type TokenList struct {
	Tokens []Token `json:"tokens" nullable:"false"`
}

// CreateToken makes a join token.
func (c *Client) CreateToken(ctx context.Context, r TokenRequest) (*NewToken, error) {
	return api.Call[NewToken](ctx, c.Client, http.MethodPost, "join-tokens", r)
}

// Tokens lists the newest join tokens.
func (c *Client) Tokens(ctx context.Context) (*TokenList, error) {
	return api.Call[TokenList](ctx, c.Client, http.MethodGet, "join-tokens", nil)
}

// WithdrawToken ends a join token before it is used.
func (c *Client) WithdrawToken(ctx context.Context, id string) error {
	_, err := c.Bytes(ctx, http.MethodDelete, "join-tokens/"+url.PathEscape(id), nil)
	return err
}
