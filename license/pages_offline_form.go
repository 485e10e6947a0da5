package license

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"math"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"guildhall/license/internal/issuer"
	"guildhall/license/internal/store"
	views "guildhall/license/web"
	"guildhall/platform/fault"
	"guildhall/platform/i18n"
	"guildhall/platform/web"
	"guildhall/platform/web/form"
	"guildhall/sdk/go/license/fingerprint"
	"guildhall/sdk/go/license/offline"
)

// digestPrefix marks an identifier that a machine has digested already.
const digestPrefix = "digest:"

func (p *pages) newLicence(w http.ResponseWriter, r *http.Request) error {
	return p.showNewLicence(w, r, views.NewLicence{Form: p.blankLicence(r.URL.Query().Get("product"))})
}

// blankLicence is a form that nobody has filled in. Its nonce lets it be sent once.
func (p *pages) blankLicence(product string) *form.Form {
	return form.New("product", product, "users", "0", "confidential", "none", "nonce", offline.NewRequest("", p.now()).Nonce)
}

func (p *pages) showNewLicence(w http.ResponseWriter, r *http.Request, v views.NewLicence) (err error) {
	ctx := r.Context()
	f := v.Form
	if v.Request != nil {
		f = v.Request
	}
	if v.Products, err = p.Service.store.Products(ctx); err != nil {
		return err
	}
	if v.Customers, _, err = p.Service.store.Customers(ctx, store.CustomerQuery{Limit: offered}); err != nil {
		return err
	}
	body := orBegin(len(v.Products) > 0, views.Names{}, views.NewLicencePage(v))
	return p.show(w, r, f, web.Page{Title: i18n.T(ctx, "license.offline.new"), Lead: i18n.T(ctx, "license.offline.new.lead"), Active: "/offline", Narrow: true,
		Crumbs: []web.Crumb{crumb(ctx, "license.nav.offline", "/offline")}, Body: body})
}

// readRequest fills the form with what a request asks for.
func (p *pages) readRequest(w http.ResponseWriter, r *http.Request) error {
	file, text, err := uploadedRequest(r)
	if err != nil {
		return err
	}
	f := form.New("request", text)
	wrong := views.NewLicence{Request: f, Form: p.blankLicence("")}
	request, err := issuer.ParseRequest([]byte(text), p.now())
	if take(f, err) {
		return p.showNewLicence(w, r, wrong)
	}
	if err != nil {
		return err
	}
	product := ""
	if request.Product != "" {
		one, err := p.Service.store.Product(r.Context(), request.Product)
		if fault.As(err).Kind == fault.NotFound {
			f.Fail(fault.Field{Name: "request", Code: "request_product", Args: map[string]any{"Product": request.Product}, Detail: "There is no product " + request.Product + "."})
			return p.showNewLicence(w, r, wrong)
		}
		if err != nil {
			return err
		}
		product = one.ID
	}
	return p.showNewLicence(w, r, views.NewLicence{Form: form.New(requestFields(request, product)...), Read: &views.ReadRequest{File: file, Request: request.Request}})
}

// uploadedRequest is the request that came as a file of that name, or was pasted.
func uploadedRequest(r *http.Request) (name, text string, err error) {
	bad := fault.New(fault.Malformed, "malformed_form", "The form could not be read. Open the page again and send it once more.")
	if err := r.ParseMultipartForm(issuer.MaxRequest * 2); err != nil { //nolint:gosec // web.Site bounds every body
		if e := fault.As(err); e.Kind == fault.TooLarge {
			return "", "", e
		}
		return "", "", bad.Because(err)
	}
	if files := r.MultipartForm.File["file"]; len(files) > 0 && files[0].Size > 0 {
		file, err := files[0].Open()
		if err != nil {
			return "", "", bad.Because(err)
		}
		defer func() { _ = file.Close() }()
		text, err := io.ReadAll(io.LimitReader(file, issuer.MaxRequest+1))
		return files[0].Filename, string(text), err
	}
	return "", r.PostFormValue("request"), nil
}

// requestFields are the fields of the form that say what a request asks for.
func requestFields(r *issuer.Request, product string) []string {
	all := []string{"product", product, "company", r.Company, "contact", r.Contact, "modules", strings.Join(r.Modules, "\n"), "users", strconv.Itoa(r.Users),
		"nonce", r.Nonce, "confidential", "none"}
	for i, n := range r.Nodes {
		var lines []string
		for _, name := range slices.Sorted(maps.Keys(n.Components)) {
			lines = append(lines, fingerprint.Kind(name)+" "+digestPrefix+n.Components[name])
		}
		number := strconv.Itoa(i + 1)
		all = append(all, "name_"+number, n.Name, "public_key_"+number, n.PublicKey, "identifiers_"+number, strings.Join(lines, "\n"))
	}
	return all
}

func (p *pages) issueLicence(w http.ResponseWriter, r *http.Request) error {
	f, err := form.Read(r)
	if err != nil {
		return err
	}
	ctx := r.Context()
	product, err := p.Service.store.Product(ctx, f.Text("product", form.Required))
	if err != nil && fault.As(err).Kind != fault.NotFound {
		return err
	}
	o := p.licenceOrder(f, product)
	if f.Err() != nil {
		return p.showNewLicence(w, r, views.NewLicence{Form: f})
	}
	draft, err := p.Service.issuer.Draft(ctx, o)
	if err != nil {
		return p.refuseLicence(w, r, views.NewLicence{Form: f}, err)
	}
	if f.Bool("preview") {
		return p.showNewLicence(w, r, views.NewLicence{Form: f, Draft: draft})
	}
	made, err := p.Service.issuer.Issue(ctx, o, caller(r))
	if err != nil {
		return p.refuseLicence(w, r, views.NewLicence{Form: f, Draft: draft}, err)
	}
	if made.Code == "" {
		return p.did(w, r, nil, "license.offline.made", "/offline/"+made.ID)
	}
	w.Header().Set("Cache-Control", "no-store")
	return p.showLicence(w, r, made.Licence, form.New("note", made.Note), made.Code)
}

