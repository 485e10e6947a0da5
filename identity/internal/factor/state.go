package factor

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"guildhall/platform/db"
)

// What a state was made for: an answer to one question is none to the other.
const (
	forAdding = "add"
	forSignIn = "sign-in"
)

// stateName is what states are sealed for; a skewed clock of another node may
// make one seem to come from the future, by at most maxSkew.
const (
	stateName = "passkey-state"
	maxSkew   = time.Minute
	// maxState bounds what is decoded.
	maxState = 2048
)

// state is the question that was put to a passkey. The browser keeps it, sealed,
// and brings it back with the answer.
type state struct {
	Kind      string `json:"k"`
	Account   string `json:"a,omitempty"`
	Challenge string `json:"c"`
	// Issued is when it was asked, in microseconds. It makes answers good for
	// once: none is taken that was asked for before the passkey's last use.
	Issued int64 `json:"t"`
}

func (d *Desk) sealState(kind, account, challenge string) (string, error) {
	text, err := json.Marshal(state{Kind: kind, Account: account, Challenge: challenge, Issued: db.Micros(d.now())})
	if err != nil {
		return "", fmt.Errorf("write a passkey's state: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(d.key.Seal(stateName, text)), nil
}

// openState reads a state that was made for this use and account not long ago.
// Every error is ErrPasskey.
func (d *Desk) openState(text, kind, account string) (state, error) {
	if len(text) > maxState {
		return state{}, ErrPasskey.Because(errors.New("the state is too long"))
	}
	sealed, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return state{}, ErrPasskey.Because(err)
	}
	plain, err := d.key.Open(stateName, sealed)
	if err != nil {
		return state{}, ErrPasskey.Because(err)
	}
	var s state
	if err := json.Unmarshal(plain, &s); err != nil {
		return state{}, ErrPasskey.Because(err)
	}
	age := d.now().Sub(db.FromMicros(s.Issued))
	switch {
	case s.Kind != kind || s.Account != account:
		return state{}, ErrPasskey.Because(errors.New("the state was made for something else"))
	case age > StateLife || age < -maxSkew:
		return state{}, ErrPasskey.Because(fmt.Errorf("the state is %s old", age))
	}
	return s, nil
}
