package identity

import (
	"net/http"
	"time"

	views "guildhall/identity/web"
	"guildhall/platform/fault"
	"guildhall/platform/i18n"
	"guildhall/platform/web"
	"guildhall/platform/web/form"
	"guildhall/platform/web/ui"
)

var errMalformedForm = fault.New(fault.Malformed, "malformed_form", "The form could not be read. Open the page again and send it once more.")

// recoveryMemory is how long a browser knows which codes it has shown.
const recoveryMemory = 24 * time.Hour

// makeRecovery shows new codes. A form that is sent again, as by loading the
// page again, makes none: those on paper by then would be worth nothing.
func (p *pages) makeRecovery(w http.ResponseWriter, r *http.Request, v *visitor) error {
	f, err := form.Read(r)
	if err != nil {
		return err
	}
	as := f.Value("as")
	if as == "" || len(as) > 64 {
		return errMalformedForm
	}
	ctx := r.Context()
	if cookie(r, recoveryCookie) == as {
		p.shell.Flash(w, r, ui.Info, i18n.T(ctx, "identity.recovery.repeated"))
		p.shell.Redirect(w, r, "/security")
		return nil
	}
	codes, err := p.Factors.MakeRecovery(ctx, owner(v), v.by())
	if err != nil {
		return err
	}
	setCookie(w, recoveryCookie, as, recoveryMemory)
	return p.securityPage(w, r, v, nil, web.Page{Title: i18n.T(ctx, "identity.recovery.title"), Once: true, Body: views.RecoveryPage(codes)})
}
