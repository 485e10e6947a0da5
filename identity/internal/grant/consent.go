package grant

import (
	"context"
	"database/sql"
	"fmt"

	"guildhall/identity/internal/journal"
	"guildhall/identity/internal/oauth"
	"guildhall/identity/internal/store"
	"guildhall/platform/audit"
)

// Consent is what the account allowed the client; nil for nothing.
func (d *Desk) Consent(ctx context.Context, account, client string) (oauth.Scopes, error) {
	text, given, err := d.o.Store.Consent(ctx, account, client)
	if err != nil || !given {
		return nil, err
	}
	scopes, err := oauth.ParseScopes(text)
	if scopes == nil { // allowed it is, without scopes
		scopes = oauth.Scopes{}
	}
	return scopes, err
}

// SaveConsent adds scopes to what the account allowed the client, and records it
// if there are new ones.
func (d *Desk) SaveConsent(ctx context.Context, account, client string, scopes oauth.Scopes, by audit.Caller) error {
	return d.o.Journal.Write(ctx, func(tx *sql.Tx) error {
		text, given, err := d.o.Store.ConsentIn(ctx, tx, account, client)
		if err != nil {
			return err
		}
		old, err := oauth.ParseScopes(text)
		if err != nil {
			return fmt.Errorf("read the consent of %s to %s: %w", account, client, err)
		}
		more := scopes.Beyond(old)
		if given && len(more) == 0 {
			return nil
		}
		detail := map[string]any{"client": client, "scopes": more.String()}
		if err := d.o.Journal.Append(ctx, tx, by, journal.ConsentGiven, account, detail); err != nil {
			return err
		}
		return d.o.Store.SetConsent(ctx, tx, account, client, append(old, more...).String(), d.now())
	})
}

// Withdraw forgets what the account allowed the client, also its devices that did
// not come for it yet, ends all its grants, and records it if there was anything.
func (d *Desk) Withdraw(ctx context.Context, account, client string, by audit.Caller) error {
	return d.o.Journal.Write(ctx, func(tx *sql.Tx) error {
		given, err := d.o.Store.DeleteConsent(ctx, tx, account, client)
		if err != nil {
			return err
		}
		if given {
			if err := d.o.Journal.Append(ctx, tx, by, journal.ConsentWithdrawn, account, map[string]any{"client": client}); err != nil {
				return err
			}
		}
		if err := d.o.Store.DenyDevices(ctx, tx, account, client); err != nil {
			return err
		}
		_, err = d.revokeIn(ctx, tx, by, WhyWithdrawn, store.GrantsOfPair, account, client)
		return err
	})
}

// Consents are those of an account, the last changed first.
func (d *Desk) Consents(ctx context.Context, account string) ([]Consent, error) {
	rows, err := d.o.Store.Consents(ctx, account)
	if err != nil {
		return nil, err
	}
	all := make([]Consent, len(rows))
	for i, r := range rows {
		scopes, err := oauth.ParseScopes(r.Scopes)
		if err != nil {
			return nil, fmt.Errorf("read the consent of %s to %s: %w", r.Account, r.Client, err)
		}
		all[i] = Consent{Account: r.Account, Client: r.Client, Scopes: scopes, MadeAt: r.MadeAt, ChangedAt: r.ChangedAt}
	}
	return all, nil
}
