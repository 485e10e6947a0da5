package bench

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"
)

const (
	// askers is how many call identity at once, each on a connection of his own.
	askers = 16
	// callback is where people would come back to; nobody listens there.
	callback = "https://shop.example.com/callback"
	// password is everybody's.
	password = "seven green umbrellas"
	// The verifier and challenge of RFC 7636, appendix B.
	verifier  = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
	challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
)

// applications are two that call identity: a web application, which a person has
// signed in to, and a service.
type applications struct {
	*server
	at            string
	shop, robot   *url.Userinfo
	clients       []*http.Client
	people        []string
	access        string
	refreshTokens [][]string // a family each, of each asker
}

func newApplications(b *testing.B, s *server, people int) *applications {
	b.Helper()
	a := &applications{server: s, at: s.host(b, "identity"), clients: s.connections(b, askers)}
	a.shop = a.register(b, "web", "--trusted", "--redirect-uri", callback)
	a.robot = a.register(b, "service")
	for n := range people {
		a.people = append(a.people, a.person(b, n))
	}
	a.refreshTokens = make([][]string, askers)
	for worker := range askers {
		if err := a.family(worker); err != nil {
			b.Fatal(err)
		}
	}
	got, err := a.code(0)
	if err != nil {
		b.Fatal(err)
	}
	a.access = got.Access
	return a
}

// family begins one more family of refresh tokens.
func (a *applications) family(worker int) error {
	got, err := a.code(worker)
	a.refreshTokens[worker] = append(a.refreshTokens[worker], got.Refresh)
	return err
}

func (a *applications) register(b *testing.B, kind string, flags ...string) *url.Userinfo {
	b.Helper()
	id, secret, _ := strings.Cut(a.run(b, append([]string{"identity", "client", "add", kind, "--name", "Bench"}, flags...)...), "\n")
	return url.UserPassword(id, secret)
}

var codeInLetter = regexp.MustCompile(`(?m)^ +(\d{6})$`)

// person registers somebody by the pages' forms, without scripts; the connections of
// all askers are signed in as the last one.
func (a *applications) person(b *testing.B, n int) (email string) {
	b.Helper()
	email = fmt.Sprintf("anna%d@example.com", n)
	jar, err := cookiejar.New(nil)
	if err != nil {
		b.Fatal(err)
	}
	for _, c := range a.clients {
		c.Jar = jar
	}
	a.sends(b, "/register", url.Values{"name": {"Anna"}, "email": {email}, "password": {password}})
	a.sends(b, "/register/code", url.Values{"code": {a.letter(b, email)}})
	return email
}

// letter waits for the code that was sent to an address.
func (a *applications) letter(b *testing.B, to string) string {
	b.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); {
		var list []struct{ Name string }
		if err := json.Unmarshal([]byte(a.run(b, "mailbox", "list", "--to", to, "--json")), &list); err != nil {
			b.Fatal(err)
		}
		if len(list) == 0 {
			continue
		}
		if code := codeInLetter.FindStringSubmatch(a.run(b, "mailbox", "show", list[0].Name)); code != nil {
			return code[1]
		}
	}
	b.Fatalf("no letter with a code came to %s", to)
	return ""
}

// sends sends a form of a page, which must lead on.
func (a *applications) sends(b *testing.B, path string, form url.Values) {
	b.Helper()
	res, err := a.clients[0].PostForm(a.at+path, form)
	if err == nil {
		err = expect(res, http.StatusSeeOther, nil)
	}
	if err != nil {
		b.Fatal(err)
	}
}

// expect reads an answer, as JSON where into is not nil.
func expect(res *http.Response, status int, into any) error {
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		return err
	}
	if res.StatusCode != status {
		return fmt.Errorf("%s: status %d: %.500s", res.Request.URL.Path, res.StatusCode, text)
	}
	if into == nil {
		return nil
	}
	return json.Unmarshal(text, into)
}

// ask sends a form as an application, or as nobody.
func (a *applications) ask(worker int, as *url.Userinfo, path string, form url.Values, status int, into any) error {
	r, err := http.NewRequest(http.MethodPost, a.at+path, strings.NewReader(form.Encode()))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if as != nil {
		secret, _ := as.Password()
		r.SetBasicAuth(as.Username(), secret)
	}
	// Without the jar: no application sends a person's cookies.
	res, err := a.clients[worker].Transport.RoundTrip(r)
	if err != nil {
		return err
	}
	return expect(res, status, into)
}

type tokens struct {
	Access  string `json:"access_token"`
	Refresh string `json:"refresh_token"`
}

// bare is the least that identity does for a form: it is read, and answered with
// JSON, which says that client_id is missing.
func (a *applications) bare(worker int) error {
	return a.ask(worker, nil, "/oauth2/introspect", url.Values{"token": {a.access}}, http.StatusUnauthorized, nil)
}

func (a *applications) introspect(worker int) error {
	var worth struct{ Active bool }
	err := a.ask(worker, a.shop, "/oauth2/introspect", url.Values{"token": {a.access}}, http.StatusOK, &worth)
	if err == nil && !worth.Active {
		err = fmt.Errorf("the token is worth nothing")
	}
	return err
}

func (a *applications) credentials(worker int) error {
	var got tokens
	return a.ask(worker, a.robot, "/oauth2/token", url.Values{"grant_type": {"client_credentials"}}, http.StatusOK, &got)
}

// refresh takes the asker's families in turn.
func (a *applications) refresh(worker int) error {
	var got tokens
	mine := a.refreshTokens[worker]
	err := a.ask(worker, a.shop, "/oauth2/token", url.Values{"grant_type": {"refresh_token"}, "refresh_token": {mine[0]}}, http.StatusOK, &got)
	a.refreshTokens[worker] = append(mine[1:], got.Refresh)
	return err
}

// code is the code flow of a person who is signed in, to an application that needs
// no consent.
func (a *applications) code(worker int) (got tokens, err error) {
	to := a.at + "/oauth2/authorize?" + url.Values{"client_id": {a.shop.Username()}, "redirect_uri": {callback}, "response_type": {"code"},
		"scope": {"openid profile email"}, "state": {"s"}, "code_challenge": {challenge}, "code_challenge_method": {"S256"}}.Encode()
	for range 5 {
		res, err := a.clients[worker].Get(to)
		if err != nil {
			return got, err
		}
		if err := expect(res, http.StatusSeeOther, nil); err != nil {
			return got, err
		}
		back, err := res.Location()
		if err != nil {
			return got, err
		}
		if code := back.Query().Get("code"); code != "" {
			err := a.ask(worker, a.shop, "/oauth2/token", url.Values{"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {callback}, "code_verifier": {verifier}}, http.StatusOK, &got)
			return got, err
		}
		to = back.String()
	}
	return got, fmt.Errorf("the authorization endpoint leads to %s", to)
}

// signIn is somebody's sign-in by password, each in a new browser: one that is signed
// in already would leave the session that the tokens hang on.
func (a *applications) signIn(worker int) error {
	return a.ask(worker, nil, "/sign-in", url.Values{"email": {a.people[worker%len(a.people)]}, "password": {password}}, http.StatusSeeOther, nil)
}
