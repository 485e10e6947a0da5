package identity

import (
	"net/http"

	views "guildhall/identity/web"
	"guildhall/platform/i18n"
	"guildhall/platform/jobs"
	"guildhall/platform/mail"
	"guildhall/platform/web"
	"guildhall/platform/web/form"
	"guildhall/platform/web/ui"
)

const lettersPage = "/admin/letters"

// letterPages names the page of the letters that failed.
func (p *pages) letterPages(looks, changes map[string]staff) {
	looks["GET /admin/letters"] = p.failedLetters
	changes["POST /admin/letters"] = p.retryLetter
}

func (p *pages) failedLetters(w http.ResponseWriter, r *http.Request, a *administrator) error {
	ctx := r.Context()
	q := ui.ParseList(r.URL, ui.ListOptions{Filters: []string{"state"}})
	rows, total, err := p.Letters.Failures(ctx, mail.FailedFilter{State: jobs.State(q.Filter("state")), Limit: q.Size, Offset: q.Offset()})
	if err != nil {
		return err
	}
	return p.showAdmin(w, r, a, nil, web.Page{Title: i18n.T(ctx, "identity.letters"), Lead: i18n.T(ctx, "identity.letters.lead"), Active: lettersPage,
		Body: views.LettersPage(views.Letters{Query: q, Rows: rows, Total: total, May: a.May, Now: p.Now()})})
}

// retryLetter has the letter sent that the form names.
func (p *pages) retryLetter(w http.ResponseWriter, r *http.Request, a *administrator) error {
	f, err := form.Read(r)
	if err != nil {
		return err
	}
	return p.did(w, r, p.Letters.Again(r.Context(), f.Value("id"), a.By), i18n.T(r.Context(), "identity.letters.retried"), lettersPage)
}
