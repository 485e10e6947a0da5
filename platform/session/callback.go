package session

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// skew is how far identity's clock may be from ours.
const skew = 5 * time.Second

// callback is where identity sends the browser back to: with a code, which becomes
// a session, or with a refusal.
func (d *Desk) callback(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	token, to, err := d.finish(r)
	if err != nil {
		d.o.Refuse(w, r, err)
		return
	}
	setCookie(w, sessionCookie, token, absolute)
	http.Redirect(w, r, to, http.StatusSeeOther) //nolint:gosec // OwnPath: a path of this host
}

// finish checks the answer and begins a session. The answer is taken only in the
// browser that asked (state), from the issuer that was asked (iss, RFC 9207), and
// the code only with what it was asked for with (PKCE).
func (d *Desk) finish(r *http.Request) (token, to string, err error) {
	if r.Method == http.MethodHead {
		return "", "", ErrForeign // a preview uses no code up
	}
	answer := r.URL.Query()
	for _, values := range answer {
		if len(values) > 1 {
			return "", "", ErrForeign
		}
	}
	secret := browserSecret(r)
	a, ok := readAttempt(secret, answer.Get("state"), d.o.Now())
	if !ok {
		return "", "", ErrForeign
	}
	app, err := d.register(r.Context())
	if err != nil {
		return "", "", ErrUnavailable.Because(err)
	}
	if answer.Get("iss") != app.Issuer {
		return "", "", ErrForeign
	}
	if answer.Get("error") != "" || answer.Get("code") == "" {
		return "", "", ErrRefused.Because(fmt.Errorf("%.100q: %.300q", answer.Get("error"), answer.Get("error_description")))
	}
	grant, err := d.redeem(r.Context(), app, answer.Get("code"), a, secret)
	if err != nil {
		return "", "", err
	}
	person, err := d.person(r.Context(), grant)
	if errors.Is(err, errOver) {
		return "", "", ErrRefused.Because(err)
	}
	if err != nil {
		return "", "", ErrUnavailable.Because(err)
	}
	token, err = d.begin(r.Context(), grant, person, cookieValue(r))
	return token, OwnPath(a.To), err
}

// redeem exchanges a code for what it was given for: the id of the grant.
func (d *Desk) redeem(ctx context.Context, app Application, code string, a attempt, secret string) (grant string, err error) {
	var got struct {
		AccessToken string `json:"access_token"`
		IDToken     string `json:"id_token"`
		Error       string `json:"error"`
	}
	status, err := d.form(ctx, TokenPath, url.Values{"grant_type": {"authorization_code"}, "code": {code}, "client_id": {app.ID},
		"redirect_uri": {d.o.URL + callbackPath}, "code_verifier": {a.verifier(secret)}}, &got)
	switch {
	case err != nil:
		return "", ErrUnavailable.Because(err)
	case status >= http.StatusInternalServerError, status == http.StatusTooManyRequests:
		return "", ErrUnavailable.Because(fmt.Errorf("the token endpoint answered with status %d", status))
	case status != http.StatusOK:
		return "", ErrForeign.Because(fmt.Errorf("the token endpoint refused: %.100s", got.Error))
	}
	if err := checkIDToken(got.IDToken, app, a.nonce(secret), d.o.Now()); err != nil {
		return "", ErrForeign.Because(err)
	}
	var access struct {
		Grant string `json:"gid"`
	}
	if err := payload(got.AccessToken, &access); err != nil || access.Grant == "" {
		return "", ErrUnavailable.Because(fmt.Errorf("read the access token: no grant in it: %w", err))
	}
	return access.Grant, nil
}

// checkIDToken checks what an ID token says (OpenID Connect Core, 3.1.3.7). It came
// from the token endpoint itself, over a connection on which both certificates were
// checked, which is what its signature would show (number 6 there).
func checkIDToken(token string, app Application, nonce string, now time.Time) error {
	var said struct {
		Issuer   string   `json:"iss"`
		Audience audience `json:"aud"`
		Party    string   `json:"azp"`
		Nonce    string   `json:"nonce"`
		Expires  int64    `json:"exp"`
	}
	if err := payload(token, &said); err != nil {
		return err
	}
	switch {
	case said.Issuer != app.Issuer:
		return errors.New("the ID token is of another issuer")
	case !slices.Equal(said.Audience, audience{app.ID}), said.Party != "" && said.Party != app.ID:
		return errors.New("the ID token is for another application")
	case said.Nonce != nonce:
		return errors.New("the ID token was asked for by another sign-in")
	case !now.Add(-skew).Before(time.Unix(said.Expires, 0)):
		return errors.New("the ID token is over")
	}
	return nil
}

// audience is one text or a list of them: RFC 7519, 4.1.3.
type audience []string

// UnmarshalJSON reads both.
func (a *audience) UnmarshalJSON(text []byte) error {
	var one string
	if json.Unmarshal(text, &one) == nil {
		*a = audience{one}
		return nil
	}
	return json.Unmarshal(text, (*[]string)(a))
}

// payload reads the claims of a token. Nobody has checked its signature.
func payload(token string, claims any) error {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return errors.New("read a token: it has not three parts")
	}
	body, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return fmt.Errorf("read a token: %w", err)
	}
	if err := json.Unmarshal(body, claims); err != nil {
		return fmt.Errorf("read a token: %w", err)
	}
	return nil
}
