package store

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"golang.org/x/net/idna"

	"guildhall/platform/db"
	"guildhall/platform/fault"
)

// The states by which a list is filtered. An expiring certificate is valid too.
const (
	Valid    = "valid"
	Expiring = "expiring"
	Expired  = "expired"
	Revoked  = "revoked"
)

// The orders of a list.
const (
	ByIssue = "issued_at"
	ByEnd   = "not_after"
	ByName  = "common_name"
	ByState = "revoked_at"
)

// Page sizes.
const (
	DefaultLimit = 50
	MaxLimit     = 500
)

// ErrCursor says that a cursor is not one of ours, or of another list.
var ErrCursor = fault.New(fault.Malformed, "invalid_cursor", "The cursor does not belong to this list. Start again without one.")

// Filter chooses and orders certificates; its zero value means all, newest
// first.
type Filter struct {
	// Text is looked for in serial number, profile and names, whatever its case;
	// of a certificate with very many names, in the first of them.
	Text string
	// Status is Valid, Expiring, Expired (and not revoked), Revoked or empty.
	Status  string
	Profile string
	// Sort is ByIssue, ByEnd, ByName or ByState (only with Revoked). Empty is what
	// suits the state, and has an index: ByState for Revoked, ByEnd for Expired
	// and, the soonest first, for Expiring, else ByIssue.
	Sort      string
	Ascending bool
	// Cursor continues a list: the Next of the page before.
	Cursor string
	// Limit is the size of a page: DefaultLimit if 0, at most MaxLimit.
	Limit int
	// Now is the moment for which the states hold.
	Now time.Time
}

// Page is a part of a list.
type Page struct {
	Records []*Record
	// Next is the cursor of the next page; empty on the last.
	Next string
}

// cursor is the place of the last row of a page in its order.
type cursor struct {
	Sort  string `json:"s"`
	Text  string `json:"t,omitempty"`
	Micro int64  `json:"n,omitempty"`
	ID    string `json:"i"`
}

func (c cursor) encode() string {
	data, err := json.Marshal(c)
	if err != nil {
		panic(err) // strings and a number
	}
	return base64.RawURLEncoding.EncodeToString(data)
}

func (f *Filter) cursor() (cursor, error) {
	data, err := base64.RawURLEncoding.DecodeString(f.Cursor)
	var c cursor
	if err != nil || json.Unmarshal(data, &c) != nil || c.Sort != f.Sort || c.ID == "" {
		return c, ErrCursor
	}
	return c, nil
}

// value is the cursor's place in the order.
func (c cursor) value() any {
	if c.Sort == ByName {
		return c.Text
	}
	return c.Micro
}

func (f *Filter) place(r *Record) cursor {
	c := cursor{Sort: f.Sort, ID: r.ID}
	switch f.Sort {
	case ByName:
		c.Text = r.CommonName
	case ByEnd:
		c.Micro = db.Micros(r.NotAfter)
	case ByState:
		c.Micro = db.Micros(r.RevokedAt)
	default:
		c.Micro = db.Micros(r.IssuedAt)
	}
	return c
}

// List reads one page of the certificates that f chooses. It skips no rows: the
// last page is as quick as the first.
func (s *Store) List(ctx context.Context, f Filter) (Page, error) {
	f.normalize()
	w := where{}
	w.filter(f)
	if f.Cursor != "" {
		c, err := f.cursor()
		if err != nil {
			return Page{}, err
		}
		w.after(c, f.Ascending)
	}
	direction := ` DESC`
	if f.Ascending {
		direction = ` ASC`
	}
	// The inner query needs the index alone; one row more tells whether there
	// is a next page.
	query := `SELECT ` + columns + ` FROM certificates WHERE id IN (SELECT id FROM certificates` + w.text() +
		` ORDER BY ` + f.Sort + direction + `, id` + direction + ` LIMIT ` + strconv.Itoa(f.Limit+1) + `)
		ORDER BY ` + f.Sort + direction + `, id` + direction
	all, err := collect(s.db.Read.QueryContext(ctx, query, w.args...))
	if err != nil || len(all) <= f.Limit {
		return Page{Records: all}, err
	}
	all = all[:f.Limit]
	return Page{Records: all, Next: f.place(all[f.Limit-1]).encode()}, nil
}

