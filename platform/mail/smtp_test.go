package mail

import (
	"bytes"
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"time"
)

func TestSMTPDelivers(t *testing.T) {
	t.Parallel()
	for name, s := range map[string]*server{
		"starttls":           {secure: StartTLS},
		"tls":                {secure: TLS},
		"none":               {secure: Unencrypted},
		"starttls, password": {secure: StartTLS, password: "correct horse"},
		"tls, password":      {secure: TLS, password: "correct horse"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s.start(t)
			want := letter()
			if err := s.sender(t).Send(t.Context(), want); err != nil {
				t.Fatal(err)
			}
			list := s.got()
			if len(list) != 1 {
				t.Fatalf("%d letters arrived", len(list))
			}
			got := list[0]
			if got.from != "no-reply@example.com" || got.to != "anna@example.com" || got.utf8 {
				t.Errorf("the envelope is %+v", got)
			}
			if got.tls != (s.secure != Unencrypted) || (got.user == "guild") != (s.password != "") {
				t.Errorf("encrypted %v, signed in as %q", got.tls, got.user)
			}
			read, err := readLetter(bytes.NewReader(got.body))
			if err != nil {
				t.Fatal(err)
			}
			if read != want {
				t.Errorf("sent %+v\n got %+v", want, read)
			}
		})
	}
}

func TestSMTPSpeaksOtherScripts(t *testing.T) {
	t.Parallel()
	s := (&server{secure: StartTLS, utf8: true}).start(t)
	for to, want := range map[string]received{
		"anna@例子.中国": {to: "anna@xn--fsqu00a.xn--fiqs8s"},
		"用户@例子.中国":   {to: "用户@xn--fsqu00a.xn--fiqs8s", utf8: true},
	} {
		l := letter()
		l.To = to
		if err := s.sender(t).Send(t.Context(), l); err != nil {
			t.Fatal(err)
		}
		list := s.got()
		if got := list[len(list)-1]; got.to != want.to || got.utf8 != want.utf8 {
			t.Errorf("%s: arrived for %s, SMTPUTF8 %v", to, got.to, got.utf8)
		}
	}
}

// What the server will say again for this letter is told from what may pass.
func TestSMTPErrors(t *testing.T) {
	t.Parallel()
	for name, x := range map[string]struct {
		server  *server
		change  func(*SMTPOptions)
		refused bool
		text    string
	}{
		"no such reader":           {&server{secure: StartTLS, fail: says("rcpt", 550, "No such user")}, nil, true, "No such user"},
		"content refused":          {&server{secure: StartTLS, fail: says("data", 554, "Spam")}, nil, true, "Spam"},
		"greylisted":               {&server{secure: StartTLS, fail: says("rcpt", 450, "Come back")}, nil, false, "Come back"},
		"full":                     {&server{secure: StartTLS, fail: says("data", 452, "Disk full")}, nil, false, "Disk full"},
		"sender not allowed":       {&server{secure: StartTLS, fail: says("mail", 550, "Not yours")}, nil, false, "Not yours"},
		"broken":                   {&server{secure: StartTLS, fail: func(string) error { return errBroken }}, nil, false, ""},
		"wrong password":           {&server{secure: StartTLS, password: "right"}, func(o *SMTPOptions) { o.Password = "wrong" }, false, "535"},
		"no password":              {&server{secure: StartTLS, password: "right"}, func(o *SMTPOptions) { o.Username, o.Password = "", "" }, false, "502"},
		"server without accounts":  {&server{secure: StartTLS}, func(o *SMTPOptions) { o.Username, o.Password = "guild", "x" }, false, "AUTH"},
		"unknown certificate":      {&server{secure: StartTLS}, func(o *SMTPOptions) { o.Roots = nil }, false, "certificate"},
		"unknown certificate, tls": {&server{secure: TLS}, func(o *SMTPOptions) { o.Roots = nil }, false, "certificate"},
		"certificate of another":   {&server{secure: TLS}, func(o *SMTPOptions) { o.Host = "127.0.0.1" }, false, "certificate"},
		"no encryption offered":    {&server{secure: Unencrypted}, func(o *SMTPOptions) { o.Security = StartTLS }, false, "STARTTLS"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x.server.start(t)
			if x.change == nil {
				x.change = func(*SMTPOptions) {}
			}
			err := x.server.sender(t, x.change).Send(t.Context(), letter())
			if err == nil || errors.Is(err, ErrRefused) != x.refused || !strings.Contains(err.Error(), x.text) {
				t.Errorf("got %v, want refused %v and %q", err, x.refused, x.text)
			}
			if len(x.server.got()) != 0 {
				t.Error("a letter arrived all the same")
			}
		})
	}
}

