package directory

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"time"

	"github.com/go-ldap/ldap/v3"

	"guildhall/identity/internal/account"
	"guildhall/platform/fault"
)

// signInMost bounds how long somebody waits for the directory.
const signInMost = 8 * time.Second

// Has says whether the import, while it is on, has brought the account.
func (s *Service) Has(ctx context.Context, id string) (bool, error) {
	st, err := s.State(ctx)
	if err != nil || !st.Enabled {
		return false, err
	}
	p, err := s.o.Store.ImportedAs(ctx, id)
	return p != nil, err
}

// Keeps says whether the directory keeps the account's password.
func (s *Service) Keeps(ctx context.Context, id string) (bool, error) {
	st, err := s.State(ctx)
	if err != nil || !st.Enabled || !st.SignIn {
		return false, err
	}
	p, err := s.o.Store.ImportedAs(ctx, id)
	return p != nil, err
}

// Verify asks the directory whether the password is the account's. The account "" is
// nobody's: the directory has the same work with it, so that the time of an answer
// does not tell who is in it. False without error when the import or signing in by it
// is off.
//
// The error is ErrAway, or one that only whoever gave the right password is told.
func (s *Service) Verify(ctx context.Context, id, password string) (right bool, err error) {
	st, err := s.State(ctx)
	if err != nil || !st.Enabled || !st.SignIn || password == "" {
		return false, err // an empty password would be taken for no password at all
	}
	key := ""
	if id != "" {
		p, err := s.o.Store.ImportedAs(ctx, id)
		if err != nil {
			return false, err
		}
		if p != nil {
			key = p.Key
		}
	}
	if key == "" {
		key, password = hex.EncodeToString(random()), rand.Text()
	}
	return s.ask(ctx, key, password)
}

func random() []byte {
	guid := make([]byte, 16)
	_, _ = rand.Read(guid)
	return guid
}

// ask finds the person, wherever he was moved to, and tries to bind as him.
func (s *Service) ask(ctx context.Context, key, password string) (bool, error) {
	_, settings, reading, err := s.open(ctx)
	if err != nil {
		return false, err
	}
	ctx, cancel := context.WithTimeout(ctx, signInMost)
	defer cancel()
	l, err := s.connect(ctx, settings, reading)
	if err != nil {
		return false, s.away(ctx, err)
	}
	defer l.Close()
	found, err := s.reader(l).search(settings.BaseDN, ldap.ScopeWholeSubtree, filterKey(key), "1.1")
	if err != nil {
		return false, s.away(ctx, err)
	}
	dn := "CN=" + key + "," + settings.BaseDN // nobody's
	if len(found) == 1 {
		dn = found[0].DN
	}
	err = l.Bind(dn, password)
	if err == nil {
		return len(found) == 1, nil
	}
	code, refused := refusal(err)
	if !refused && !ldap.IsErrorAnyOf(err, ldap.LDAPResultNoSuchObject, ldap.LDAPResultInappropriateAuthentication) {
		return false, s.away(ctx, err)
	}
	// What the codes tell is told to whoever gave the right password alone; that an
	// account is locked is told to everybody, so it counts as a wrong password.
	if why := map[string]*fault.Error{codeDisabled: ErrSignInOff, codeMustChange: ErrSignInChange, codeExpired: ErrSignInExpired,
		codePasswordExpired: ErrSignInExpired}[code]; why != nil {
		return false, why
	}
	return false, nil
}

// away is what is told of trouble with the directory, and logs it.
func (s *Service) away(ctx context.Context, err error) error {
	s.o.Log.WarnContext(ctx, "a password could not be checked by the directory", "code", fault.As(err).Code, "exact", Exact(err), "err", err)
	return ErrAway.Because(err)
}

// Elsewhere is what accounts are told of the passwords that the directory keeps; the
// service is made after them.
func Elsewhere(s **Service) account.Elsewhere {
	return account.Elsewhere{
		Has:    func(ctx context.Context, id string) (bool, error) { return (*s).Has(ctx, id) },
		Keeps:  func(ctx context.Context, id string) (bool, error) { return (*s).Keeps(ctx, id) },
		Verify: func(ctx context.Context, id, password string) (bool, error) { return (*s).Verify(ctx, id, password) },
	}
}
