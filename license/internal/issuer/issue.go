package issuer

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"regexp"
	"strings"
	"time"

	"golang.org/x/text/unicode/norm"

	"guildhall/license/internal/catalogue"
	"guildhall/license/internal/journal"
	"guildhall/license/internal/store"
	"guildhall/platform/audit"
	"guildhall/platform/fault"
	"guildhall/platform/id"
	"guildhall/sdk/go/license/offline"
)

// ownValue says that the confidential part is what the vendor gave, and no handshake key.
const ownValue = "value"

// Order is what a licence is to be.
type Order struct {
	Request *Request
	// Product is the id or code; empty: the request names it.
	Product string
	// Modules and Users are granted; nil: those that the request asks for.
	Modules *[]string
	Users   *int
	// From is when it begins, zero: at once; at To it is over.
	From, To time.Time
	Versions offline.Versions
	// AnyMachine binds the licence to no machine, whatever the request says.
	AnyMachine bool
	// Release is the version whose handshake key is the confidential part; or Value is;
	// or there is none.
	Release string
	Value   []byte
	// Again issues another licence for a request that had one before.
	Again bool
	// Customer is an id, or empty. Note is for the vendor, and not in the licence.
	Customer, Note string
}

// Draft is a licence that could be issued.
type Draft struct {
	Claims  offline.Claims
	Product store.Product
	// SigningKey is the id of the key that would sign it.
	SigningKey string
	// Confidential is the id of the handshake key that is in it, "value", or empty.
	Confidential string
	// Keys are the nodes to whose install keys the confidential part is sealed; Code
	// says that it is under a code for those that have none.
	Keys []offline.RequestNode
	Code bool
	// Earlier is the last licence that was issued for the same request; its ID is empty if
	// there is none. Issue refuses then, unless the order says Again.
	Earlier store.Licence

	secret []byte
}

// Draft is what Issue would issue, and what is wrong with it. Wrong fields are called
// "request" where they are in a file, or as in the request; "product", "from", "to",
// "version_from", "version_to", "release", "value", "customer" and "note".
func (d *Desk) Draft(ctx context.Context, o Order) (*Draft, error) {
	if o.Request == nil {
		return nil, unreadable(0, "There is no request.")
	}
	p, err := d.product(ctx, &o)
	if err != nil {
		return nil, err
	}
	draft := &Draft{Product: p}
	if err := draft.fill(o, d.now().Truncate(time.Second)); err != nil {
		return nil, err
	}
	if _, err := catalogue.Note(o.Note); err != nil {
		return nil, err
	}
	if o.Customer != "" {
		if _, err := d.Store.Customer(ctx, o.Customer); err != nil {
			return nil, err
		}
	}
	if err := d.confidential(ctx, draft, o); err != nil {
		return nil, err
	}
	keys, err := d.Store.SigningKeys(ctx, p.ID)
	if err != nil {
		return nil, err
	}
	signs := in(keys, store.SigningCurrent)
	if signs == nil {
		return nil, ErrNoSigningKey
	}
	draft.SigningKey = signs.ID
	draft.Earlier, err = earlier(d.Store.LicenceFor(ctx, p.ID, o.Request.Nonce))
	return draft, err
}

// earlier is a licence that there need not be.
func earlier(l store.Licence, err error) (store.Licence, error) {
	if errors.Is(err, store.ErrLicence) {
		return store.Licence{}, nil
	}
	return l, err
}

// product is that of the order, which the request must not contradict.
func (d *Desk) product(ctx context.Context, o *Order) (store.Product, error) {
	q := cmp.Or(o.Product, o.Request.Product)
	if q == "" {
		return store.Product{}, o.Request.wrong([]offline.Problem{{Field: "product", Code: "missing", Detail: "It is not said which product the licence is for."}})
	}
	p, err := d.Store.Product(ctx, q)
	if err != nil {
		return p, err
	}
	// Digests are made with the product's code: those for another fit no machine.
	if asked := o.Request.Product; asked != "" && asked != p.Code {
		return p, o.Request.wrong([]offline.Problem{{Field: "product", Code: "other_product", Detail: "The request is for " + asked + ", and the licence for " + p.Code + "."}})
	}
	if o.Request.Product == "" && len(o.Request.Nodes) > 0 && o.Request.lines != nil {
		return p, o.Request.wrong([]offline.Problem{{Field: "product", Code: "missing", Detail: "The request does not name the product, with which its machines were digested."}})
	}
	return p, nil
}

