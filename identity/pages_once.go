package identity

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"net/http"
	"path"
	"time"

	"guildhall/identity/internal/store"
	views "guildhall/identity/web"
	"guildhall/platform/db"
	"guildhall/platform/fault"
	"guildhall/platform/i18n"
	"guildhall/platform/web/form"
	"guildhall/platform/web/ui"
)

// onceMemory is how long it is known that a form was sent: longer than a browser
// keeps the page that answered it.
const onceMemory = 30 * 24 * time.Hour

// errSentBefore says that a form comes a second time, as by loading the page that
// answered it again.
var errSentBefore = fault.New(fault.Conflict, "sent_before", "This form was sent before: nothing new was made. What it made was shown once; if you did not save it, make another.")

// forms counts every form once that shows a secret.
type forms struct {
	db    *db.DB
	store *store.Store
	now   func() time.Time
}

// take notes that the form was sent, or returns errSentBefore.
func (o *forms) take(ctx context.Context, f *form.Form) error {
	value := f.Value(views.OnceName)
	if len(value) != views.OnceLen {
		return errMalformedForm
	}
	hash := sha256.Sum256([]byte("form:" + value))
	return o.db.Group(ctx, func(tx *sql.Tx) error {
		now := o.now()
		first, err := o.store.Present(ctx, tx, hash[:], now, now.Add(onceMemory))
		if err == nil && !first {
			err = errSentBefore
		}
		return err
	})
}

// shownOnce answers whoever comes back to a page that was the answer to a form, as
// by choosing another theme there.
func (p *pages) shownOnce(w http.ResponseWriter, r *http.Request, _ *administrator) error {
	p.admin.Flash(w, r, ui.Info, i18n.T(r.Context(), "identity.once.shown"))
	p.admin.Redirect(w, r, path.Dir(r.URL.Path))
	return nil
}
