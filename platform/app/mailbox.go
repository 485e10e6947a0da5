package app

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"guildhall/platform/fault"
	"guildhall/platform/i18n"
	"guildhall/platform/mail"
	"guildhall/platform/web"
	"guildhall/platform/web/ui"
)

const (
	// framePolicy lets the page of a letter show it in a frame of our own.
	framePolicy = web.ContentSecurityPolicy + "; frame-src 'self'"
	// letterPolicy lets a letter have its own styles and links that open elsewhere,
	// and nothing else: no script, no picture from anywhere, no form.
	letterPolicy = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'; " +
		"sandbox allow-popups allow-popups-to-escape-sandbox"
)

var (
	errNoMailbox = fault.New(fault.NotFound, "no_mailbox", "This process has no development mailbox: its letters go to the server in mail.smtp.host, or it is in production.")
	errNoPage    = fault.New(fault.NotFound, "no_page", "There is no such page. Check the address.")
)

// seesMailbox says whether the request may open the mailbox: from this machine,
// and not through a proxy, which would make everybody come from here.
func (a *App) seesMailbox(r *http.Request) bool {
	from, err := netip.ParseAddrPort(r.RemoteAddr)
	proxied := func(name string) bool { return r.Header.Get(name) != "" }
	return a.mailbox != nil && err == nil && from.Addr().Unmap().IsLoopback() &&
		!slices.ContainsFunc([]string{"Forwarded", "X-Forwarded-For", "X-Real-Ip", "Via"}, proxied)
}

// mailboxPages shows the letters of development; others get the answer of a page
// that does not exist.
func (a *App) mailboxPages(shell *web.Shell, mux *http.ServeMux) {
	page := func(show func(http.ResponseWriter, *http.Request) error) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			err := error(errNoPage)
			if a.seesMailbox(r) {
				w.Header().Set("Cache-Control", "no-store") // letters hold codes
				err = show(w, r)
			}
			if err != nil {
				shell.Error(w, r, err)
			}
		}
	}
	mux.HandleFunc("GET /mailbox", page(a.mailboxPage))
	mux.HandleFunc("GET /mailbox/{name}", page(a.letterPage))
	mux.HandleFunc("GET /mailbox/{name}/html", page(a.letterHTML))
}

func (a *App) mailboxPage(w http.ResponseWriter, r *http.Request) error {
	list, err := a.mailbox.List()
	if err != nil {
		return err
	}
	ctx, query := r.Context(), ui.ParseList(r.URL, ui.ListOptions{Sorts: []string{"at", "to", "subject"}, Desc: true})
	a.portalFrame(r).Render(w, r, http.StatusOK, web.Page{Title: i18n.T(ctx, "app.mailbox.title"), Lead: i18n.T(ctx, "app.mailbox.lead"),
		Active: "/mailbox", Body: mailboxTable(ctx, query, list, a.opts.Now())})
	return nil
}

func (a *App) letterPage(w http.ResponseWriter, r *http.Request) error {
	letter, err := a.mailbox.Get(r.PathValue("name"))
	if err != nil {
		return err
	}
	w.Header().Set("Content-Security-Policy", framePolicy)
	ctx := r.Context()
	a.portalFrame(r).Render(w, r, http.StatusOK, web.Page{Title: letter.Subject, Active: "/mailbox",
		Crumbs: []web.Crumb{{Label: i18n.T(ctx, "app.mailbox.title"), URL: "/mailbox"}}, Body: letterBody(letter)})
	return nil
}

// letterHTML is the letter alone, for the frame. Its links open elsewhere.
func (a *App) letterHTML(w http.ResponseWriter, r *http.Request) error {
	letter, err := a.mailbox.Get(r.PathValue("name"))
	if err != nil {
		return err
	}
	w.Header().Set("Content-Security-Policy", letterPolicy)
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, err = w.Write([]byte(strings.Replace(letter.HTML, "<head>", `<head><base target="_blank">`, 1)))
	return err
}

func (a *App) controlMailbox(w http.ResponseWriter, r *http.Request) {
	if a.mailbox == nil {
		fault.Write(w, r, errNoMailbox)
		return
	}
	list, err := a.mailbox.List()
	if err != nil {
		fault.Write(w, r, err)
		return
	}
	if to := r.URL.Query().Get("to"); to != "" {
		list = slices.DeleteFunc(list, func(k mail.Kept) bool { return !strings.EqualFold(k.To, to) })
	}
	writeJSON(w, http.StatusOK, list)
}

func (a *App) controlLetter(w http.ResponseWriter, r *http.Request) {
	if a.mailbox == nil {
		fault.Write(w, r, errNoMailbox)
		return
	}
	letter, err := a.mailbox.Get(r.PathValue("name"))
	if err != nil {
		fault.Write(w, r, err)
		return
	}
	writeJSON(w, http.StatusOK, letter)
}

// narrow keeps the letters that a list asks for, in its order.
func narrow(query ui.ListQuery, list []mail.Kept) []mail.Kept {
	text := strings.ToLower(query.Q)
	list = slices.DeleteFunc(list, func(k mail.Kept) bool {
		return !strings.Contains(strings.ToLower(k.To+"\n"+k.ToName+"\n"+k.Subject), text)
	})
	slices.SortStableFunc(list, func(x, y mail.Kept) int {
		order := map[string]int{"at": x.At.Compare(y.At), "to": strings.Compare(x.To, y.To), "subject": strings.Compare(x.Subject, y.Subject)}[query.Sort]
		if query.Desc {
			return -order
		}
		return order
	})
	return list
}
