package audit

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/mod/sumdb/tlog"

	"guildhall/platform/db"
	"guildhall/platform/fault"
)

// Entry is what a caller records.
type Entry struct {
	// Actor is who did it: an administrator's id, a service's name, "system".
	Actor string
	// Action is what was done, as noun and verb: "certificate.issued".
	Action string
	// Subject is what it was done to: an id or a name.
	Subject string
	// From is the address it came from; empty for what the system does itself.
	From string
	// Detail says more. It must hold no secret and survive encoding/json; what
	// looks like a secret is masked all the same.
	Detail map[string]any
}

// Record is an Entry as the log holds it.
type Record struct {
	// Seq is the row's number, from 0: the leaf index of the tree.
	Seq     int64
	At      time.Time
	Actor   string
	Action  string
	Subject string
	From    string
	// Detail is the JSON object as stored. Where somebody put something else in
	// its place, that is the member "unreadable" of one.
	Detail   json.RawMessage
	LeafHash tlog.Hash
}

// Limits on what one entry may hold.
const (
	maxText   = 1024     // bytes of actor, action, subject and from, each
	maxDetail = 64 << 10 // bytes of the detail's JSON
)

// row is a line of audit_entries.
type row struct {
	seq, at                      int64
	actor, action, subject, from string
	detail                       []byte
	leaf, trees, seal            []byte
}

// newRow makes the row of an entry, without number and hashes.
func newRow(e Entry, now time.Time) (row, error) {
	if e.Actor == "" || e.Action == "" {
		return row{}, fmt.Errorf("record %q by %q: an audit entry needs an actor and an action", e.Action, e.Actor)
	}
	detail := []byte("{}")
	if len(e.Detail) > 0 {
		var err error
		if detail, err = encode(mask(e.Detail)); err != nil {
			return row{}, fmt.Errorf("encode detail of %s: %w", e.Action, err)
		}
	}
	if len(detail) > maxDetail {
		return row{}, fault.New(fault.TooLarge, "audit_detail_too_large",
			"The audit entry %s has a detail of %d bytes; at most %d are kept.", e.Action, len(detail), maxDetail)
	}
	return row{at: db.Micros(now), actor: clean(e.Actor), action: clean(e.Action), subject: clean(e.Subject),
		from: clean(e.From), detail: detail}, nil
}

// clean makes text that both engines store as it is: PostgreSQL takes no NUL
// and no invalid UTF-8. What was done must be recorded even if its name is odd,
// so odd bytes are replaced and a long text is cut.
func clean(s string) string {
	s = strings.ToValidUTF8(strings.ReplaceAll(s, "\x00", "\uFFFD"), "\uFFFD")
	if len(s) <= maxText {
		return s
	}
	cut := maxText - len("…")
	for !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut] + "…"
}

// timeFormat writes every microsecond, so that the text and the number in the
// database say the same.
const timeFormat = "2006-01-02T15:04:05.000000Z"

// leafData is the text whose hash is the leaf: a JSON object of the row's
// content. The detail stands in it byte for byte, so that no change of it, not
// even of a space, keeps the hash.
func (r *row) leafData() ([]byte, error) {
	data, err := encode(struct {
		Seq     int64  `json:"seq"`
		At      string `json:"at"`
		Actor   string `json:"actor"`
		Action  string `json:"action"`
		Subject string `json:"subject"`
		From    string `json:"from"`
	}{r.seq, db.FromMicros(r.at).Format(timeFormat), r.actor, r.action, r.subject, r.from})
	if err != nil {
		return nil, fmt.Errorf("encode row %d: %w", r.seq, err)
	}
	data = append(data[:len(data)-1], `,"detail":`...)
	return append(append(data, r.detail...), '}'), nil
}

func (r *row) record() Record {
	out := Record{Seq: r.seq, At: db.FromMicros(r.at), Actor: r.actor, Action: r.action, Subject: r.subject,
		From: r.from, Detail: r.detail}
	copy(out.LeafHash[:], r.leaf)
	var object map[string]json.RawMessage
	if json.Unmarshal(r.detail, &object) != nil {
		// A text in a map always encodes.
		out.Detail, _ = encode(map[string]string{"unreadable": string(r.detail)})
	}
	return out
}

// encode is JSON on one line with <, > and & as they are, so that other
// programs write the same.
func encode(v any) ([]byte, error) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(buf.Bytes(), []byte("\n")), nil
}
