package license

import (
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"guildhall/license/internal/function"
	views "guildhall/license/web"
	"guildhall/platform/fault"
	"guildhall/platform/i18n"
	"guildhall/platform/web"
	"guildhall/platform/web/form"
)

// functionPages names the pages of a product's functions.
func (p *pages) functionPages(looks, admin map[string]page) {
	const all, one = "/products/{id}/functions", "/products/{id}/functions/{name}"
	looks["GET "+all] = p.functions
	looks["GET "+one] = p.function
	admin["POST "+all] = p.uploadFunction
	admin["POST "+one] = p.changeFunction
	admin["POST "+one+"/use"] = p.useFunction
	admin["POST "+one+"/enable"] = p.enableFunction
	admin["POST "+one+"/disable"] = p.disableFunction
	admin["POST "+one+"/remove"] = p.removeFunction
}

func functionPath(r *http.Request) string {
	return "/products/" + url.PathEscape(r.PathValue("id")) + "/functions/" + url.PathEscape(r.PathValue("name"))
}

func (p *pages) functions(w http.ResponseWriter, r *http.Request) error {
	return p.showFunctions(w, r, form.New("name", r.URL.Query().Get("name")))
}

func (p *pages) showFunctions(w http.ResponseWriter, r *http.Request, upload *form.Form) error {
	ctx := r.Context()
	one, err := p.Service.store.Product(ctx, r.PathValue("id"))
	if err != nil {
		return err
	}
	v := views.Functions{Product: one, Upload: upload, May: may(r, adminRole), Now: p.now()}
	if v.Rows, err = p.Service.store.Functions(ctx, one.ID); err != nil {
		return err
	}
	return p.show(w, r, upload, web.Page{Title: i18n.T(ctx, "license.product.functions"), Lead: i18n.T(ctx, "license.functions.lead"), Active: "/products",
		Crumbs: []web.Crumb{crumb(ctx, "license.nav.products", "/products"), {Label: one.Name, URL: "/products/" + one.ID}}, Body: views.FunctionsPage(v)})
}

// uploadFunction takes a module; what is wrong with it stands beside the file.
func (p *pages) uploadFunction(w http.ResponseWriter, r *http.Request) error {
	f, module, err := readModule(r)
	if err != nil {
		return err
	}
	if len(module) == 0 {
		f.Fail(fault.Field{Name: "module", Code: "required", Detail: "Choose a file."})
		return p.showFunctions(w, r, f)
	}
	made, err := p.Service.functions.Upload(r.Context(), r.PathValue("id"), f.Text("name"), module, f.Text("note"), caller(r))
	if take(f, err) {
		return p.showFunctions(w, r, f)
	}
	if e := fault.As(err); err != nil && strings.HasPrefix(e.Code, "function_") {
		f.Fail(fault.Field{Name: "module", Code: e.Code, Args: map[string]any{"Detail": e.Detail}, Detail: e.Detail})
		return p.showFunctions(w, r, f)
	}
	return p.did(w, r, err, "license.functions.uploaded", "/products/"+url.PathEscape(r.PathValue("id"))+"/functions/"+url.PathEscape(made.Name))
}

// readModule reads a form with a file; the file is kept in memory, as it is when it runs.
func readModule(r *http.Request) (f *form.Form, module []byte, err error) {
	broken := fault.New(fault.Malformed, "malformed_form", "The form could not be read. Open the page again and send it once more.")
	parts, err := r.MultipartReader()
	if err != nil {
		return nil, nil, broken.Because(err)
	}
	var values []string
	for {
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			return form.New(values...), module, nil
		}
		var content []byte
		if err == nil {
			content, err = io.ReadAll(part)
		}
		switch {
		case err != nil && fault.As(err).Kind == fault.TooLarge:
			return nil, nil, err
		case err != nil:
			return nil, nil, broken.Because(err)
		case part.FormName() == "module":
			module = content
		default:
			values = append(values, part.FormName(), string(content))
		}
	}
}

func (p *pages) function(w http.ResponseWriter, r *http.Request) error {
	return p.showFunction(w, r, nil)
}

func (p *pages) showFunction(w http.ResponseWriter, r *http.Request, change *form.Form) error {
	ctx := r.Context()
	one, err := p.Service.store.Product(ctx, r.PathValue("id"))
	if err != nil {
		return err
	}
	v := views.Function{Product: one, May: may(r, adminRole), Now: p.now(), Change: change}
	if v.Function, err = p.Service.store.Function(ctx, one.ID, r.PathValue("name")); err != nil {
		return err
	}
	if change == nil {
		v.Change = form.New("time_ms", decimal(v.TimeMS), "memory_mib", decimal(v.MemoryMiB), "output_bytes", decimal(v.OutputBytes), "note", v.Note)
	}
	if v.Versions, err = p.Service.store.FunctionVersions(ctx, v.ID); err != nil {
		return err
	}
	if v.May {
		if v.Failures, err = p.Service.store.FunctionFailures(ctx, v.ID); err != nil {
			return err
		}
	}
	path := "/products/" + one.ID
	return p.show(w, r, change, web.Page{Title: v.Name, Lead: v.Note, Active: "/products", Actions: v.Actions(ctx),
		Crumbs: []web.Crumb{crumb(ctx, "license.nav.products", "/products"), {Label: one.Name, URL: path}, crumb(ctx, "license.product.functions", path+"/functions")},
		Body:   views.FunctionPage(v)})
}

func (p *pages) changeFunction(w http.ResponseWriter, r *http.Request) error {
	f, err := form.Read(r)
	if err != nil {
		return err
	}
	most := function.Most()
	l := function.Limits{TimeMS: f.Int("time_ms", 1, most.TimeMS), MemoryMiB: f.Int("memory_mib", 1, most.MemoryMiB), OutputBytes: f.Int("output_bytes", 1, most.OutputBytes)}
	if f.Err() != nil {
		return p.showFunction(w, r, f)
	}
	_, err = p.Service.functions.Change(r.Context(), r.PathValue("id"), r.PathValue("name"), l, f.Text("note"), caller(r))
	if take(f, err) {
		return p.showFunction(w, r, f)
	}
	return p.did(w, r, err, "license.saved", functionPath(r))
}

func (p *pages) useFunction(w http.ResponseWriter, r *http.Request) error {
	f, err := form.Read(r)
	if err != nil {
		return err
	}
	version := f.Int("version", 1, 1<<53)
	if err := f.Err(); err != nil {
		return err
	}
	_, err = p.Service.functions.Use(r.Context(), r.PathValue("id"), r.PathValue("name"), version, caller(r))
	return p.did(w, r, err, "license.functions.used", functionPath(r))
}

func (p *pages) enableFunction(w http.ResponseWriter, r *http.Request) error {
	_, err := p.Service.functions.Enable(r.Context(), r.PathValue("id"), r.PathValue("name"), true, caller(r))
	return p.did(w, r, err, "license.functions.enabled", functionPath(r))
}

func (p *pages) disableFunction(w http.ResponseWriter, r *http.Request) error {
	_, err := p.Service.functions.Enable(r.Context(), r.PathValue("id"), r.PathValue("name"), false, caller(r))
	return p.did(w, r, err, "license.functions.disabled", functionPath(r))
}

func (p *pages) removeFunction(w http.ResponseWriter, r *http.Request) error {
	err := p.Service.functions.Remove(r.Context(), r.PathValue("id"), r.PathValue("name"), caller(r))
	return p.did(w, r, err, "license.functions.removed", "/products/"+url.PathEscape(r.PathValue("id"))+"/functions")
}

func decimal(n int64) string { return strconv.FormatInt(n, 10) }
