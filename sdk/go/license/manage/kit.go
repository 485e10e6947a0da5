package manage

import (
	"context"
	"net/http"
	"net/url"

	"guildhall/sdk/go/license"
)

// TransportRotation says which key of the transport is replaced.
type TransportRotation struct {
	Kind string `json:"kind" enum:"answer,hpke,psk,kit" doc:"What signs answers, what requests are sealed to, the shared key of the week, or the one in kits."`
	End  bool   `json:"end,omitempty" doc:"Those before are in wrong hands, and of no use from now on. A client that holds them fetches the configuration again; one whose kit holds an ended key needs another kit for the mode psk."`
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
