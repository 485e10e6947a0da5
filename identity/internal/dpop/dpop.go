// Package dpop checks proofs that whoever presents a token has the key that it is
// bound to (RFC 9449). Nonces are not asked for: a proof is good for a minute and
// once, which needs no further round trip.
package dpop

import (
	"context"
	"crypto"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"net/url"
	"strings"
	"time"

	"guildhall/identity/internal/jws"
	"guildhall/identity/internal/oauth"
)

const (
	// Age is how old a proof may be.
	Age = time.Minute
	// Ahead is how far its clock may be ahead.
	Ahead = 5 * time.Second
	// maxID bounds "jti", in bytes.
	maxID = 256
)

// Checker checks proofs. It is safe for concurrent use.
type Checker struct {
	// Once notes that a key was presented and says whether it was the first time
	// until then: grant.Desk's Once.
	Once func(ctx context.Context, key string, until time.Time) (first bool, err error)
	Now  func() time.Time
}

// claims are those of a proof: RFC 9449, 4.2.
type claims struct {
	ID         string   `json:"jti"`
	Method     string   `json:"htm"`
	URL        string   `json:"htu"`
	IssuedAt   *float64 `json:"iat"`
	AccessHash string   `json:"ath"`
}

// Check is the thumbprint (RFC 7638, base64url) of the key that made a proof, if
// the proof was made for this request and not presented before: RFC 9449, 4.3.
// With an access token, the proof must name it; that the token is bound to the
// thumbprint is the caller's to compare. The error is oauth.InvalidDPoPProof,
// unless the failure is ours.
func (c *Checker) Check(ctx context.Context, proof, method, target, accessToken string) (thumbprint string, err error) {
	token, err := jws.Parse(proof)
	if err != nil {
		return "", refuse("The proof is not a signed token as RFC 9449 wants it.").Because(err)
	}
	if token.Type != "dpop+jwt" {
		return "", refuse("The header typ of the proof is not dpop+jwt.")
	}
	if token.Key == nil {
		return "", refuse("The proof has no public key in its header jwk.")
	}
	var said claims
	if err := token.Verify(token.Key.Key, &said); err != nil {
		return "", refuse("The signature of the proof is not one of its own key.").Because(err)
	}
	if err := c.compare(said, method, target, accessToken); err != nil {
		return "", err
	}
	sum, err := token.Key.Thumbprint(crypto.SHA256)
	if err != nil {
		return "", refuse("The key of the proof has no thumbprint.").Because(err)
	}
	thumbprint = base64.RawURLEncoding.EncodeToString(sum)
	first, err := c.Once(ctx, "dpop\x00"+thumbprint+"\x00"+said.ID, issued(said).Add(Age+Ahead))
	if err != nil {
		return "", err
	}
	if !first {
		return "", refuse("The proof was presented before. Make a new one for each request.")
	}
	return thumbprint, nil
}

// compare is nil when the claims are about this request, now.
func (c *Checker) compare(said claims, method, target, accessToken string) error {
	if said.ID == "" || len(said.ID) > maxID {
		return refuse("The claim jti of the proof must be there and have at most %d bytes.", maxID)
	}
	if said.Method != method {
		return refuse("The claim htm of the proof is not %s.", method)
	}
	if !same(said.URL, target) {
		return refuse("The claim htu of the proof is not the address of this endpoint.")
	}
	if said.IssuedAt == nil || *said.IssuedAt < 0 || *said.IssuedAt > 1<<40 {
		return refuse("The claim iat of the proof must be there, in seconds since 1970.")
	}
	now := c.Now()
	if at := issued(said); at.Before(now.Add(-Age)) || at.After(now.Add(Ahead)) {
		return refuse("The proof is not from the last %d seconds. Compare the clocks.", int(Age.Seconds()))
	}
	if accessToken == "" {
		return nil
	}
	sum := sha256.Sum256([]byte(accessToken))
	if subtle.ConstantTimeCompare([]byte(said.AccessHash), []byte(base64.RawURLEncoding.EncodeToString(sum[:]))) != 1 {
		return refuse("The claim ath of the proof is not the hash of the access token.")
	}
	return nil
}

func issued(said claims) time.Time { return time.UnixMicro(int64(*said.IssuedAt * 1e6)) }

// same compares two addresses without query and fragment, as RFC 3986, 6.2.2 and
// 6.2.3 want: the letters of scheme and host, the port that needs no mention and
// the path of a bare host make no difference.
func same(a, b string) bool {
	x, fine := plain(a)
	y, also := plain(b)
	return fine && also && x == y
}

func plain(text string) (_ string, fine bool) {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.User != nil || u.Opaque != "" {
		return "", false
	}
	scheme, host, path := strings.ToLower(u.Scheme), strings.ToLower(u.Host), u.Path
	switch scheme {
	case "https":
		host = strings.TrimSuffix(host, ":443")
	case "http":
		host = strings.TrimSuffix(host, ":80")
	default:
		return "", false
	}
	if path == "" {
		path = "/"
	}
	return scheme + "://" + host + path, true
}

func refuse(format string, args ...any) *oauth.Error {
	return oauth.NewError(oauth.InvalidDPoPProof, format, args...)
}
