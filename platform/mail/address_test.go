package mail

import (
	"bytes"
	"errors"
	"net/mail"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestParseAddress(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"anna@example.com":        "anna@example.com",
		"  anna@example.com\t":    "anna@example.com",
		"Anna.Nowak+x@Example.PL": "Anna.Nowak+x@Example.PL",
		"o'brien@example.ie":      "o'brien@example.ie",
		"a@localhost":             "a@localhost",
		"用户@例子.中国":                "用户@例子.中国",
		"żółw@example.pl":         "żółw@example.pl",
	} {
		if got, err := ParseAddress(text); err != nil || got != want {
			t.Errorf("%q: %q, %v", text, got, err)
		}
	}
	for _, text := range []string{
		"", "anna", "@example.com", "anna@", "anna@@example.com", "a b@example.com", "anna@exa mple.com",
		"Anna <anna@example.com>", "<anna@example.com>", "anna@example.com, eve@example.com", "anna@example.com;eve@example.com",
		"anna(comment)@example.com", `"anna nowak"@example.com`, `"a"@example.com`, "anna@[127.0.0.1]", "anna@.example.com",
		"anna@example.com.", "anna@example..com", ".anna@example.com", "anna.@example.com", "an..na@example.com", "anna@-example.com",
		"anna@example.com\r\nBcc: eve@example.com", "anna@example.com\nBcc: eve@example.com", "anna\r\n@example.com", "an\x00na@example.com",
		"an\u200bna@example.com", "an\u202ena@example.com", "anna@exa\u00admple.com/x", "anna\xff@example.com",
		strings.Repeat("a", 65) + "@example.com", "a@" + strings.Repeat("b.", 130) + "com", "a@" + strings.Repeat("b", 64) + ".com",
	} {
		if got, err := ParseAddress(text); !errors.Is(err, ErrAddress) {
			t.Errorf("%q was taken as %q, %v", text, got, err)
		}
	}
}

// headers of every letter, and nothing else.
var wantHeaders = []string{"Auto-Submitted", "Content-Type", "Date", "From", "Message-Id", "Mime-Version", "Subject", "To"}

// written is the letter as it goes over the wire; its headers are proved to be
// ours alone.
func written(t interface{ Fatalf(string, ...any) }, l Letter) []byte {
	m, err := compose(l)
	if err != nil {
		t.Fatalf("compose: %v", err)
	}
	var out bytes.Buffer
	if _, err := m.WriteTo(&out); err != nil {
		t.Fatalf("write: %v", err)
	}
	read, err := mail.ReadMessage(bytes.NewReader(out.Bytes()))
	if err != nil {
		t.Fatalf("read: %v\n%s", err, out.String())
	}
	var got []string
	for name, values := range read.Header {
		if len(values) != 1 {
			t.Fatalf("%d headers %s:\n%s", len(values), name, out.String())
		}
		got = append(got, name)
	}
	if slices.Sort(got); !slices.Equal(got, wantHeaders) {
		t.Fatalf("headers %q:\n%s", got, out.String())
	}
	to, err := read.Header.AddressList("To")
	if err != nil || len(to) != 1 {
		t.Fatalf("readers %v, %v", to, err)
	}
	want, err := envelope(l.To)
	if err != nil || to[0].Address != want {
		t.Fatalf("to %q, want %q (%v)", to[0].Address, want, err)
	}
	for row := range strings.Lines(out.String()) {
		if len(strings.TrimRight(row, "\r\n")) > 998 || !strings.HasSuffix(row, "\r\n") {
			t.Fatalf("a line of %d bytes, %q (RFC 5322, section 2.1.1)", len(row), row)
		}
	}
	return out.Bytes()
}

func letter() Letter {
	return Letter{ID: "ltr.1@example.com", From: `"Guild" <no-reply@example.com>`, To: "anna@example.com", ToName: "Anna Nowak", Subject: "Your code: 123456",
		Text: "Your code is 123456.\n", HTML: "<p>Your code is <b>123456</b>.</p>\n", At: time.Date(2031, 3, 4, 5, 6, 7, 0, time.UTC)}
}

func FuzzParseAddress(f *testing.F) {
	for _, text := range []string{"anna@example.com", "用户@例子.中国", "a@b\r\nBcc: c@d", `"x y"@example.com`, "a@[::1]", "=?utf-8?q?a?=@example.com", "a@xn--80ak6aa92e.com", "a@b@c", "a%b!c@example.com"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		address, err := ParseAddress(text)
		if err != nil {
			return
		}
		if again, err := ParseAddress(address); err != nil || again != address {
			t.Fatalf("%q became %q, %v", address, again, err)
		}
		l := letter()
		l.To = address
		written(t, l)
	})
}

func FuzzHeadersAreOurs(f *testing.F) {
	f.Add("Anna", "Your code", "text", "<p>html</p>")
	f.Add("A\r\nBcc: eve@example.com", "S\nX-Evil: 1", ".\r\n.\r\nQUIT\r\n", "\r\n.\r\n")
	f.Add(`" <eve@example.com>, "`, "=?utf-8?q?=0d=0aBcc:_eve?=", "\x00", "\xff")
	f.Add("\u2028Bcc: x", strings.Repeat("長", 300), strings.Repeat("x", 3000), "")
	f.Fuzz(func(t *testing.T, name, subject, text, html string) {
		l := letter()
		l.ToName, l.Subject, l.Text, l.HTML = name, subject, text, html
		got, err := readLetter(bytes.NewReader(written(t, l)))
		if err != nil {
			t.Fatal(err)
		}
		if want := line(subject, maxSubject); got.Subject != want {
			t.Fatalf("the subject %q arrived as %q", want, got.Subject)
		}
	})
}

// A letter is read as it was written.
func TestLettersComeBack(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		body := rapid.StringOfN(rapid.RuneFrom([]rune("ab .=\n\tżŁ漢字€😀<>&-")), 0, 400, -1)
		l := letter()
		l.ToName = personName(rapid.String().Draw(t, "name"))
		l.Subject = line(rapid.String().Draw(t, "subject"), maxSubject)
		l.Text, l.HTML = body.Draw(t, "text"), body.Draw(t, "html")
		got, err := readLetter(bytes.NewReader(written(t, l)))
		if err != nil {
			t.Fatal(err)
		}
		if got != l {
			t.Fatalf("wrote %+v\nread  %+v", l, got)
		}
	})
}