// fill makes the claims.
func (dr *Draft) fill(o Order, now time.Time) error {
	r := *o.Request
	r.Product = dr.Product.Code
	if o.AnyMachine {
		r.Nodes, r.InstanceType = nil, offline.SingleNode
	}
	if o.Modules != nil {
		r.Modules = *o.Modules
	}
	if o.Users != nil {
		r.Users = *o.Users
	}
	found := r.Check()
	if o.AnyMachine {
		found = without(found, "nodes")
	}
	if err := r.wrong(found); err != nil {
		return err
	}
	c := r.Claims()
	c.LicenseID, c.IssuedAt, c.ExpiresAt = id.New("lic"), now, o.To
	c.Restrictions.ValidFrom, c.Deployment.ProductVersions = o.From, o.Versions
	var wrong []fault.Field
	switch {
	case o.To.IsZero():
		wrong = append(wrong, fault.Field{Name: "to", Code: "required", Detail: "Say until when the licence is valid."})
	case !o.To.After(now):
		wrong = append(wrong, fault.Field{Name: "to", Code: "past", Detail: "This end is over already. Choose a later one."})
	case !o.From.IsZero() && !o.To.After(o.From):
		wrong = append(wrong, fault.Field{Name: "to", Code: "license_before", Detail: "The licence would be over before it begins."})
	}
	fields := map[string]string{"deployment.product_versions.from": "version_from", "deployment.product_versions.to": "version_to"}
	said := map[string]string{"malformed": "license_numbers", "mismatch": "license_no_version"}
	for _, p := range c.Check() {
		if name, ours := fields[p.Field]; ours {
			wrong = append(wrong, fault.Field{Name: name, Code: said[p.Code], Detail: p.Detail})
		}
	}
	if err := fault.Fields(wrong...); err != nil {
		return err
	}
	if left := c.Check(); len(left) > 0 {
		return r.wrong(left)
	}
	dr.Claims, dr.Keys = c, withKey(r.Nodes)
	dr.Code = len(dr.Keys) == 0 || len(dr.Keys) < len(r.Nodes)
	return nil
}

func without(found []offline.Problem, field string) (rest []offline.Problem) {
	for _, p := range found {
		if p.Field != field {
			rest = append(rest, p)
		}
	}
	return rest
}

func withKey(nodes []offline.RequestNode) (some []offline.RequestNode) {
	for _, n := range nodes {
		if n.PublicKey != "" {
			some = append(some, n)
		}
	}
	return some
}

// confidential finds what the licence hands to the machine alone.
func (d *Desk) confidential(ctx context.Context, draft *Draft, o Order) error {
	switch {
	case o.Release != "" && len(o.Value) > 0:
		return fault.Fields(fault.Field{Name: "value", Code: "both", Detail: "Give a release or a value of your own, but not both."})
	case o.Release != "":
		name, key, err := d.Catalogue.Handshake(ctx, draft.Product.ID, o.Release, "")
		if err != nil {
			return err
		}
		draft.Confidential, draft.secret = name, key
	case len(o.Value) > maxValue:
		return fault.Fields(fault.Field{Name: "value", Code: "too_long", Args: map[string]any{"Count": maxValue}, Detail: "The confidential part has more than 4096 bytes."})
	case len(o.Value) > 0:
		draft.Confidential, draft.secret = ownValue, o.Value
	default:
		draft.Keys, draft.Code = nil, false
	}
	return nil
}

// maxValue is the longest confidential part, in bytes.
const maxValue = 4096

// Issued is a licence that was issued now.
type Issued struct {
	store.Licence
	// KeyOnly are the machines that nothing but their install keys identify.
	KeyOnly []string
	// Code opens the confidential part on machines without an install key; empty: none
	// is needed. It is kept nowhere, and goes to the customer by another way than the
	// licence.
	Code string
}

// Issue signs a licence and records it. A request that had one before is refused with a
// field "again", unless the order says so.
func (d *Desk) Issue(ctx context.Context, o Order, by audit.Caller) (Issued, error) {
	draft, err := d.Draft(ctx, o)
	if err != nil {
		return Issued{}, err
	}
	c := draft.Claims
	made := Issued{KeyOnly: c.Deployment.KeyOnly(), Licence: store.Licence{ID: c.LicenseID, Product: draft.Product.ID, Customer: o.Customer, Company: c.Licensee.Company, Contact: c.Licensee.Contact,
		LicenseeKey: LicenseeKey(c.Licensee.Company + " " + c.Licensee.Contact), Confidential: draft.Confidential, IssuedAt: c.IssuedAt, ExpiresAt: c.ExpiresAt.UTC().Truncate(time.Second), IssuedBy: by.Actor,
		Request: o.Request.Nonce}}
	if made.Note, err = catalogue.Note(o.Note); err != nil {
		return made, err
	}
	if made.Code, err = draft.seal(&c); err != nil {
		return made, err
	}
	err = d.Journal.Write(ctx, func(tx *sql.Tx) error { return d.sign(ctx, tx, &made.Licence, c, o.Again, by) })
	return made, err
}

// seal puts the confidential part in.
func (dr *Draft) seal(c *offline.Claims) (code string, err error) {
	if dr.Confidential == "" {
		return "", nil
	}
	for _, n := range dr.Keys {
		if err := c.SealTo(n.Name, n.PublicKey, dr.secret); err != nil {
			return "", err
		}
	}
	if !dr.Code {
		return "", nil
	}
	return c.SealToCode(dr.secret)
}

