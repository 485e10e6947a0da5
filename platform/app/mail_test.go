package app

import (
	"database/sql"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"guildhall/platform/backup"
	"guildhall/platform/config"
	"guildhall/platform/fault"
	"guildhall/platform/guildtest"
	"guildhall/platform/jobs"
	"guildhall/platform/mail"
	"guildhall/platform/seal"
)

// noteMails are the letters of the service "notes".
func noteMails() fstest.MapFS {
	files := fstest.MapFS{}
	for _, language := range []string{"en", "zh", "pl"} {
		files[language+"/notes.code.txt"] = &fstest.MapFile{Data: []byte(`{{define "subject"}}{{.Code}} is your code ({{.Language}}){{end}}Type {{.Code}}.`)}
		files[language+"/notes.code.html"] = &fstest.MapFile{Data: []byte(`<h1>Code</h1>{{template "code" .Code}}{{template "button" (link "https://example.com/" "Open")}}`)}
	}
	return files
}

func writesLetters(d *Definition) { d.Mails = noteMails() }

// write has the service write a letter, and waits until it was sent.
func (p *process) write(t *testing.T, m mail.Message) {
	t.Helper()
	if err := p.env.DB.Group(t.Context(), func(tx *sql.Tx) error { return p.env.Mail.Send(t.Context(), tx, m) }); err != nil {
		t.Fatal(err)
	}
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for late := time.After(30 * time.Second); ; {
		list, err := p.env.Jobs.List(t.Context(), jobs.Filter{Kind: mail.JobKind, State: jobs.Done, Limit: 1000})
		if err != nil {
			t.Fatal(err)
		}
		if waiting, err := p.env.Jobs.List(t.Context(), jobs.Filter{Kind: mail.JobKind, Limit: 1000}); err != nil || len(waiting) == len(list) {
			return
		}
		select {
		case <-tick.C:
		case <-late:
			t.Fatal("the letter was not sent")
		}
	}
}

func codeTo(address, code, language string) mail.Message {
	return mail.Message{To: address, Language: language, Template: "notes.code", Data: map[string]any{"Code": code}}
}

func TestLettersOfDevelopmentAreOnThePortal(t *testing.T) {
	t.Parallel()
	p := runAs(t, t.TempDir(), writesLetters)
	b := p.browser(t)
	mailbox := p.announced.Portal + "/mailbox"
	if status, text := get(t, b, mailbox); status != http.StatusOK || !strings.Contains(text, "No letters") {
		t.Fatalf("empty: %d %s", status, text)
	}
	if status, text := get(t, b, p.announced.Portal+"/"); status != http.StatusOK || !strings.Contains(text, `href="/mailbox"`) {
		t.Errorf("the portal does not lead to the mailbox: %d", status)
	}
	p.write(t, codeTo("anna@example.com", "481516", "pl"))
	p.write(t, codeTo("eve@example.com", "234200", "zh-CN"))
	kept := p.letters(t, "")
	if len(kept) != 2 || kept[0].Subject != "234200 is your code (zh)" || kept[1].Subject != "481516 is your code (pl)" || kept[0].From != `"guildhall" <no-reply@guildhall.localhost>` {
		t.Fatalf("kept %+v", kept)
	}
	if only := p.letters(t, "ANNA@example.com"); len(only) != 1 || only[0] != kept[1] {
		t.Errorf("those to anna: %+v", only)
	}
	_, text := get(t, b, mailbox)
	if first, second := strings.Index(text, "234200"), strings.Index(text, "481516"); first < 0 || second < first {
		t.Errorf("the list:\n%s", text)
	}
	if _, text := get(t, b, mailbox+"?q=EVE"); strings.Contains(text, "481516") || !strings.Contains(text, "234200") {
		t.Errorf("the search:\n%s", text)
	}
	if _, text := get(t, b, mailbox+"?sort=to"); strings.Index(text, "481516") > strings.Index(text, "234200") {
		t.Errorf("sorted by reader:\n%s", text)
	}
	p.seesLetter(t, b, mailbox+"/"+kept[1].Name)
	if status, _ := get(t, b, mailbox+"/20310304T050607.000000Z-none"); status != http.StatusNotFound {
		t.Errorf("a letter that is not there: %d", status)
	}
}

