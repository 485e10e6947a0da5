package ca

import (
	"context"
	"net/http"
	"time"

	"guildhall/sdk/go/api"
)

// Authority is what to trust: the root, and the certificate that signs day to
// day.
type Authority struct {
	Root               string    `json:"root" doc:"The root certificate in PEM."`
	RootFingerprint    string    `json:"root_fingerprint" doc:"SHA-256 of the root certificate in hexadecimal digits. Compare it before you trust the root."`
	RootSubject        string    `json:"root_subject"`
	RootNotAfter       time.Time `json:"root_not_after"`
	Issuing            string    `json:"issuing" doc:"The issuing certificate in PEM."`
	IssuingFingerprint string    `json:"issuing_fingerprint"`
	IssuingSubject     string    `json:"issuing_subject"`
	IssuingNotAfter    time.Time `json:"issuing_not_after"`
}

// Authority reads what to trust. It needs no token.
func (c *Client) Authority(ctx context.Context) (*Authority, error) {
	return api.Call[Authority](ctx, c.Client, http.MethodGet, "roots", nil)
}