// once refuses a second licence for a request: a form that is sent twice is no wish for two.
func (d *Desk) once(ctx context.Context, tx *sql.Tx, l store.Licence) error {
	before, err := earlier(d.Store.LicenceForIn(ctx, tx, l.Product, l.Request))
	if err != nil || before.ID == "" {
		return err
	}
	day := before.IssuedAt.UTC().Format(time.DateOnly)
	return fault.Fields(fault.Field{Name: "again", Code: "licence_again", Args: map[string]any{"ID": before.ID, "Day": day},
		Detail: "This request was issued as " + before.ID + " on " + day + ". Say that you want another licence for it, or send that one once more."})
}

// sign signs by the key of now: it may have been rotated since the draft.
func (d *Desk) sign(ctx context.Context, tx *sql.Tx, l *store.Licence, c offline.Claims, again bool, by audit.Caller) error {
	if !again {
		if err := d.once(ctx, tx, *l); err != nil {
			return err
		}
	}
	keys, err := d.Store.SigningKeysIn(ctx, tx, l.Product)
	if err != nil {
		return err
	}
	signs := in(keys, store.SigningCurrent)
	if signs == nil {
		return ErrNoSigningKey
	}
	private, err := d.private(signs)
	if err != nil {
		return err
	}
	l.SigningKey = signs.ID
	if l.Text, err = offline.Issue(c, private); err != nil {
		if refused, ok := errors.AsType[*offline.Error](err); ok {
			return unreadable(0, refused.Text)
		}
		return err
	}
	if err := d.Store.InsertLicence(ctx, tx, *l); err != nil {
		return err
	}
	// Who got it is personal, and stands in the record alone.
	return d.Journal.Append(ctx, tx, by, journal.LicenceIssued, l.ID, map[string]any{"product": l.Product, "key": l.SigningKey,
		"expires_at": l.ExpiresAt.Format(time.RFC3339), "confidential": l.Confidential})
}

// LicenseeKey is what a licensee is looked for by, however somebody writes it.
func LicenseeKey(text string) string { return strings.ToLower(norm.NFKC.String(text)) }

// SetNote changes the vendor's note on a licence.
func (d *Desk) SetNote(ctx context.Context, licence, note string, by audit.Caller) (store.Licence, error) {
	l, err := d.Store.Licence(ctx, licence)
	if err != nil {
		return l, err
	}
	if l.Note, err = catalogue.Note(note); err != nil {
		return l, err
	}
	return l, d.Journal.Write(ctx, func(tx *sql.Tx) error {
		if err := d.Store.SetLicenceNote(ctx, tx, l.ID, l.Note); err != nil {
			return err
		}
		return d.Journal.Append(ctx, tx, by, journal.LicenceChanged, l.ID, nil)
	})
}

// Looked is what a text that somebody pasted turns out to be.
type Looked struct {
	Says *offline.Unverified
	// Genuine says that a key of ours signed it; Key is that key.
	Genuine bool
	Key     store.SigningKey
	// Refused is why a program would not take it today, whatever its machine; nil if it
	// would.
	Refused error
	// Record is what we know of it; its ID is empty if we do not.
	Record store.Licence
}

// licenceMark tells a damaged licence from a text that never was one.
var licenceMark = regexp.MustCompile(`GUILDHALL\s+LICENCE|v4\.public\.`)

// Look reads a licence, verifies it with all keys that ever signed for its product, and
// finds its record. An error is one of the text alone.
func (d *Desk) Look(ctx context.Context, text string) (*Looked, error) {
	says, err := offline.Inspect(text)
	if refused, ok := errors.AsType[*offline.Error](err); ok {
		code := "licence_" + string(refused.Code)
		if refused.Code == offline.Malformed && !licenceMark.MatchString(text) {
			code = "licence_foreign"
		}
		return nil, fault.Fields(fault.Field{Name: "text", Code: code, Detail: refused.Text})
	}
	if err != nil {
		return nil, err
	}
	looked := &Looked{Says: says}
	p, err := d.Store.Product(ctx, says.Claims.Product)
	if err != nil {
		looked.Refused = err
		return looked, storeTrouble(err)
	}
	keys, err := d.Store.SigningKeys(ctx, p.ID)
	if err != nil {
		return nil, err
	}
	o := offline.Options{Product: p.Code}
	for _, k := range keys {
		o.Keys = append(o.Keys, k.Public)
		if k.ID == says.KeyID {
			looked.Key = k
		}
	}
	genuine, err := offline.Genuine(text, o)
	if err != nil {
		looked.Refused = err
		return looked, nil //nolint:nilerr // that it is not genuine is the answer
	}
	looked.Genuine = true
	looked.Refused = overNow(looked.Key, genuine, d.Now())
	if looked.Record, err = d.Store.Licence(ctx, genuine.LicenseID); err != nil && !errors.Is(err, store.ErrLicence) {
		return nil, err
	}
	return looked, nil
}

// storeTrouble is an error that says nothing about the licence.
func storeTrouble(err error) error {
	if fault.As(err).Kind == fault.NotFound {
		return nil
	}
	return err
}

// overNow says why programs would not take a genuine licence now.
func overNow(k store.SigningKey, l *offline.Licence, now time.Time) error {
	if k.State == store.SigningRevoked || k.State == store.SigningRetired {
		return ErrKeyOver
	}
	return l.InTime(now)
}
