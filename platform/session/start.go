package session

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"path"
	"strconv"
	"strings"
	"time"
)

const (
	// startCookie keeps the secret of a browser that signs in. The prefix makes
	// browsers keep it to this host and to HTTPS.
	startCookie = "__Host-guildhall-sign-in"
	// startLife is how long a sign-in may take.
	startLife = 10 * time.Minute
)

// attempt is one sign-in under way. It travels as the parameter "state", together
// with its code by the browser's secret: so it is worth something in the browser
// that began it alone, several can be under way at once, and nothing is kept here
// for strangers.
type attempt struct {
	ID string `json:"i"`
	// At is when it began, in seconds since 1970.
	At int64 `json:"t"`
	// To is the path that was wanted.
	To string `json:"r"`
}

// state is the attempt as a text.
func (a attempt) state(secret string) string {
	body, err := json.Marshal(a)
	if err != nil {
		panic(err) // it has texts and a number
	}
	text := base64.RawURLEncoding.EncodeToString(body)
	return text + "." + derive(secret, "state", text)
}

// readAttempt is the attempt of a state that this browser's secret made, and that
// did not take too long.
func readAttempt(secret, state string, now time.Time) (a attempt, ok bool) {
	text, code, _ := strings.Cut(state, ".")
	if secret == "" || !hmac.Equal([]byte(code), []byte(derive(secret, "state", text))) {
		return a, false
	}
	body, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || json.Unmarshal(body, &a) != nil {
		return attempt{}, false
	}
	age := now.Sub(time.Unix(a.At, 0))
	return a, age >= -time.Minute && age <= startLife
}

// nonce and verifier bind the attempt's ID token and its code to the browser:
// OpenID Connect Core, 3.1.2.1, and RFC 7636.
func (a attempt) nonce(secret string) string    { return derive(secret, "nonce", a.ID) }
func (a attempt) verifier(secret string) string { return derive(secret, "verifier", a.ID) }

// derive is a secret for one purpose.
func derive(secret, purpose, text string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(purpose + "\x00" + text))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// browserSecret is the secret in the cookie; empty: there is none that could be
// ours.
func browserSecret(r *http.Request) string {
	c, err := r.Cookie(startCookie)
	if err != nil || len(c.Value) != len(rand.Text()) {
		return ""
	}
	return c.Value
}

// start sends the browser to identity: GET /session/start?return_to=PATH, and for
// who must show again who it is max_age and acr_values.
func (d *Desk) start(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	asked := r.URL.Query()
	to := OwnPath(asked.Get("return_to"))
	more := stepUp(asked)
	if _, signedIn := From(r.Context()); signedIn && len(more) == 0 {
		http.Redirect(w, r, to, http.StatusSeeOther) //nolint:gosec // OwnPath: a path of this host
		return
	}
	app, err := d.register(r.Context())
	if err != nil {
		d.o.Refuse(w, r, ErrUnavailable.Because(err))
		return
	}
	secret := browserSecret(r)
	if secret == "" {
		secret = rand.Text()
	}
	setCookie(w, startCookie, secret, startLife)
	a := attempt{ID: rand.Text(), At: d.o.Now().Unix(), To: to}
	challenge := sha256.Sum256([]byte(a.verifier(secret)))
	v := url.Values{"client_id": {app.ID}, "redirect_uri": {d.o.URL + callbackPath}, "response_type": {"code"}, "scope": {"openid"},
		"state": {a.state(secret)}, "nonce": {a.nonce(secret)},
		"code_challenge": {base64.RawURLEncoding.EncodeToString(challenge[:])}, "code_challenge_method": {"S256"}}
	maps.Copy(v, more)
	http.Redirect(w, r, app.Issuer+"/oauth2/authorize?"+v.Encode(), http.StatusSeeOther)
}

// stepUp is what the request wants shown again; what is no sense is left out.
func stepUp(asked url.Values) url.Values {
	more := url.Values{}
	if age, err := strconv.ParseUint(asked.Get("max_age"), 10, 31); err == nil {
		more.Set("max_age", strconv.FormatUint(age, 10))
	}
	if acr := asked.Get("acr_values"); acr != "" && len(acr) <= 20 {
		more.Set("acr_values", acr)
	}
	return more
}

// startURL is the way to sign in and back.
func startURL(to string, more url.Values) string {
	v := url.Values{"return_to": {to}}
	maps.Copy(v, more)
	return startPath + "?" + v.Encode()
}

// OwnPath is where a browser is sent on to: a path of this host, or "/" when the
// text is anything else.
func OwnPath(text string) string {
	const most = 1000
	if len(text) > most || !strings.HasPrefix(text, "/") || strings.HasPrefix(text, "//") || strings.Contains(text, `\`) ||
		strings.ContainsFunc(text, func(c rune) bool { return c <= ' ' || c >= 0x7f }) {
		return "/"
	}
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "" || u.Host != "" || u.User != nil || strings.HasPrefix(u.Path, "//") || strings.HasPrefix(path.Clean(u.Path), "/session/") {
		return "/"
	}
	return text
}

// setCookie keeps a value in the browser; a life below zero drops it.
func setCookie(w http.ResponseWriter, name, value string, life time.Duration) {
	http.SetCookie(w, &http.Cookie{Name: name, Value: value, Path: "/", MaxAge: int(life / time.Second),
		Secure: true, HttpOnly: true, SameSite: http.SameSiteLaxMode})
}
