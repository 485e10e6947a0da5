package certificate

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"guildhall/ca/internal/journal"
	"guildhall/ca/internal/store"
	"guildhall/platform/audit"
	"guildhall/platform/fault"
)

// ErrAlreadyRevoked says that a certificate is revoked for another reason.
var ErrAlreadyRevoked = fault.New(fault.Conflict, "already_revoked", "The certificate is already revoked, for another reason. A revocation is final; nothing was changed.")

// reasons are those of RFC 5280, section 5.3.1, without certificateHold and
// removeFromCRL: here a revocation is final, so that no replay of an older
// state can bring a revoked peer back.
var reasons = map[string]int{"unspecified": 0, "keyCompromise": 1, "cACompromise": 2, "affiliationChanged": 3, "superseded": 4,
	"cessationOfOperation": 5, "privilegeWithdrawn": 9, "aACompromise": 10}

// Reasons are the names of the reasons for a revocation, by their number.
func Reasons() []string {
	names := slices.Collect(maps.Keys(reasons))
	slices.SortFunc(names, func(a, b string) int { return reasons[a] - reasons[b] })
	return names
}

// ReasonName is RFC 5280's name of a reason's number.
func ReasonName(reason int) string {
	for name, number := range reasons {
		if number == reason {
			return name
		}
	}
	return "unspecified"
}

// parseReason reads a reason's name; its case, hyphens and underscores do not
// matter. Empty is "unspecified".
func parseReason(text string) (int, error) {
	plain := strings.NewReplacer("-", "", "_", "").Replace(strings.ToLower(strings.TrimSpace(text)))
	if plain == "" {
		return 0, nil
	}
	for name, number := range reasons {
		if strings.ToLower(name) == plain {
			return number, nil
		}
	}
	detail := fmt.Sprintf("%q is not a reason. Use one of %s.", text, strings.Join(Reasons(), ", "))
	if plain == "certificatehold" || plain == "removefromcrl" {
		detail = "A revocation here is final: there is no hold, and nothing is taken off the list. Revoke for another reason, or do not revoke."
	}
	return 0, fault.Fields(fault.Field{Name: "reason", Code: "unknown_reason", Detail: detail})
}

// RevokeRequest asks to revoke a certificate.
type RevokeRequest struct {
	// ID is its id or its whole serial number.
	ID string
	// Reason is a name of Reasons; empty is "unspecified".
	Reason string
	By     audit.Caller
}

// Revoked is the outcome of a revocation.
type Revoked struct {
	Record *store.Record
	// Already says that it was revoked before, for the same reason.
	Already bool
	Reach   Reach
	// Unannounced says that the peers could not all be told; the log has the
	// reason. The revocation stands all the same.
	Unannounced bool
}

// Revoke revokes a certificate for good, and returns when the peers know.
// Repeating it is harmless, and tells the peers once more. A refusal is
// recorded.
func (s *Service) Revoke(ctx context.Context, r RevokeRequest) (*Revoked, error) {
	done, err := s.revoke(ctx, r)
	if err != nil {
		return nil, s.Journal.Refused(ctx, r.By, journal.RevokeRefused, r.ID, err)
	}
	if err := s.announce(ctx, done); err != nil {
		s.Log.ErrorContext(ctx, "a revocation is recorded, but not all peers could be told", "serial", done.Record.Serial, "err", err)
		done.Unannounced = true
	}
	return done, nil
}

func (s *Service) revoke(ctx context.Context, r RevokeRequest) (*Revoked, error) {
	reason, err := parseReason(r.Reason)
	if err != nil {
		return nil, err
	}
	cert, err := s.Store.FindWhole(ctx, r.ID)
	if err != nil {
		return nil, err
	}
	already := cert.Revoked()
	if !already {
		err := s.write(ctx, cert.ID, reason, r.By)
		if already = errors.Is(err, errMeanwhile); err != nil && !already {
			return nil, err
		}
		if cert, err = s.Store.Find(ctx, cert.ID); err != nil {
			return nil, err
		}
	}
	if already && r.Reason != "" && cert.Reason != reason {
		e := *ErrAlreadyRevoked
		e.Detail = fmt.Sprintf("The certificate is already revoked, for another reason: %s. A revocation is final; nothing was changed.", ReasonName(cert.Reason))
		return nil, e.With(map[string]any{"Reason": ReasonName(cert.Reason)})
	}
	return &Revoked{Record: cert, Already: already}, nil
}

// errMeanwhile ends a transaction that finds its work done.
var errMeanwhile = errors.New("revoked meanwhile")

func (s *Service) write(ctx context.Context, id string, reason int, by audit.Caller) error {
	// Signing stops when the clock was set back; revoking must not.
	now := s.Guard.Time()
	return s.DB.Group(ctx, func(tx *sql.Tx) error {
		if err := s.Journal.Append(ctx, tx, by, journal.Revoked, id, map[string]any{"reason": ReasonName(reason)}); err != nil {
			return err
		}
		cert, err := s.Store.FindTx(ctx, tx, id)
		if err != nil {
			return err
		}
		if cert.Revoked() {
			return errMeanwhile
		}
		if _, err := s.Store.Revoke(ctx, tx, cert, reason, now); err != nil {
			return err
		}
		return s.Changed(ctx, tx)
	})
}

func (s *Service) announce(ctx context.Context, done *Revoked) error {
	r, err := s.Store.RevocationOf(ctx, done.Record.Serial)
	if err != nil {
		return err
	}
	done.Reach, err = s.Announce(ctx, r)
	return err
}
