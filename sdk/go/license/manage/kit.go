package manage

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"guildhall/sdk/go/license"
)

// TransportRotation says which key of the transport is replaced.
type TransportRotation struct {
	Kind string `json:"kind" enum:"answer,hpke,psk,kit" doc:"What signs answers, what requests are sealed to, the shared key of the week, or the one in kits."`
	End  bool   `json:"end,omitempty" doc:"Those before are in wrong hands, and of no use from now on. A client that holds them fetches the configuration again; one whose kit holds an ended key needs another kit for the mode psk."`
}

// TransportKey is a key by which requests are opened or answers signed, without the key.
type TransportKey struct {
	ID     string    `json:"id" doc:"16 hexadecimal digits." example:"9f1c2b7a55e0d311"`
	Kind   string    `json:"kind" enum:"root,answer,hpke,psk,kit" doc:"What signs the configuration, what signs answers, what requests are sealed to, the shared key of the week, or the one in kits."`
	From   time.Time `json:"from" doc:"Since when it is the newest of its kind, or from when it will be."`
	To     time.Time `json:"to,omitzero" doc:"Until when it is of use; absent: until it is ended by hand."`
	MadeAt time.Time `json:"made_at"`
}

// TransportKeyList is the keys of a product.
type TransportKeyList struct {
	Keys []TransportKey `json:"keys" nullable:"false"`
}

// Kit reads what a vendor builds into his program. The shared key in it is a secret.
func (c *Client) Kit(ctx context.Context, product string) (*license.Kit, error) {
	return get[license.Kit](ctx, c, "products/"+url.PathEscape(product)+"/kit")
}

// RotateTransportKey makes another key of the transport at once.
func (c *Client) RotateTransportKey(ctx context.Context, product string, r TransportRotation) error {
	_, err := c.Bytes(ctx, http.MethodPost, "products/"+url.PathEscape(product)+"/transport-keys", r)
	return err
}

// TransportKeys lists the keys of the transport that are not over, by kind and age.
func (c *Client) TransportKeys(ctx context.Context, product string) (*TransportKeyList, error) {
	return get[TransportKeyList](ctx, c, "products/"+url.PathEscape(product)+"/transport-keys")
}

// EndTransportKey makes a key useless at once.
func (c *Client) EndTransportKey(ctx context.Context, product, key string) error {
	_, err := c.Bytes(ctx, http.MethodDelete, "products/"+url.PathEscape(product)+"/transport-keys/"+url.PathEscape(key), nil)
	return err
}
