package web

import (
	"context"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"guildhall/platform/i18n"
)

// SiteOptions is what a process tells its pages once, at start.
type SiteOptions struct {
	// Bundle holds every catalogue, locales.FS() among them.
	Bundle *i18n.Bundle
	// Language is that of readers who ask for none that there is; empty: English.
	Language string
	// Log receives one line a request, and the text of internal errors.
	Log *slog.Logger
	// Now is the clock; nil means time.Now.
	Now func() time.Time
	// Production hides /design.
	Production bool
	// Domain is the bare domain. Language and theme cookies are set on it, so
	// that a choice made on one service holds on all.
	Domain string
	// Services fill the switcher in the header, in this order. Their words are found
	// under the keys "<name>.service.title" and "<name>.service.purpose".
	Services []string
	// Way is where a reader goes to a service of Services.
	Way func(r *http.Request, service string) string
	// User says who is signed in; nil means that nobody ever is.
	User func(r *http.Request) (User, bool)
	// May says whether who is signed in has a role; nil: navigations are shown whole.
	May func(r *http.Request, role string) bool
	// Roles are the catalogue keys of what roles are called, by the role's name.
	Roles map[string]string
	// SignIn tells a visitor refused with 401 how to get in; nil shows only
	// the sentence of the error.
	SignIn func(ctx context.Context) SignIn
	// MaxBody is the largest request body taken, in bytes; 0 means 1 MiB.
	MaxBody int64
	// BodyMemory is how many bytes of bodies are held at once for all requests,
	// beside the first 64 KiB of each; 0 means 128 MiB.
	BodyMemory int64
}

// User is the signed-in person as the header shows them.
type User struct {
	Name string
	// Role is a translated word such as "administrator"; may be empty.
	Role string
	// Person shows the picture at Picture, or the initials of Name where there is none;
	// else there is an icon.
	Person  bool
	Picture string
	// SignOut is the path that ends the session by POST; "" hides the button.
	SignOut string
}

// SignIn is what the 401 page offers besides its sentence. Empty parts are
// left out.
type SignIn struct {
	// Text says, translated, what to do.
	Text string
	// Command is a shell command to copy.
	Command string
	// URL is where signing in begins.
	URL string
}

// Site is what all pages of the process share. It is safe for concurrent use.
type Site struct {
	o      SiteOptions
	assets *assets
	// memory is what of BodyMemory is taken.
	memory atomic.Int64
}

// NewSite makes the process's one Site.
func NewSite(o SiteOptions) *Site {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.MaxBody == 0 {
		o.MaxBody = 1 << 20
	}
	if o.BodyMemory == 0 {
		o.BodyMemory = 128 << 20
	}
	return &Site{o: o, assets: loadAssets()}
}

// Shell is the frame around the pages of one service.
func (s *Site) Shell(service string, nav []NavItem) *Shell {
	return &Shell{site: s, service: service, nav: nav}
}
