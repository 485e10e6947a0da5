package web

import _ "embed"

var (
	//go:embed passkey.js
	passkeyScript []byte
	//go:embed send.js
	sendScript []byte
)

// PasskeyScript is the script of the passkey forms.
func PasskeyScript() []byte { return passkeyScript }

// SendScript is the script that sends an answer to an application.
func SendScript() []byte { return sendScript }
