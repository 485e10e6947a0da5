// Package web is the design system and everything between a public listener
// and a service's pages.
//
// A process makes one [Site] and one [Shell] per service; a service gives the
// Shell its navigation, and pages are templ components rendered inside it:
//
//	site := web.NewSite(web.SiteOptions{Bundle: bundle, Log: log, Domain: "guildhall.localhost"})
//	shell := site.Shell("ca", []web.NavItem{{Path: "/certificates", Key: "ca.nav.certificates", Icon: "certificate"}})
//	mux.HandleFunc("GET /certificates", list)
//	mux.HandleFunc("POST /certificates", issue)
//	listener.Handler = site.Wrap(shell.Handler(mux))
//
// [Site.Wrap] goes around everything a public listener serves: request id,
// language, access log, headers, recovery, compression, body limit, cross-origin
// protection, and the whole body. [Shell.Handler] adds the static files, the language and theme
// switches and error pages where the mux has no answer.
//
// A page reads its query with ui.ListQuery or its form with package form, asks
// the service's own package, and renders:
//
//	func (p *pages) issue(w http.ResponseWriter, r *http.Request) {
//		f, err := form.Read(r)
//		if err != nil {
//			p.shell.Error(w, r, err)
//			return
//		}
//		name := f.Text("name", form.Required, form.Max(64))
//		if f.Err() == nil {
//			err = p.certificates.Issue(r.Context(), name)
//		}
//		switch {
//		case f.Err() != nil, f.Take(err): // wrong fields: the page again, as it was typed
//			p.shell.Render(w, r, http.StatusUnprocessableEntity, p.issuePage(r.Context(), f))
//		case err != nil:
//			p.shell.Error(w, r, err)
//		default:
//			p.shell.Flash(w, r, ui.Good, i18n.T(r.Context(), "ca.issue.done"))
//			p.shell.Redirect(w, r, "/certificates")
//		}
//	}
//
// and its view, in web/issue.templ of the service:
//
//	templ issueForm(f *form.Form) {
//		@ui.Form(ui.FormOptions{Form: f, Action: "/certificates", Submit: i18n.T(ctx, "ca.issue.submit")}) {
//			@ui.Input{Form: f, Name: "name", Label: i18n.T(ctx, "ca.name"), Required: true}
//		}
//	}
//
// Rules that keep pages alike:
//   - Every text is a key in the service's catalogue, in three languages;
//     i18ntest.Check in a test of the service proves it. Faults speak under
//     "fault.<code>", wrong fields under "fault.field.<code>".
//   - The policy forbids inline scripts and styles: no style attribute, no
//     on... attribute. What is missing in package ui is added there, once.
//   - A page works by links and forms. htmx may quicken a list (ui.Table does);
//     it gets whole pages and takes its part of them.
//   - A page with a secret sets Cache-Control: no-store first; it is then
//     neither kept nor compressed.
//   - One primary action a page. A destructive one goes through ui.Confirm and
//     names what will be lost.
package web
