package identity

import (
	"context"
	"net/http"
	"time"

	"guildhall/sdk/go/api"
)

// Key is a key that signs tokens; its private part is in no answer.
type Key struct {
	ID        string `json:"kid" example:"key_06a4m8w3j5t2n7q1c9v0xkzgde"`
	Algorithm string `json:"alg" enum:"ES256,EdDSA,RS256"`
	State     string `json:"state" enum:"announced,signing,published,gone" doc:"announced: in the key set, does not sign yet; signing; published: signs no more and is still in the set; gone: about to be deleted."`
	// MadeAt is when it was made and published.
	MadeAt         time.Time  `json:"made_at"`
	SignsFrom      time.Time  `json:"signs_from" doc:"When it began or begins to sign."`
	SignsUntil     *time.Time `json:"signs_until,omitempty" doc:"When it ends to sign; absent until it has a successor."`
	PublishedUntil *time.Time `json:"published_until,omitempty" doc:"When it leaves the key set; absent until it has a successor."`
}

// KeyList is all keys, by algorithm and age.
type KeyList struct {
	Keys []Key `json:"keys" nullable:"false"`
}

// Keys lists the keys that sign tokens.
func (c *Client) Keys(ctx context.Context) (*KeyList, error) {
	return api.Call[KeyList](ctx, c.Client, http.MethodGet, "keys", nil)
}

// RotateKeys publishes the next key of each algorithm now; it signs a day later,
// when all copies of the key set have it.
func (c *Client) RotateKeys(ctx context.Context) (*KeyList, error) {
	return api.Call[KeyList](ctx, c.Client, http.MethodPost, "keys/rotate", nil)
}

// ReplaceKeys is for keys in wrong hands: new ones sign at once, the old leave the
// set at once, and whatever they signed is worth nothing any more.
func (c *Client) ReplaceKeys(ctx context.Context) (*KeyList, error) {
	return api.Call[KeyList](ctx, c.Client, http.MethodPost, "keys/replace", nil)
}
