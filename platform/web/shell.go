package web

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"net/http"

	"github.com/a-h/templ"

	"guildhall/platform/i18n"
	"guildhall/platform/web/ui"
)

// NavItem is one entry of a service's navigation.
type NavItem struct {
	// Path is where it leads, on the service's host: "/certificates".
	Path string
	// Key is the catalogue key of its label.
	Key string
	// Icon is the name of an icon of package ui.
	Icon string
	// Role is what SiteOptions.May is asked for; who may not is not shown the entry.
	// Empty: everybody is.
	Role string
}

// Crumb is one step of the way to a page; the last one, the page itself, is
// its Title and is not listed.
type Crumb struct{ Label, URL string }

// Page is one page inside a Shell.
type Page struct {
	// Title is the translated heading and the browser's title.
	Title string
	// Lead is one translated sentence under the heading; may be empty.
	Lead string
	// Active is the Path of the NavItem this page belongs to.
	Active string
	// Crumbs lead from the service's start page to this one.
	Crumbs []Crumb
	// Actions stand beside the heading: the page's primary action first.
	Actions []templ.Component
	// Scripts are static files that this page needs beside app.js: "api.js".
	Scripts []string
	// Narrow limits the width to what a form or a text needs.
	Narrow bool
	// Once says that the page shows what no later one does, such as a new secret: the
	// menus that would load it again say that it is lost then.
	Once bool
	// User is who is signed in, where the service knows it and the process does
	// not; nil: whom SiteOptions.User names.
	User *User
	// Body is everything under the heading.
	Body templ.Component
}

// Shell is the frame around the pages of one service: header, navigation,
// footer.
type Shell struct {
	site    *Site
	service string
	nav     []NavItem
	// user is who sees it, where the service alone knows; nil: not known.
	user *User
	// frame chooses the frame of an error page by who asks; nil: this shell.
	frame func(r *http.Request) *Shell
}

// For is the shell as somebody sees it whom the service knows and the process does not.
func (sh *Shell) For(u *User) *Shell {
	own := *sh
	own.user = u
	return &own
}

// Framed is the shell with error pages in the frame that fits who asks.
func (sh *Shell) Framed(frame func(r *http.Request) *Shell) *Shell {
	framed := *sh
	framed.frame = frame
	return &framed
}

// Render answers with a page. Pages are private and revalidated by ETag; a
// handler whose page holds a secret sets Cache-Control: no-store before it
// calls Render.
func (sh *Shell) Render(w http.ResponseWriter, r *http.Request, status int, p Page) {
	view := sh.view(r, p)
	view.Flashes, view.Wrong = takeFlashes(w, r), status == http.StatusUnprocessableEntity
	var page bytes.Buffer
	if err := layout(view).Render(r.Context(), &page); err != nil {
		sh.site.o.Log.ErrorContext(r.Context(), "render page", "path", r.URL.Path, "error", err)
		http.Error(w, "The page could not be made. Request "+RequestID(r.Context()), http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Language", i18n.Lang(r.Context()))
	h.Add("Vary", "Accept-Language, Cookie")
	if h.Get("Cache-Control") == "" {
		h.Set("Cache-Control", "private, no-cache")
	}
	cacheable := status == http.StatusOK && len(view.Flashes) == 0 && h.Get("Cache-Control") == "private, no-cache"
	if cacheable && notModified(w, r, page.Bytes()) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		// The client is gone if this fails; there is nobody left to tell.
		_, _ = w.Write(page.Bytes())
	}
}

// notModified sets the page's ETag and says whether the client has it already.
// The tag is weak: compression changes the bytes, not the page.
func notModified(w http.ResponseWriter, r *http.Request, page []byte) bool {
	sum := sha256.Sum256(page)
	tag := `W/"` + hex.EncodeToString(sum[:12]) + `"`
	w.Header().Set("ETag", tag)
	return r.Method == http.MethodGet && matchesETag(r.Header.Get("If-None-Match"), tag)
}

// Redirect sends the browser to a path of this service by GET, after a POST
// that succeeded.
func (sh *Shell) Redirect(w http.ResponseWriter, r *http.Request, path string) {
	http.Redirect(w, r, path, http.StatusSeeOther)
}

// view is everything that the layout shows.
type view struct {
	Page
	Lang, Theme    string
	Service        string
	Nav            []NavItem
	Services       []serviceLink
	User           *User
	Flashes        []ui.Flash
	Back           string
	Home           string
	CSS, JS, HTMX  string
	Favicon        string
	ShowDesignLink bool
	// Wrong marks a form that came back: the focus goes to its errors.
	Wrong bool
	// ScriptURLs are where the page's own scripts are found.
	ScriptURLs []string
}

// serviceLink is one entry of the service switcher.
type serviceLink struct{ Name, URL string }

func (s *Site) servicesFor(r *http.Request) []serviceLink {
	links := make([]serviceLink, 0, len(s.o.Services))
	for _, name := range s.o.Services {
		links = append(links, serviceLink{Name: name, URL: s.o.Way(r, name)})
	}
	return links
}

// navOf is the part of a navigation that a reader may open.
func (s *Site) navOf(r *http.Request, all []NavItem) []NavItem {
	if s.o.May == nil {
		return all
	}
	var own []NavItem
	for _, item := range all {
		if item.Role == "" || s.o.May(r, item.Role) {
			own = append(own, item)
		}
	}
	return own
}

func (sh *Shell) view(r *http.Request, p Page) view {
	s := sh.site
	v := view{Page: p, Lang: i18n.Lang(r.Context()), Theme: theme(r), Service: sh.service, Nav: s.navOf(r, sh.nav),
		Services: s.servicesFor(r), Back: r.URL.RequestURI(), Home: "/",
		CSS: s.assets.url("app.css"), JS: s.assets.url("app.js"),
		HTMX: s.assets.url("vendor/htmx.min.js"), Favicon: s.assets.url("favicon.svg")}
	for _, name := range p.Scripts {
		v.ScriptURLs = append(v.ScriptURLs, s.assets.url(name))
	}
	if s.o.User != nil {
		if u, ok := s.o.User(r); ok {
			v.User = &u
		}
	}
	if sh.user != nil {
		v.User = sh.user
	}
	if p.User != nil {
		v.User = p.User
	}
	v.ShowDesignLink = v.User != nil && !s.o.Production
	return v
}
