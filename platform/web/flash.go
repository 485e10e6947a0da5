package web

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"

	"guildhall/platform/web/ui"
)

// maxFlash bounds the text of a flash, in bytes, well under the 4 KiB of a
// cookie.
const maxFlash = 1500

// Flash shows text once, on the next page this browser opens within a minute.
// The kind is ui.Good, ui.Bad, ui.Warn or ui.Info. The text travels in a
// cookie: no secret belongs in it.
func (sh *Shell) Flash(w http.ResponseWriter, r *http.Request, kind ui.Tone, text string) {
	if len(text) > maxFlash {
		text = strings.ToValidUTF8(text[:maxFlash], "") // the cut may fall inside a character
	}
	value, err := json.Marshal(ui.Flash{Tone: kind, Text: text})
	if err != nil { // two strings always marshal
		panic(err)
	}
	// Secure follows the connection, so that the plain listener works in development.
	//nolint:gosec // G124: see above
	http.SetCookie(w, &http.Cookie{Name: flashCookie(r), Value: base64.RawURLEncoding.EncodeToString(value),
		Path: "/", MaxAge: 60, HttpOnly: true, Secure: r.TLS != nil, SameSite: http.SameSiteLaxMode})
}

// flashCookie has the __Host- prefix on TLS: no other host of the domain can
// then plant a message here.
func flashCookie(r *http.Request) string {
	if r.TLS != nil {
		return "__Host-flash"
	}
	return "flash"
}

// takeFlashes reads the waiting message and forgets it.
func takeFlashes(w http.ResponseWriter, r *http.Request) []ui.Flash {
	c, err := r.Cookie(flashCookie(r))
	if err != nil {
		return nil
	}
	//nolint:gosec // G124: as it was set
	http.SetCookie(w, &http.Cookie{Name: c.Name, Path: "/", MaxAge: -1, HttpOnly: true,
		Secure: r.TLS != nil, SameSite: http.SameSiteLaxMode})
	value, err := base64.RawURLEncoding.DecodeString(c.Value)
	if err != nil {
		return nil
	}
	var f ui.Flash
	if json.Unmarshal(value, &f) != nil || f.Text == "" {
		return nil
	}
	return []ui.Flash{f}
}
