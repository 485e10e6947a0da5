package app

import (
	"net/http"

	"guildhall/platform/access"
	"guildhall/platform/i18n"
	"guildhall/platform/peer"
	"guildhall/platform/session"
	"guildhall/platform/web"
)

// signsIn says whether people can sign in on the service's host.
func (a *App) signsIn(s *running) bool { return s.def.SignIn && a.identity }

// openDesk makes what signs people in on the service's host.
func (a *App) openDesk(s *running) {
	name, client := s.def.Name, s.env.Peer.Client(session.IdentityService)
	revoked := access.NewSet(0, a.opts.Now)
	// Who is not signed in, or not any more, could open nothing in the navigation.
	public := a.site.Shell(name, nil)
	s.follower = &access.Follower{Set: revoked, Client: client, Log: s.env.Log}
	s.desk = session.NewDesk(session.DeskOptions{Service: name, URL: a.hosts.publicURL(name), DB: s.env.DB,
		Issuer: a.hosts.publicURL(session.IdentityService), Identity: client,
		IdentityURL: peer.URL(session.IdentityService), Revoked: revoked, Refuse: public.Error, Ended: signedOut(public), Now: a.opts.Now, Log: s.env.Log})
}

// signedOut is the page that says so.
func signedOut(shell *web.Shell) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		ctx := r.Context()
		w.Header().Set("Cache-Control", "no-store")
		shell.Render(w, r, http.StatusOK, web.Page{Title: i18n.T(ctx, "app.signedout.title"), Narrow: true,
			Body: signedOutBody(session.StartURL(ctx, "/"))})
	}
}
