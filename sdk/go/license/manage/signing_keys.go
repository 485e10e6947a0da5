package manage

import (
	"context"
	"net/url"
	"time"

	"guildhall/sdk/go/license/offline"
)

// SigningKey signs the offline licences of a product.
type SigningKey struct {
	ID     string    `json:"id" doc:"16 hexadecimal digits, of its public half." example:"ed370a526bdbe4eb"`
	State  string    `json:"state" enum:"next,signing,old,retired,revoked" doc:"It signs next; it signs; it verifies what it signed; programs need not know it any more; it was stolen."`
	MadeAt time.Time `json:"made_at"`
	Since  time.Time `json:"since" doc:"When it came into its state."`
}

// SigningKeyList is the signing keys of a product, the last made first.
type SigningKeyList struct {
	Keys []SigningKey `json:"keys" nullable:"false"`
}

// SigningKeyRetirement says why a signing key is retired.
type SigningKeyRetirement struct {
	Stolen bool `json:"stolen,omitempty" doc:"It is in wrong hands."`
}

// SigningKeys lists the signing keys of a product.
func (c *Client) SigningKeys(ctx context.Context, q string) (*SigningKeyList, error) {
	return get[SigningKeyList](ctx, c, product(q)+"/signing-keys")
}

// AddSigningKey makes a signing key: the first signs at once, another one waits as next.
func (c *Client) AddSigningKey(ctx context.Context, q string) (*SigningKey, error) {
	return post[SigningKey](ctx, c, product(q)+"/signing-keys", nil)
}

// RotateSigningKey lets the next key sign, or a new one if there is no next.
func (c *Client) RotateSigningKey(ctx context.Context, q string) (*SigningKey, error) {
	return post[SigningKey](ctx, c, product(q)+"/signing-keys/rotate", nil)
}

// RetireSigningKey takes a key out of what programs are to know. It cannot be undone.
func (c *Client) RetireSigningKey(ctx context.Context, q, id string, r SigningKeyRetirement) (*SigningKey, error) {
	return post[SigningKey](ctx, c, product(q)+"/signing-keys/"+url.PathEscape(id)+"/retire", r)
}

// KeySet reads the public keys that a program of the product embeds.
func (c *Client) KeySet(ctx context.Context, q string) (*offline.KeySet, error) {
	return get[offline.KeySet](ctx, c, product(q)+"/key-set")
}
