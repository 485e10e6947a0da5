// Package token makes and redeems join tokens: single-use permissions for one
// named service to get its first certificate, or a new first one after its old
// one was revoked.
package token

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"guildhall/ca/internal/journal"
	"guildhall/ca/internal/profile"
	"guildhall/ca/internal/store"
	"guildhall/platform/audit"
	"guildhall/platform/config"
	"guildhall/platform/db"
	"guildhall/platform/fault"
	"guildhall/platform/id"
	"guildhall/sdk/go/ca"
)

// Bounds of a token's life, and how many the list shows.
const (
	DefaultLifetime = time.Hour
	MaxLifetime     = 7 * 24 * time.Hour
	listed          = 500
)

// prefix begins the ids of tokens.
const prefix = "jtk"

// Why a token is not redeemed. None of them repeats the token.
var (
	// ErrUnknown is also the answer to a wrong secret: a guesser learns nothing.
	ErrUnknown   = fault.New(fault.Forbidden, "join_token_unknown", "The join token is not known here. Make one with \"guildhall ca token create\" for this authority.")
	ErrExpired   = fault.New(fault.Forbidden, "join_token_expired", "The join token has expired. Make a new one.")
	ErrUsed      = fault.New(fault.Forbidden, "join_token_used", "The join token was used before: each is good for one certificate. Make a new one; if you did not use this one, revoke the certificate that it gave.")
	ErrWithdrawn = fault.New(fault.Forbidden, "join_token_withdrawn", "The join token was withdrawn. Make a new one.")
	ErrName      = fault.New(fault.Forbidden, "join_token_name", "The join token is for another service. Make one for this name.")
	// ErrMadeBefore is returned for making a token under an id that one has.
	ErrMadeBefore = fault.New(fault.Conflict, "join_token_made_before", "This request was granted before, and no other join token was made. Its text was shown then, once; if it was not kept, withdraw it and make another.")
	// ErrEnded is returned for withdrawing what was used or withdrawn before.
	ErrEnded = fault.New(fault.Conflict, "join_token_ended", "The join token was used or withdrawn before. Nothing was changed.")
)

// Desk makes, lists, withdraws and redeems tokens. It is safe for concurrent
// use.
type Desk struct {
	Store   *store.Store
	Journal *audit.Journal
	Now     func() time.Time
	// Root is the SHA-256 of the root certificate's DER.
	Root [sha256.Size]byte
	// Services are the names for which tokens are made: a token for another one,
	// most likely misspelt, would be found out on the other host only.
	Services []string
}

// NewID draws the id of a token, for CreateAs.
func NewID() string { return id.New(prefix) }

var idPattern = regexp.MustCompile(`^` + prefix + `_[0-9a-hjkmnp-tv-z]{26}$`)

// IsID says whether text is the id of a token, or might become one.
func IsID(text string) bool { return idPattern.MatchString(text) }

// Create makes a token for a service ("shop"). It is the only moment at which
// the text is known. A zero lifetime is DefaultLifetime.
func (d *Desk) Create(ctx context.Context, service string, lifetime time.Duration, by audit.Caller) (ca.JoinToken, *store.Token, error) {
	return d.CreateAs(ctx, NewID(), service, lifetime, by)
}

// CreateAs is Create under an id from NewID, which makes one token: after that,
// on every node, it returns ErrMadeBefore.
func (d *Desk) CreateAs(ctx context.Context, tokenID, service string, lifetime time.Duration, by audit.Caller) (ca.JoinToken, *store.Token, error) {
	if lifetime == 0 {
		lifetime = DefaultLifetime
	}
	if err := d.check(service, lifetime); err != nil {
		return ca.JoinToken{}, nil, err
	}
	text, err := ca.NewJoinToken(tokenID, rand.Text(), d.Root)
	if err != nil {
		return ca.JoinToken{}, nil, fmt.Errorf("make a join token: %w", err)
	}
	now := d.Now()
	t := &store.Token{ID: text.ID, Hash: text.Hash(), Service: service, MadeBy: by.Actor, MadeAt: now, ExpiresAt: now.Add(lifetime)}
	err = d.Journal.DB.Group(ctx, func(tx *sql.Tx) error {
		detail := map[string]any{"service": service, "expires_at": t.ExpiresAt.UTC().Format(time.RFC3339)}
		if err := d.Journal.Append(ctx, tx, by, journal.TokenCreated, t.ID, detail); err != nil {
			return err
		}
		return d.Store.InsertToken(ctx, tx, t)
	})
	if db.IsUnique(err) {
		err = ErrMadeBefore
	}
	return text, t, err
}

func (d *Desk) check(service string, lifetime time.Duration) error {
	var wrong []fault.Field
	if !slices.Contains(d.Services, service) {
		wrong = append(wrong, d.unknown(service))
	}
	if lifetime < time.Minute || lifetime > MaxLifetime {
		wrong = append(wrong, fault.Field{Name: "lifetime", Code: "out_of_range",
			Detail: fmt.Sprintf("A join token lives from 1m to %s, not %s.", profile.Duration(MaxLifetime), profile.Duration(lifetime))})
	}
	return fault.Fields(wrong...)
}

func (d *Desk) unknown(service string) fault.Field {
	text := "There is no service " + strconv.Quote(service)
	if meant := config.Nearest(service, d.Services); meant != "" {
		text += "; did you mean " + meant + "?"
	} else {
		text += "."
	}
	known := strings.Join(d.Services, ", ")
	return fault.Field{Name: "service", Code: "unknown_service", Args: map[string]any{"Name": service, "Known": known},
		Detail: text + " The services are " + known + ". One of your own must be in ca.services of the configuration."}
}

// List is the newest tokens, without their texts.
func (d *Desk) List(ctx context.Context) ([]*store.Token, error) { return d.Store.Tokens(ctx, listed) }

// Withdraw ends a token before it is used.
func (d *Desk) Withdraw(ctx context.Context, tokenID string, by audit.Caller) error {
	return d.Journal.DB.Group(ctx, func(tx *sql.Tx) error {
		if err := d.Journal.Append(ctx, tx, by, journal.TokenWithdrawn, tokenID, nil); err != nil {
			return err
		}
		if _, err := d.Store.FindToken(ctx, tx, tokenID); err != nil {
			return err
		}
		ended, err := d.Store.WithdrawToken(ctx, tx, tokenID, by.Actor, d.Now())
		if err == nil && !ended {
			err = ErrEnded
		}
		return err
	})
}

// Redeem uses a token up for the certificate with the serial number, in the
// transaction that writes that certificate.
func (d *Desk) Redeem(ctx context.Context, tx *sql.Tx, token ca.JoinToken, service, serial string) error {
	kept, err := d.Store.FindToken(ctx, tx, token.ID)
	if errors.Is(err, store.ErrTokenNotFound) {
		return ErrUnknown
	}
	if err != nil {
		return err
	}
	now := d.Now()
	switch {
	case !token.Matches(kept.Hash):
		return ErrUnknown
	case !kept.WithdrawnAt.IsZero():
		return ErrWithdrawn
	case !kept.UsedAt.IsZero():
		return ErrUsed
	case now.After(kept.ExpiresAt):
		return ErrExpired
	case kept.Service != service:
		return ErrName
	}
	used, err := d.Store.UseToken(ctx, tx, token.ID, serial, now)
	if err == nil && !used {
		err = ErrUsed
	}
	return err
}