// refuseLicence shows the form again, with what is against a licence beside the field
// that it is about.
func (p *pages) refuseLicence(w http.ResponseWriter, r *http.Request, v views.NewLicence, err error) error {
	e := fault.As(err)
	if e.Kind == fault.Internal || e.Kind == fault.Unavailable {
		return err
	}
	if !takeLicence(v.Form, err) {
		field := map[string]string{"release_not_found": "release", "customer_not_found": "customer"}[e.Code]
		v.Form.Fail(fault.Field{Name: cmp.Or(field, "product"), Code: "license_refused", Detail: web.FaultText(r.Context(), err)})
	}
	return p.showNewLicence(w, r, v)
}

// licenceOrder is what the form says. What is wrong in it stands in the form.
func (p *pages) licenceOrder(f *form.Form, product store.Product) issuer.Order {
	request := offline.NewRequest(product.Code, p.now())
	request.Company, request.Contact = f.Text("company", form.Required), f.Text("contact", form.Required)
	request.Modules = append(request.Modules, f.Lines("modules", 200)...)
	request.Users = int(f.Int("users", 0, math.MaxInt32))
	if nonce := f.Value("nonce"); nonce != "" {
		request.Nonce = nonce
	}
	o := issuer.Order{Request: &issuer.Request{Request: *request}, Product: product.ID, From: f.Date("from"), To: f.Date("to"), AnyMachine: f.Bool("any_machine"), Again: f.Bool("again"),
		Versions: offline.Versions{From: strings.TrimSpace(f.Value("version_from")), To: strings.TrimSpace(f.Value("version_to"))}, Customer: f.Value("customer"), Note: f.Value("note")}
	if f.Text("to", form.Required) != "" && !o.To.IsZero() {
		o.To = o.To.AddDate(0, 0, 1) // the day is in it
	}
	if !o.AnyMachine {
		o.Request.Nodes = machines(f, product.Code)
		if len(o.Request.Nodes) > 1 {
			o.Request.InstanceType = offline.ThreeNodes
		}
	}
	switch f.Choice("confidential", "none", "release", "value") {
	case "none":
		if f.Text("release") != "" || f.Text("value") != "" {
			f.Fail(fault.Field{Name: "confidential", Code: "license_confidential", Detail: "Say here which of the two the confidential part is, or empty both."})
		}
	case "release":
		o.Release = f.Text("release", form.Required)
	case "value":
		o.Value = []byte(f.Text("value", form.Required))
	}
	return o
}

// machines are those that the form names.
func machines(f *form.Form, product string) (nodes []offline.RequestNode) {
	for _, n := range views.NodeNumbers() {
		field := fmt.Sprintf("identifiers_%d", n)
		node := offline.RequestNode{Name: strings.TrimSpace(f.Value(fmt.Sprintf("name_%d", n))), PublicKey: strings.TrimSpace(f.Value(fmt.Sprintf("public_key_%d", n))),
			Components: fingerprint.Components{}}
		lines := f.Lines(field, fingerprint.MaxComponents)
		if node.Name == "" && node.PublicKey == "" && len(lines) == 0 {
			continue
		}
		for _, line := range lines {
			addLine(f, field, line, product, node.Components)
		}
		nodes = append(nodes, node)
	}
	return nodes
}

// addLine adds what a line says of a machine to its components.
func addLine(f *form.Form, field, line, product string, c fingerprint.Components) {
	kind, value, _ := strings.Cut(line, " ")
	if digest, digested := strings.CutPrefix(strings.TrimSpace(value), digestPrefix); digested && slices.Contains(issuer.Kinds(), kind) {
		c.Add(kind, digest)
		return
	}
	args := map[string]any{"Line": line, "Kinds": strings.Join(issuer.Kinds(), ", "), "Form": fingerprint.Example(kind)}
	switch issuer.AddIdentifier(c, product, kind, value) {
	case issuer.UnknownKind:
		f.Fail(fault.Field{Name: field, Code: "license_kind", Args: args, Detail: "Begin each line with a kind, such as mac."})
	case issuer.IdentifierForm:
		f.Fail(fault.Field{Name: field, Code: "license_identifier_form", Args: args, Detail: "This must look like " + fingerprint.Example(kind) + ": " + line})
	case issuer.NoIdentifier:
		f.Fail(fault.Field{Name: field, Code: "license_identifier", Args: args, Detail: "This tells no machine from another: " + line})
	}
}

var nodeField = regexp.MustCompile(`^nodes(?:\[(\d)\]\.(name|public_key|components))?$`)

// takeLicence puts what is wrong with a request beside the fields of the form.
func takeLicence(f *form.Form, err error) bool {
	var all []fault.Field
	for _, e := range fault.As(err).Fields {
		if strings.HasPrefix(e.Name, "modules") {
			e.Name = "modules"
		}
		if at := nodeField.FindStringSubmatch(e.Name); at != nil {
			number, _ := strconv.Atoi("0" + at[1])
			name := map[string]string{"public_key": "public_key", "components": "identifiers"}[at[2]]
			if name == "" {
				name = "name"
			}
			e.Name = fmt.Sprintf("%s_%d", name, number+1)
			if at[1] == "" {
				e.Code = "request_nodes"
			}
		}
		all = append(all, e)
	}
	return take(f, fault.Fields(all...))
}