func (f *Filter) normalize() {
	if f.Limit <= 0 {
		f.Limit = DefaultLimit
	}
	f.Limit = min(f.Limit, MaxLimit)
	switch f.Sort {
	case ByIssue, ByEnd, ByName:
	case ByState:
		f.Status = Revoked
	default:
		f.Sort = map[string]string{Revoked: ByState, Expired: ByEnd, Expiring: ByEnd}[f.Status]
		if f.Sort == "" {
			f.Sort = ByIssue
		}
		f.Ascending = f.Ascending || f.Status == Expiring
	}
}

// where collects conditions and their arguments.
type where struct {
	conditions []string
	args       []any
}

// add takes a condition in which ? stands for its argument.
func (w *where) add(condition string, arg any) {
	w.args = append(w.args, arg)
	w.conditions = append(w.conditions, strings.ReplaceAll(condition, "?", "$"+strconv.Itoa(len(w.args))))
}

func (w *where) text() string {
	if len(w.conditions) == 0 {
		return ""
	}
	return ` WHERE ` + strings.Join(w.conditions, ` AND `)
}

func (w *where) filter(f Filter) {
	now := db.Micros(f.Now)
	switch f.Status {
	case Valid:
		w.add(`revoked_at IS NULL AND not_after >= ? AND not_before <= ?`, now)
	case Expiring:
		w.add(`revoked_at IS NULL AND renewed_by IS NULL AND not_after >= ? AND renew_at <= ?`, now)
		w.add(`not_after <= ?`, db.Micros(f.Now.Add(MaxWarning))) // follows from renew_at; for the index
	case Expired:
		w.add(`revoked_at IS NULL AND not_after < ?`, now)
	case Revoked:
		w.conditions = append(w.conditions, `revoked_at IS NOT NULL`)
	case "":
	default: // no certificate is in a state that does not exist
		w.conditions = append(w.conditions, `1 = 0`)
	}
	if f.Profile != "" {
		w.add(`profile = ?`, f.Profile)
	}
	if text := strings.ToLower(strings.TrimSpace(f.Text)); text != "" {
		w.search(text)
	}
}

// search looks for the text, and for what stands in certificates in its place.
func (w *where) search(text string) {
	const like = `search LIKE ? ESCAPE '\'`
	w.add(like, pattern(text))
	for _, other := range []string{serialIn(text), asciiName(text)} {
		if other == "" || other == text {
			continue
		}
		either := w.conditions[len(w.conditions)-1]
		w.conditions = w.conditions[:len(w.conditions)-1]
		w.add(`(`+either+` OR `+like+`)`, pattern(other))
	}
}

// serialIn is the part of a serial number that the text may be: "4F:A3" as tools
// write it, "4fa3…" as pages do. Else it is empty.
func serialIn(text string) string {
	serial := CleanSerial(strings.TrimSuffix(text, "…"))
	if strings.Trim(serial, "0123456789abcdef") != "" {
		return ""
	}
	return serial
}

// asciiName is the form that the labels of an internationalised domain name have
// in certificates (RFC 5891): xn--bcher-kva for "bücher". Before an @ all stays as it is.
func asciiName(text string) string {
	local, domain := "", text
	if i := strings.LastIndex(text, "@"); i >= 0 {
		local, domain = text[:i+1], text[i+1:]
	}
	ascii, err := idna.New(idna.MapForLookup(), idna.StrictDomainName(false)).ToASCII(domain)
	if err != nil {
		return ""
	}
	return local + ascii
}

// pattern finds the text anywhere, and nothing in it is a wildcard.
func pattern(text string) string {
	return "%" + strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(text) + "%"
}

func (w *where) after(c cursor, ascending bool) {
	sign := "<"
	if ascending {
		sign = ">"
	}
	w.add(fmt.Sprintf(`(%s, id) %s (?, `, c.Sort, sign), c.value())
	w.args = append(w.args, c.ID)
	w.conditions[len(w.conditions)-1] += "$" + strconv.Itoa(len(w.args)) + ")"
}
