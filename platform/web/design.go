package web

import (
	"net/http"
	"strconv"
	"time"

	"guildhall/platform/fault"
	"guildhall/platform/i18n"
	"guildhall/platform/web/form"
	"guildhall/platform/web/internal/design"
	"guildhall/platform/web/ui"
)

// design shows every component; ?error=404 shows that error page.
func (sh *Shell) design(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	if status, err := strconv.Atoi(r.URL.Query().Get("error")); err == nil {
		sh.fail(w, r, fault.New(kindOf(status), "design", "%s", i18n.T(ctx, "web.design.prose")).After(waitOf(status)))
		return
	}
	s := design.Specimen{Query: ui.ParseList(r.URL, design.ListOptions()), Now: sh.site.o.Now()}
	status := http.StatusOK
	if r.Method == http.MethodPost {
		f, err := form.Read(r)
		if err != nil {
			sh.Error(w, r, err)
			return
		}
		if design.Check(f) == nil {
			sh.Flash(w, r, ui.Good, i18n.T(ctx, "web.design.sent"))
			sh.Redirect(w, r, "/design")
			return
		}
		s.Form, status = f, http.StatusUnprocessableEntity
	}
	sh.Render(w, r, status, Page{Title: i18n.T(ctx, "web.design.title"), Lead: i18n.T(ctx, "web.design.lead"), Active: "/design",
		Crumbs: []Crumb{{Label: serviceTitle(ctx, sh.service), URL: "/"}}, Body: design.Page(s)})
}

func kindOf(status int) fault.Kind {
	for k := fault.Internal; k <= fault.Unavailable; k++ {
		if k.Status() == status {
			return k
		}
	}
	return fault.NotFound
}

// waitOf is what the errors that ask to come back say on the design page.
func waitOf(status int) time.Duration {
	if status == http.StatusTooManyRequests || status == http.StatusServiceUnavailable {
		return 30 * time.Second
	}
	return 0
}
