package web

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"path"
	"strings"
	"time"

	"guildhall/platform/fault"
	"guildhall/platform/i18n"
)

// Error answers with err: an error page in the reader's language for browsers,
// a problem document for everyone else. The text of an internal error goes to
// the log under the request's id, and nowhere else.
func (sh *Shell) Error(w http.ResponseWriter, r *http.Request, err error) {
	if e := fault.As(err); e.Kind == fault.Internal && !errors.Is(err, context.Canceled) {
		sh.site.o.Log.ErrorContext(r.Context(), "request failed", "request_id", RequestID(r.Context()),
			"method", r.Method, "path", r.URL.Path, "error", err)
	}
	sh.fail(w, r, err)
}

// fail is Error without the log line.
func (sh *Shell) fail(w http.ResponseWriter, r *http.Request, err error) {
	forgetBody(w.Header())
	if !wantsHTML(r) {
		fault.Write(w, r, err)
		return
	}
	e := fault.As(err)
	fault.SetRetryAfter(w.Header(), err)
	sh.errorPage(w, r, failure{Status: e.Kind.Status(), Text: FaultText(r.Context(), sh.site.named(r.Context(), err)),
		Fields: e.Fields, RetryAfter: e.RetryAfter})
}

// named is err with what the role is called beside the name of the role that it asks
// for.
func (s *Site) named(ctx context.Context, err error) error {
	e := fault.As(err)
	role, _ := e.Args["Role"].(string)
	key, known := s.o.Roles[role]
	if !known {
		return err
	}
	args := maps.Clone(e.Args)
	args["Role"] = i18n.T(ctx, key) + " (" + role + ")"
	return e.With(args)
}

// forgetBody drops what a handler said of an answer that is not sent.
func forgetBody(h http.Header) {
	for _, name := range []string{"Content-Length", "Content-Encoding", "Content-Disposition", "ETag", "Last-Modified"} {
		h.Del(name)
	}
	h.Set("Cache-Control", "no-store")
}

// wantsHTML says whether the caller is a browser: it names text/html itself.
// Programs that take anything (*/*) get the problem document.
func wantsHTML(r *http.Request) bool {
	return strings.Contains(r.Header.Get("Accept"), "text/html")
}

// failure is what an error page says.
type failure struct {
	Status     int
	Text       string
	Fields     []fault.Field
	RetryAfter time.Duration
	RequestID  string
	SignIn     SignIn
	// Home is where the way out leads.
	Home string
}

func (sh *Shell) errorPage(w http.ResponseWriter, r *http.Request, f failure) {
	f.RequestID, f.Home = RequestID(r.Context()), "/"
	if f.Status == http.StatusForbidden && sh.site.o.Way != nil {
		f.Home = sh.site.o.Way(r, "portal") // the service's own start page may refuse too
	}
	if f.Status == http.StatusUnauthorized && sh.site.o.SignIn != nil {
		f.SignIn = sh.site.o.SignIn(r.Context())
	}
	if sh.frame != nil {
		sh = sh.frame(r)
	}
	sh.Render(w, r, f.Status, Page{Title: f.title(r.Context()), Narrow: true, Body: errorBody(f)})
}

// title is the heading of the status, or of its class when it has none.
func (f failure) title(ctx context.Context) string {
	switch f.Status {
	case 400, 401, 403, 404, 405, 409, 410, 413, 421, 422, 429, 503:
		return i18n.T(ctx, statusKey(f.Status))
	}
	return i18n.T(ctx, "web.error.500")
}

func (s *Site) notFound(w http.ResponseWriter, r *http.Request) {
	s.Shell("", nil).Error(w, r, fault.New(fault.NotFound, "no_page", "There is no such page. Check the address."))
}

// unmatched answers where the mux has no pattern. Its own handler knows whether
// the path is unknown or the method is.
func (sh *Shell) unmatched(w http.ResponseWriter, r *http.Request, mux *http.ServeMux, own http.Handler) {
	probe := &probe{header: w.Header()}
	own.ServeHTTP(probe, r)
	if probe.status == http.StatusMethodNotAllowed && wantsHTML(r) {
		forgetBody(w.Header())
		if page := pageAbove(r, mux); page != "" {
			w.Header().Del("Allow")
			http.Redirect(w, r, page, http.StatusSeeOther) //nolint:gosec // G710: path.Dir leaves one slash at the front, so it is a path of this host
			return
		}
		sh.errorPage(w, r, failure{Status: probe.status, Text: i18n.T(r.Context(), "fault.bad_method")})
		return
	}
	if probe.status == http.StatusMethodNotAllowed {
		forgetBody(w.Header())
		fault.Write(w, r, fault.New(fault.BadMethod, "bad_method", "This address does not take %s. It takes: %s.", r.Method, w.Header().Get("Allow")))
		return
	}
	sh.Error(w, r, fault.New(fault.NotFound, "no_page", "There is no such page. Check the address."))
}

// pageAbove is the page that has the form which posts to the path of r, empty if there is
// none. A form that was refused is shown under that path, and whoever chooses another
// language there, or loads the address again, asks for it by GET.
func pageAbove(r *http.Request, mux *http.ServeMux) string {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		return ""
	}
	for at := path.Dir(r.URL.Path); at != "/"; at = path.Dir(at) {
		up := r.Clone(r.Context())
		up.URL = &url.URL{Path: at}
		if _, pattern := mux.Handler(up); pattern != "" {
			return up.URL.String()
		}
	}
	return ""
}

// probe keeps the status and the headers of an answer and drops its body.
type probe struct {
	header http.Header
	status int
}

func (p *probe) Header() http.Header         { return p.header }
func (p *probe) WriteHeader(status int)      { p.status = status }
func (p *probe) Write(b []byte) (int, error) { return len(b), nil }
