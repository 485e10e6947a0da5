package ca

import (
	"context"
	"encoding/json"
	"strings"

	"guildhall/ca/internal/store"
	views "guildhall/ca/web"
	"guildhall/platform/audit"
)

// named finds out what the subjects of entries are called. One whose name is
// not known keeps its id.
func (p *pages) named(ctx context.Context, records []audit.Record) []views.Event {
	names := map[string]string{}
	list := make([]views.Event, 0, len(records))
	for _, r := range records {
		e := views.Event{Record: r, Name: r.Subject}
		if strings.HasPrefix(r.Subject, store.Prefix+"_") {
			e.URL = "/certificates/" + r.Subject
			if names[r.Subject] == "" {
				names[r.Subject] = p.nameOf(ctx, r)
			}
			e.Name = names[r.Subject]
		}
		list = append(list, e)
	}
	return list
}

// nameOf is the name of the certificate that an entry is about.
func (p *pages) nameOf(ctx context.Context, r audit.Record) string {
	var detail struct {
		CommonName string `json:"common_name"`
	}
	if json.Unmarshal(r.Detail, &detail) == nil && detail.CommonName != "" {
		return detail.CommonName
	}
	if found, err := p.Certificates.Get(ctx, r.Subject); err == nil {
		return views.Title(found)
	}
	return r.Subject
}
