package web

import _ "embed"

//go:embed passkey.js
var passkeyScript []byte

// PasskeyScript is the script of the passkey forms.
func PasskeyScript() []byte { return passkeyScript }