func TestSMTPTakesTheServersWordWhateverComesAfter(t *testing.T) {
	t.Parallel()
	// The server hangs up in the moment in which it has the letter.
	l := listen(t)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go abrupt(c)
		}
	}()
	sender, err := NewSMTP(SMTPOptions{Host: "localhost", Port: portOf(t, l), Security: Unencrypted, Timeout: 20 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	if err := sender.Send(t.Context(), letter()); err != nil {
		t.Errorf("the letter would be sent again: %v", err)
	}
}

// abrupt takes one letter and hangs up without a goodbye.
func abrupt(c net.Conn) {
	defer func() { _ = c.Close() }()
	say := func(text string) { _, _ = c.Write([]byte(text + "\r\n")) }
	buffer := make([]byte, 1<<16)
	say("220 mail.example.com")
	for data := false; ; {
		n, err := c.Read(buffer)
		text := string(buffer[:n])
		switch {
		case err != nil:
			return
		case data && strings.HasSuffix(text, "\r\n.\r\n"):
			say("250 taken")
			return
		case data:
		case strings.HasPrefix(text, "DATA"):
			data = true
			say("354 go on")
		default:
			say("250 ok")
		}
	}
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

func TestSMTPGivesUpOnASilentServer(t *testing.T) {
	t.Parallel()
	l := listen(t) // takes connections, and says nothing
	sender, err := NewSMTP(SMTPOptions{Host: "localhost", Port: portOf(t, l), Security: StartTLS, Timeout: 50 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	if err := sender.Send(t.Context(), letter()); err == nil || errors.Is(err, ErrRefused) {
		t.Errorf("got %v", err)
	}
}

func TestSMTPStopsWhenItsContextDoes(t *testing.T) {
	t.Parallel()
	reached, release := make(chan struct{}), make(chan struct{})
	s := (&server{secure: StartTLS, fail: func(step string) error {
		if step == "data" {
			close(reached)
			<-release
		}
		return nil
	}}).start(t)
	t.Cleanup(func() { close(release) })
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.sender(t).Send(ctx, letter()) }()
	<-reached
	cancel()
	select {
	case err := <-ended:
		if err == nil || errors.Is(err, ErrRefused) {
			t.Errorf("got %v", err)
		}
	case <-time.After(15 * time.Second):
		t.Error("it still waits for the server")
	}
}

func TestSMTPNeedsEncryptionBeyondThisMachine(t *testing.T) {
	t.Parallel()
	for _, x := range []struct {
		host     string
		security Security
		username string
		ok       bool
	}{
		{"smtp.example.com", StartTLS, "guild", true}, {"smtp.example.com", TLS, "", true},
		{"127.0.0.1", Unencrypted, "", true}, {"::1", Unencrypted, "", true}, {"localhost", Unencrypted, "", true}, {"127.8.9.1", Unencrypted, "", true},
		{"smtp.example.com", Unencrypted, "", false}, {"10.0.0.1", Unencrypted, "", false}, {"localhost.example.com", Unencrypted, "", false},
		{"localhost", Unencrypted, "guild", false}, {"localhost", "", "", false}, {"localhost", "ssl", "", false},
	} {
		_, err := NewSMTP(SMTPOptions{Host: x.host, Port: 25, Security: x.security, Username: x.username})
		if (err == nil) != x.ok {
			t.Errorf("%+v: %v", x, err)
		}
	}
}