// seesLetter checks the page of a letter and its frame.
func (p *process) seesLetter(t *testing.T, b *http.Client, url string) {
	t.Helper()
	status, text, header := fetch(t, b, url)
	if status != http.StatusOK || !strings.Contains(text, "Type 481516.") || !strings.Contains(text, `sandbox="`) || header.Get("Cache-Control") != "no-store" {
		t.Errorf("the letter: %d %v\n%s", status, header, text)
	}
	if policy := header.Get("Content-Security-Policy"); !strings.Contains(policy, "frame-src 'self'") || !strings.Contains(policy, "script-src 'self'") {
		t.Errorf("its policy is %q", policy)
	}
	status, text, header = fetch(t, b, url+"/html")
	if status != http.StatusOK || !strings.Contains(text, `<p class="code">481516</p>`) || !strings.Contains(text, `<base target="_blank">`) || header.Get("Cache-Control") != "no-store" {
		t.Errorf("the frame: %d %v\n%s", status, header, text)
	}
	policy := header.Get("Content-Security-Policy")
	for _, part := range []string{"default-src 'none'", "sandbox allow-popups", "frame-ancestors 'self'"} {
		if !strings.Contains(policy, part) {
			t.Errorf("the frame's policy is %q", policy)
		}
	}
	if strings.Contains(policy, "script-src") || strings.Contains(policy, "allow-scripts") || strings.Contains(policy, "allow-same-origin") {
		t.Errorf("the frame's policy is %q", policy)
	}
}

func fetch(t *testing.T, b *http.Client, url string) (int, string, http.Header) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := b.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(text), resp.Header
}

// letters are those that the control socket tells of.
func (p *process) letters(t *testing.T, to string) (kept []mail.Kept) {
	t.Helper()
	c, err := Dial(t.Context(), p.options.Config.Server.Data)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.Do(t.Context(), http.MethodGet, "/mailbox?to="+to, nil, &kept); err != nil {
		t.Fatal(err)
	}
	return kept
}

func TestOnlyThisMachineSeesTheMailbox(t *testing.T) {
	t.Parallel()
	a := &App{mailbox: &mail.Mailbox{}}
	for _, x := range []struct {
		from, header string
		mailbox      *mail.Mailbox
		want         bool
	}{
		{"127.0.0.1:5000", "", a.mailbox, true}, {"[::1]:5000", "", a.mailbox, true}, {"[::ffff:127.0.0.1]:5000", "", a.mailbox, true},
		{"192.0.2.7:5000", "", a.mailbox, false}, {"[2001:db8::1]:5000", "", a.mailbox, false}, {"", "", a.mailbox, false}, {"local", "", a.mailbox, false},
		{"127.0.0.1:5000", "X-Forwarded-For", a.mailbox, false}, {"127.0.0.1:5000", "Forwarded", a.mailbox, false}, {"127.0.0.1:5000", "Via", a.mailbox, false},
		{"127.0.0.1:5000", "", nil, false},
	} {
		r := httptest.NewRequest(http.MethodGet, "/mailbox", nil)
		if r.RemoteAddr = x.from; x.header != "" {
			r.Header.Set(x.header, "192.0.2.7")
		}
		a.mailbox = x.mailbox
		if got := a.seesMailbox(r); got != x.want {
			t.Errorf("%+v: %v", x, got)
		}
	}
}

func TestMailboxIsNoPageBesideAMailServer(t *testing.T) {
	t.Parallel()
	p := runAs(t, t.TempDir(), writesLetters, func(c *Config) { c.Mail.SMTP.Host = "127.0.0.1" })
	for _, path := range []string{"/mailbox", "/mailbox/newest", "/mailbox/newest/html"} {
		if status, _ := get(t, p.browser(t), p.announced.Portal+path); status != http.StatusNotFound {
			t.Errorf("%s: %d", path, status)
		}
	}
	if _, text := get(t, p.browser(t), p.announced.Portal+"/"); strings.Contains(text, "/mailbox") {
		t.Error("the portal leads to a mailbox that is not there")
	}
	c, err := Dial(t.Context(), p.options.Config.Server.Data)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for _, path := range []string{"/mailbox", "/mailbox/newest"} {
		if err := c.Do(t.Context(), http.MethodGet, path, nil, nil); err == nil || !strings.Contains(err.Error(), "mail.smtp.host") {
			t.Errorf("%s: %v", path, err)
		}
	}
}

func TestProductionNeedsAMailServerForLetters(t *testing.T) {
	t.Parallel()
	o := options(t, t.TempDir(), nil, io.Discard)
	o.Config.Server.Production, o.Config.Server.Domain = true, "guild.example.com"
	o.Definitions[0].Mails = noteMails()
	err := Run(t.Context(), o)
	e := fault.As(err)
	if e.Kind != fault.Invalid || len(e.Fields) != 1 || e.Fields[0].Name != "mail.smtp.host" || !strings.Contains(err.Error(), "docs/guides/mail.md") {
		t.Fatalf("got %v", err)
	}
	if _, err := os.Stat(filepath.Join(o.Config.Server.Data, "notes")); !os.IsNotExist(err) {
		t.Errorf("something was made: %v", err)
	}
	o.Definitions[0].Mails = nil
	if err := o.Config.CheckServices(o.Definitions); err != nil {
		t.Errorf("without letters: %v", err)
	}
}

