package identity

import (
	"context"
	"io"
	"net/http"
	"strings"

	"guildhall/identity/internal/account"
	"guildhall/identity/internal/avatar"
	views "guildhall/identity/web"
	"guildhall/platform/fault"
	"guildhall/platform/i18n"
	"guildhall/platform/web/form"
	"guildhall/platform/web/ui"
)

// picture shows the picture of an account. Its name changes with it, and is known to
// whom the account was shown.
func (p *pages) picture(w http.ResponseWriter, r *http.Request) error {
	image, err := p.Accounts.Picture(r.Context(), r.PathValue("name"))
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", avatar.Type)
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	// Applications show it too: it is what the claim picture is for.
	h.Set("Cross-Origin-Resource-Policy", "cross-origin")
	// The reader is gone if this fails; there is nobody left to tell.
	_, _ = w.Write(image) //nolint:gosec // a JPEG that package avatar has made
	return nil
}

func (p *pages) savePicture(w http.ResponseWriter, r *http.Request, v *visitor) error {
	file, err := uploaded(r, "picture")
	if err != nil {
		return err
	}
	image, err := p.Pictures.Make(r.Context(), file)
	if err == nil {
		err = p.Accounts.SetPicture(r.Context(), v.Account.ID, image, v.by())
	}
	upload := form.New()
	if refused(upload, "picture", err) {
		return p.showProfile(w, r, v, err, views.Account{Account: v.Account, Form: profile(r.Context(), v.Account), Upload: upload})
	}
	if err != nil {
		return err
	}
	p.shell.Flash(w, r, ui.Good, i18n.T(r.Context(), "identity.picture.saved"))
	p.shell.Redirect(w, r, "/")
	return nil
}

func (p *pages) removePicture(w http.ResponseWriter, r *http.Request, v *visitor) error {
	if err := p.Accounts.RemovePicture(r.Context(), v.Account.ID, v.by()); err != nil {
		return err
	}
	p.shell.Flash(w, r, ui.Good, i18n.T(r.Context(), "identity.picture.removed"))
	p.shell.Redirect(w, r, "/")
	return nil
}

// uploaded is the content of a file field, empty when none was chosen.
func uploaded(r *http.Request, name string) (io.Reader, error) {
	parts, err := r.MultipartReader()
	if err != nil {
		return nil, errUpload.Because(err)
	}
	for {
		part, err := parts.NextPart()
		switch {
		case err == io.EOF:
			return strings.NewReader(""), nil
		case err != nil && fault.As(err).Kind == fault.TooLarge:
			return nil, avatar.ErrLarge
		case err != nil:
			return nil, errUpload.Because(err)
		case part.FormName() == name:
			return part, nil
		}
	}
}

var errUpload = fault.New(fault.Malformed, "malformed_form", "The form could not be read. Open the page again and send it once more.")

// profile is the form of what somebody says of himself.
func profile(ctx context.Context, a *account.Account) *form.Form {
	return form.New("name", a.Name, "language", i18n.Lang(ctx), "theme", a.Theme)
}
