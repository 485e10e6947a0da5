package grant

import (
	"encoding/json"
	"fmt"
	"time"

	"guildhall/identity/internal/oauth"
	"guildhall/identity/internal/store"
)

// data is what the database keeps of a grant in one column: nothing is looked for
// by it.
type data struct {
	Audiences []string        `json:"audiences,omitempty"`
	Nonce     string          `json:"nonce,omitempty"`
	ACR       string          `json:"acr,omitempty"`
	AMR       []string        `json:"amr,omitempty"`
	AuthTime  time.Time       `json:"auth_time,omitzero"`
	Claims    json.RawMessage `json:"claims,omitempty"`
	JKT       string          `json:"jkt,omitempty"`
	X5T       string          `json:"x5t,omitempty"`
}

func (g *Grant) data() (string, error) {
	text, err := json.Marshal(data{g.Audiences, g.Nonce, g.ACR, g.AMR, g.AuthTime, g.Claims, g.JKT, g.X5T})
	if err != nil {
		return "", fmt.Errorf("write a grant's data: %w", err)
	}
	return string(text), nil
}

// row is the grant as the database keeps it.
func (g *Grant) row() (*store.Grant, error) {
	text, err := g.data()
	if err != nil {
		return nil, err
	}
	return &store.Grant{ID: g.ID, Account: g.Account, Client: g.Client, Session: g.Session, Offline: g.Offline, Scopes: g.Scopes.String(),
		Data: text, MadeAt: g.MadeAt, EndsAt: g.EndsAt}, nil
}

func of(r *store.Grant) (Grant, error) {
	var v data
	if err := json.Unmarshal([]byte(r.Data), &v); err != nil {
		return Grant{}, fmt.Errorf("read the data of %s: %w", r.ID, err)
	}
	scopes, err := oauth.ParseScopes(r.Scopes)
	if err != nil {
		return Grant{}, fmt.Errorf("read the scopes of %s: %w", r.ID, err)
	}
	return Grant{ID: r.ID, Account: r.Account, Client: r.Client, Session: r.Session, Offline: r.Offline, Scopes: scopes,
		Audiences: v.Audiences, Nonce: v.Nonce, ACR: v.ACR, AMR: v.AMR, AuthTime: v.AuthTime.UTC(), Claims: v.Claims, JKT: v.JKT, X5T: v.X5T,
		MadeAt: r.MadeAt, EndsAt: r.EndsAt}, nil
}

func ofAll(rows []*store.Grant, err error) ([]Grant, error) {
	if err != nil {
		return nil, err
	}
	all := make([]Grant, len(rows))
	for i, r := range rows {
		if all[i], err = of(r); err != nil {
			return nil, err
		}
	}
	return all, nil
}
