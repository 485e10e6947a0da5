// Package grant keeps what people allowed applications, and the codes and
// refresh tokens that follow from it.
//
// A grant is one sign-in to one application; all its tokens are its family, and
// die with it. Codes and refresh tokens are random and kept as hashes.
//
// # Refresh tokens
//
// A refresh token has two halves: one that all of its family share, and one of its
// own. The family is one row, which knows the one token that is good now, so there
// are never two. Whoever presents the first half with another second half holds, or
// held, a token of the family that was replaced: within the grace window he gets
// the good one, after it the family is revoked. Nothing else needs to be kept of a
// token that was replaced.
package grant

import (
	"context"
	"encoding/json"
	"log/slog"
	"time"

	"guildhall/identity/internal/oauth"
	"guildhall/identity/internal/session"
	"guildhall/identity/internal/store"
	"guildhall/platform/audit"
	"guildhall/platform/db"
	"guildhall/platform/seal"
)

const (
	prefix = "gnt"
	// DefaultGrace is how long a refresh token that was replaced gets the one that
	// replaced it.
	DefaultGrace = 30 * time.Second
	// CodeLife is how long an authorization code works.
	CodeLife = time.Minute
	// AccessMost is the longest that an access token lives. A revocation is told
	// for so long, and a grant lives at least so long after its last redemption.
	AccessMost = time.Hour
	// SessionMost is the longest that a service keeps the session of a browser that
	// signed in through us, and an hour. The end of ours is told for so long.
	SessionMost = 25 * time.Hour
)

// Why a grant was revoked, for the audit log.
const (
	WhyLogout    = "logout"    // its session ended
	WhyAccount   = "account"   // all that the account allowed ended: reset, new password, disabled
	WhyClient    = "client"    // its application was disabled or removed
	WhyWithdrawn = "withdrawn" // its person took it back
	WhyReplay    = "replay"    // its code was redeemed twice
	WhyReuse     = "reuse"     // a refresh token was used again
	WhyRevoked   = "revoked"   // its application asked for it
)

var (
	// ErrCode says that a code cannot be redeemed.
	ErrCode = oauth.NewError(oauth.InvalidGrant, "The code is unknown, over, or was used already. Begin again at the authorization endpoint.")
	// ErrRefresh says that a refresh token is worth nothing.
	ErrRefresh = oauth.NewError(oauth.InvalidGrant, "The refresh token is unknown, over, or was revoked. The person has to sign in again.")
	// ErrOver says that a grant does not live: it was revoked, is over, or its
	// session or account is.
	ErrOver = oauth.NewError(oauth.InvalidGrant, "The grant is over, or was revoked. The person has to sign in again.")
	// ErrSignedOut says that nothing can be granted: the session is over or the
	// account was disabled in the meantime.
	ErrSignedOut = oauth.NewError(oauth.LoginRequired, "The person is no longer signed in. Begin again at the authorization endpoint.")
	// ErrPassword says that nothing can be granted: the password was changed in the
	// meantime, or is not enough any more.
	ErrPassword = oauth.NewError(oauth.InvalidGrant, "The account changed while its password was looked at. Send the request again with what it needs now.")
	// ErrClient says that nothing can be granted: the application was disabled or
	// removed in the meantime.
	ErrClient = oauth.NewError(oauth.UnauthorizedClient, "The application was disabled or removed a moment ago. Ask an administrator.")
)

// Grant is what one sign-in allowed one application.
type Grant struct {
	// ID is "gnt_...": the claim "gid" of its access tokens.
	ID, Account, Client string
	// Session is the browser's session that it was begun in; empty for none (device
	// and password). Unless it is Offline, it ends with its session.
	Session   string
	Offline   bool
	Scopes    oauth.Scopes
	Audiences []string
	// Nonce, ACR, AMR and AuthTime are for ID tokens.
	Nonce, ACR string
	AMR        []string
	AuthTime   time.Time
	// Claims is the parameter "claims" of OpenID Connect; may be nil.
	Claims json.RawMessage
	// JKT and X5T are thumbprints in base64url that its tokens are bound to (RFC
	// 9449 and 8705); empty: none.
	JKT, X5T string
	// MadeAt is when it was begun, EndsAt when it ends at the latest.
	MadeAt, EndsAt time.Time
}

// Code is what an authorization code is bound to.
type Code struct {
	RedirectURI string
	// GivenURI says that redirect_uri was in the request: then it must be in the
	// redemption too.
	GivenURI bool
	// Challenge is that of PKCE, S256; empty: none.
	Challenge string
	ExpiresAt time.Time
}

// RefreshLife bounds refresh tokens: without use, and in all since the grant's
// first token. An Idle of zero means that there are none.
type RefreshLife struct{ Idle, Absolute time.Duration }

// Consent is what a person allowed an application for the next time it asks.
type Consent struct {
	Account, Client   string
	Scopes            oauth.Scopes
	MadeAt, ChangedAt time.Time
}

// Options is what a Desk needs; all but Grace.
type Options struct {
	Store   *store.Store
	Journal *audit.Journal
	// Key makes the keys that seal a refresh token for its grace window.
	Key      seal.Key
	Sessions *session.Desk
	Now      func() time.Time
	Log      *slog.Logger
	// Grace is the grace window of refresh tokens; 0 is DefaultGrace, less: none.
	Grace time.Duration
}

// Desk begins, finds and ends grants. It is safe for concurrent use, also by
// several nodes.
type Desk struct {
	o       Options
	key     []byte
	revoked *db.Gather[store.AccessToken, bool]
}

// New makes a desk.
func New(o Options) *Desk {
	if o.Grace == 0 {
		o.Grace = DefaultGrace
	}
	d := &Desk{o: o, key: o.Key.Derive("refresh tokens")}
	d.revoked = db.NewGather(func(ctx context.Context, all []store.AccessToken) (map[store.AccessToken]bool, error) {
		return o.Store.Revoked(ctx, all, d.now())
	})
	return d
}

// now is the clock as the database keeps it.
func (d *Desk) now() time.Time { return d.o.Now().UTC().Truncate(time.Microsecond) }
