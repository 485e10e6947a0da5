package directory

import (
	"errors"
	"regexp"

	"github.com/go-ldap/ldap/v3"

	"guildhall/platform/fault"
)

// bindCode is the code of Windows behind "invalid credentials":
// "80090308: LdapErr: ..., data 52e, v1db1".
var bindCode = regexp.MustCompile(`, data ([0-9a-f]+),`)

// The codes that tell more than that the password is wrong. All but locked are told
// to whoever gave the right password alone.
const (
	codeDisabled        = "533"
	codeMustChange      = "773"
	codeExpired         = "701"
	codePasswordExpired = "532"
	codeLocked          = "775"
)

// refusal is why a bind was refused: a code, "" when the password is wrong. False
// when err is something else.
func refusal(err error) (code string, ok bool) {
	e, isLDAP := errors.AsType[*ldap.Error](err)
	if !isLDAP || e.ResultCode != ldap.LDAPResultInvalidCredentials {
		return "", false
	}
	if match := bindCode.FindStringSubmatch(e.Error()); match != nil {
		code = match[1]
	}
	return code, true
}

// bind shows the server who reads.
func (l *link) bind(dn, password string) error {
	err := l.Bind(dn, password)
	if err == nil {
		return nil
	}
	code, refused := refusal(err)
	if !refused {
		if ldap.IsErrorWithCode(err, ldap.ErrorNetwork) {
			return exactly(ErrReach, err)
		}
		return exactly(ErrBind, err)
	}
	why, known := map[string]*fault.Error{codeDisabled: ErrBindOff, codeMustChange: ErrBindChange, codeExpired: ErrBindExpired,
		codePasswordExpired: ErrBindExpired, codeLocked: ErrBindLocked}[code]
	if !known {
		why = ErrPassword
	}
	return exactly(why, err)
}
