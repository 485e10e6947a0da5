package license

import (
	"errors"
	"io"
	"mime/multipart"
	"net/http"

	"guildhall/license/internal/file"
	"guildhall/license/internal/store"
	views "guildhall/license/web"
	"guildhall/platform/app"
	"guildhall/platform/fault"
	"guildhall/platform/web"
	"guildhall/platform/web/form"
)

// errFileForm says that a form with a file cannot be read.
var errFileForm = fault.New(fault.Malformed, "malformed_form", "The form could not be read. Open the page again and send it once more.")

// maxNoteForm bounds the note of a form with a file, in bytes.
const maxNoteForm = 16 << 10

// filePages names the pages of the files of releases.
func (p *pages) filePages(looks, admin map[string]page) {
	looks["GET "+releasePage] = p.releaseFiles
	looks["GET /downloads"] = p.downloads
	admin["POST "+releasePage+"/files"] = p.uploadFile
	admin["POST "+releasePage+"/files/{file}/remove"] = p.removeFile
}

const releasePage = "/products/{id}/releases/{version}"

func (p *pages) releaseFiles(w http.ResponseWriter, r *http.Request) error {
	one, err := p.Service.release(r.Context(), r.PathValue("id"), r.PathValue("version"))
	if err != nil {
		return err
	}
	return p.showFiles(w, r, one, nil)
}

// showFiles shows the files of a release, with the form that was refused, if any.
func (p *pages) showFiles(w http.ResponseWriter, r *http.Request, one store.Release, upload *form.Form) error {
	ctx := r.Context()
	product, err := p.Service.store.Product(ctx, one.Product)
	if err != nil {
		return err
	}
	v := views.Files{Product: product, Release: one, Upload: upload, Most: p.Service.files.Most(), May: may(r, adminRole), Now: p.now()}
	if v.Rows, err = p.Service.store.Files(ctx, one.ID); err != nil {
		return err
	}
	return p.show(w, r, upload, web.Page{Title: product.Name + " " + one.Version, Lead: one.Note, Active: "/products",
		Crumbs: []web.Crumb{crumb(ctx, "license.nav.products", "/products"), {Label: product.Name, URL: "/products/" + product.ID}}, Body: views.FilesPage(v)})
}

// uploadFile keeps the file of a form while it comes: the note stands before it.
func (p *pages) uploadFile(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	one, err := p.Service.release(ctx, r.PathValue("id"), r.PathValue("version"))
	if err != nil {
		return err
	}
	note, part, err := fileForm(r)
	if err != nil {
		return err
	}
	f := form.New("note", note)
	if part == nil {
		f.Fail(fault.Field{Name: "file", Code: "license_no_file", Detail: "Choose a file."})
		return p.showFiles(w, r, one, f)
	}
	_, err = p.Service.files.Add(ctx, one, file.Draft{Name: part.FileName(), Note: note, MediaType: part.Header.Get("Content-Type")}, part,
		func() error { return app.CheckAgain(ctx, adminRole) }, caller(r))
	if e := fault.As(err); e.Code == "file_too_large" || e.Code == "too_large" {
		err = fault.Fields(fault.Field{Name: "file", Code: "file_too_large", Detail: e.Detail})
	}
	if refused := fault.As(err).Fields; len(refused) > 0 {
		for _, e := range refused {
			if e.Name != "note" { // all else is about the file
				e.Name = "file"
			}
			f.Fail(ownField(e))
		}
		return p.showFiles(w, r, one, f)
	}
	return p.did(w, r, err, "license.files.added", views.ReleasePath(one))
}

// fileForm is the note of a form and the part with its file; nil: none was chosen.
func fileForm(r *http.Request) (note string, file *multipart.Part, err error) {
	parts, err := r.MultipartReader()
	if err != nil {
		return "", nil, errFileForm.Because(err)
	}
	for {
		part, err := parts.NextPart()
		switch {
		case errors.Is(err, io.EOF):
			return note, nil, nil
		case err != nil:
			return "", nil, errFileForm.Because(err)
		case part.FormName() == "file" && part.FileName() != "":
			return note, part, nil
		case part.FormName() == "note":
			text, err := io.ReadAll(io.LimitReader(part, maxNoteForm))
			if err != nil {
				return "", nil, errFileForm.Because(err)
			}
			note = string(text)
		}
	}
}

func (p *pages) removeFile(w http.ResponseWriter, r *http.Request) error {
	one, err := p.Service.release(r.Context(), r.PathValue("id"), r.PathValue("version"))
	if err != nil {
		return err
	}
	err = p.Service.files.Remove(r.Context(), one, r.PathValue("file"), caller(r))
	return p.did(w, r, err, "license.files.removed", views.ReleasePath(one))
}
