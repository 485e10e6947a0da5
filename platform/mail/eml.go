package mail

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"strings"
	"unicode"

	gomail "github.com/wneessen/go-mail"
)

// Lengths in runes of what stands in headers.
const (
	maxName    = 100
	maxSubject = 200
)

// line is a text as one line without control characters, cut to the length: what
// may stand in a header.
func line(text string, limit int) string {
	text = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case r == unicode.ReplacementChar, !unicode.IsGraphic(r):
			return -1
		}
		return r
	}, strings.ToValidUTF8(text, ""))
	text = strings.Join(strings.Fields(text), " ")
	// In plain ASCII it would go out as it is, and be decoded by the reader.
	runes := []rune(strings.ReplaceAll(text, "=?", "= ?"))
	return strings.TrimSpace(string(runes[:min(len(runes), limit)]))
}

// personName is a name as it may stand before an address. net/mail writes a
// backslash in a way that nobody reads back (RFC 2047, section 5).
func personName(text string) string {
	return strings.ReplaceAll(line(text, maxName), `\`, "/")
}

// compose is the letter as RFC 5322 writes it.
func compose(l Letter) (*gomail.Msg, error) {
	from, err := mail.ParseAddress(l.From)
	if err != nil {
		return nil, fmt.Errorf("read the sender's address: %w", err)
	}
	if from.Address, err = envelope(from.Address); err != nil {
		return nil, err
	}
	to, err := envelope(l.To)
	if err != nil {
		return nil, err
	}
	m := gomail.NewMsg(gomail.WithNoDefaultUserAgent(), gomail.WithEncoding(gomail.EncodingQP))
	m.FromMailAddress(from)
	m.ToMailAddress(&mail.Address{Name: personName(l.ToName), Address: to})
	m.Subject(line(l.Subject, maxSubject))
	m.SetDateWithValue(l.At)
	m.SetMessageIDWithValue(l.ID)
	// No vacation notice answers such letters (RFC 3834, section 5).
	m.SetGenHeader("Auto-Submitted", "auto-generated")
	m.SetBodyString(gomail.TypeTextPlain, l.Text)
	m.AddAlternativeString(gomail.TypeTextHTML, l.HTML)
	return m, nil
}

// envelope is an address as mail servers take it.
func envelope(address string) (string, error) {
	if _, err := ParseAddress(address); err != nil {
		return "", err
	}
	local, domain, _ := cutLast(address)
	ascii, err := asciiDomain(domain)
	if err != nil {
		return "", ErrAddress
	}
	return local + "@" + ascii, nil
}

// needsUTF8 says that mail servers need SMTPUTF8 (RFC 6531) for an address: that
// of its host is written in ASCII.
func needsUTF8(address string) bool {
	a, err := mail.ParseAddress(address)
	if err != nil {
		return false
	}
	local, _, _ := cutLast(a.Address)
	return strings.ContainsFunc(local, func(r rune) bool { return r > unicode.MaxASCII })
}

// readLetter reads what compose wrote.
func readLetter(r io.Reader) (Letter, error) {
	m, err := mail.ReadMessage(r)
	if err != nil {
		return Letter{}, fmt.Errorf("read a letter: %w", err)
	}
	l, err := readHeader(m.Header)
	if err != nil {
		return Letter{}, err
	}
	_, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil {
		return Letter{}, fmt.Errorf("read a letter's type: %w", err)
	}
	for parts := multipart.NewReader(m.Body, params["boundary"]); ; {
		p, err := parts.NextRawPart()
		if errors.Is(err, io.EOF) {
			return l, nil
		}
		if err != nil {
			return Letter{}, fmt.Errorf("read a letter's part: %w", err)
		}
		text, err := io.ReadAll(quotedprintable.NewReader(p))
		if err != nil {
			return Letter{}, fmt.Errorf("read a letter's part: %w", err)
		}
		text = bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n"))
		if strings.HasPrefix(p.Header.Get("Content-Type"), "text/html") {
			l.HTML = string(text)
		} else {
			l.Text = string(text)
		}
	}
}

func readHeader(h mail.Header) (l Letter, err error) {
	words := new(mime.WordDecoder)
	if l.Subject, err = words.DecodeHeader(h.Get("Subject")); err != nil {
		return l, fmt.Errorf("read a letter's subject: %w", err)
	}
	from, err := mail.ParseAddress(h.Get("From"))
	if err != nil {
		return l, fmt.Errorf("read a letter's sender: %w", err)
	}
	to, err := mail.ParseAddress(h.Get("To"))
	if err != nil {
		return l, fmt.Errorf("read a letter's reader: %w", err)
	}
	at, err := h.Date()
	if err != nil {
		return l, fmt.Errorf("read a letter's date: %w", err)
	}
	l.ID, l.From, l.To, l.ToName, l.At = strings.Trim(h.Get("Message-Id"), "<>"), from.String(), to.Address, to.Name, at.UTC()
	return l, nil
}