func TestMailKeyIsKeptAndSaved(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := runAs(t, dir, writesLetters)
	path := filepath.Join(dir, "notes", "mail.key")
	text, err := seal.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := seal.ParseKey(text, "mail"); err != nil {
		t.Error(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if !backupHolds(t, p, "mail.key") {
		t.Error("the key is in no backup")
	}
	if err := p.stop(); err != nil {
		t.Fatal(err)
	}
	for _, wrong := range []string{text[:30], seal.NewKey("identity").Text()} {
		if err := os.WriteFile(path, []byte(wrong), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := Run(t.Context(), p.options); !errors.Is(err, seal.ErrWrongKey) || !strings.Contains(err.Error(), path) {
			t.Errorf("with %d bytes of something else: %v", len(wrong), err)
		}
	}
}

// backupHolds says whether a fresh backup of the service holds the file.
func backupHolds(t *testing.T, p *process, name string) bool {
	t.Helper()
	file, err := backup.Create(t.Context(), backup.Source{Service: "notes", Dir: p.env.Dir, DB: p.env.DB}, backup.Options{To: t.TempDir(), Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	m, err := backup.Inspect(file, "")
	if err != nil {
		t.Fatal(err)
	}
	return slices.ContainsFunc(m.Members, func(x backup.Member) bool { return x.Name == "files/"+name })
}

func TestMailConfigIsChecked(t *testing.T) {
	t.Parallel()
	for key, change := range map[string]func(*MailConfig){
		"mail.product":       func(c *MailConfig) { c.Product = " " },
		"mail.from":          func(c *MailConfig) { c.From = "no-reply" },
		"mail.smtp.host":     func(c *MailConfig) { c.SMTP.Host = "smtp.example.com:587" },
		"mail.smtp.port":     func(c *MailConfig) { c.SMTP.Port = 0 },
		"mail.smtp.security": func(c *MailConfig) { c.SMTP.Security = "ssl" },
		"mail.smtp.password": func(c *MailConfig) { c.SMTP.Host, c.SMTP.Username = "smtp.example.com", "guild" },
		"mail.smtp.username": func(c *MailConfig) { c.SMTP.Host, c.SMTP.Password = "smtp.example.com", "secret" },
	} {
		c := DefaultConfig()
		change(&c.Mail)
		if e := fault.As(c.Check()); len(e.Fields) != 1 || e.Fields[0].Name != key {
			t.Errorf("%s: %+v", key, e.Fields)
		}
	}
	c := DefaultConfig()
	c.Mail.SMTP = SMTPConfig{Host: "smtp.example.com", Port: 25, Security: "none", Username: "guild", Password: config.Secret("hunter2")}
	if err := c.Check(); err == nil || strings.Contains(err.Error(), "hunter2") || fault.As(err).Fields[0].Name != "mail.smtp.security" {
		t.Errorf("unencrypted: %v", err)
	}
	for _, from := range []string{"", "no-reply@example.com", "Guild <no-reply@example.com>", "公会 <no-reply@例子.中国>"} {
		c := DefaultConfig()
		c.Mail.From = from
		c.Mail.SMTP = SMTPConfig{Host: "::1", Port: 25, Security: "none"}
		if err := c.Check(); err != nil {
			t.Errorf("%q: %v", from, err)
		}
	}
}

func TestMailboxPagesPlease(t *testing.T) {
	t.Parallel()
	p := runAs(t, t.TempDir(), writesLetters)
	ctx := guildtest.Browser(t, guildtest.BrowserOptions{Insecure: true, OnError: func(text string) {
		if !strings.Contains(text, "the document's frame is sandboxed") { // axe knocks at the letter, which runs no script
			t.Errorf("error in a page: %s", text)
		}
	}})
	mailbox := p.announced.Portal + "/mailbox"
	t.Run("empty", func(t *testing.T) { guildtest.Inspect(t, ctx, mailbox, "", "") })
	p.write(t, codeTo("anna.maria.nowak-kowalska@poczta.example.com", "481516", "pl"))
	t.Run("list", func(t *testing.T) { guildtest.Inspect(t, ctx, mailbox, "", "") })
	kept := p.letters(t, "")[0]
	t.Run("letter", func(t *testing.T) { guildtest.Inspect(t, ctx, mailbox+"/"+kept.Name, "", "") })
	// The letter as a mail program shows it, where axe may look at it.
	program := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = io.WriteString(w, kept.HTML)
	}))
	t.Cleanup(program.Close)
	t.Run("html", func(t *testing.T) { guildtest.Inspect(t, ctx, program.URL+"/", "", "") })
}
