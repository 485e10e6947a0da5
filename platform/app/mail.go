package app

import (
	"fmt"
	"net"
	netmail "net/mail"
	"path/filepath"
	"strings"

	"guildhall/platform/fault"
	"guildhall/platform/mail"
	"guildhall/platform/seal"
)

const (
	// mailKeyFile, in a service's directory, holds what seals its queued letters.
	mailKeyFile = "mail.key"
	// mailboxDir, in the data directory, is the development mailbox.
	mailboxDir = "mailbox"
	maxProduct = 60
)

func (c *MailConfig) check(r *refusals) {
	control := func(x rune) bool { return x < ' ' }
	if strings.TrimSpace(c.Product) == "" || len([]rune(c.Product)) > maxProduct || strings.ContainsFunc(c.Product, control) {
		r.add("mail.product", "Write what letters call this installation, 1 to %d characters.", maxProduct)
	}
	if _, err := c.from("guildhall.localhost"); err != nil {
		r.add("mail.from", "%q is not an address that letters can come from. Write one such as no-reply@example.com, or \"Guild <no-reply@example.com>\".", c.From)
	}
	c.SMTP.check(r)
}

// check never repeats the password.
func (c *SMTPConfig) check(r *refusals) {
	if c.Port < 1 || c.Port > 65535 {
		r.add("mail.smtp.port", "%d is not a port. Write 587 for starttls or 465 for tls.", c.Port)
	}
	const both = "Signing in takes both: set username and password, or neither."
	if c.Username == "" && c.Password != "" {
		r.add("mail.smtp.username", both)
	}
	if c.Username != "" && c.Password == "" {
		r.add("mail.smtp.password", both)
	}
	if c.Host != "" && net.ParseIP(c.Host) == nil && !validDomain(strings.ToLower(c.Host)) {
		r.add("mail.smtp.host", "%q is not a host name. Write the name alone, as in smtp.example.com; the port has a key of its own.", c.Host)
	}
	host := c.Host
	if host == "" {
		host = "localhost" // it is about the other keys
	}
	if e := fault.As(mail.CheckSecurity(host, mail.Security(c.Security), c.Username)); e != nil {
		for _, f := range e.Fields {
			r.add("mail.smtp."+f.Name, "%s", f.Detail)
		}
	}
}

// from is the sender of all letters.
func (c *MailConfig) from(domain string) (string, error) {
	if c.From == "" {
		return (&netmail.Address{Name: c.Product, Address: "no-reply@" + domain}).String(), nil
	}
	a, err := netmail.ParseAddress(c.From)
	if err != nil {
		return "", err
	}
	if _, err := mail.ParseAddress(a.Address); err != nil {
		return "", err
	}
	if a.Name == "" {
		a.Name = c.Product
	}
	return a.String(), nil
}

// CheckServices says what the services need and the configuration lacks.
func (c *Config) CheckServices(defs []Definition) error {
	for _, d := range defs {
		if d.Mails != nil && c.Server.Production && c.Mail.SMTP.Host == "" {
			return fault.Fields(fault.Field{Name: "mail.smtp.host", Code: "required", Detail: d.Name +
				" writes letters, and in production they must reach people: the mailbox is for development. Write the mail server's name into mail.smtp.host; docs/guides/mail.md says how."})
		}
	}
	return nil
}

// openMail chooses who delivers letters.
func (a *App) openMail(domain string) (err error) {
	c := a.cfg.Mail.SMTP
	switch {
	case c.Host != "":
		a.sender, err = mail.NewSMTP(mail.SMTPOptions{Host: c.Host, Port: c.Port, Security: mail.Security(c.Security),
			Username: c.Username, Password: c.Password.Reveal(), Hello: domain})
	case !a.cfg.Server.Production:
		a.mailbox = &mail.Mailbox{Dir: filepath.Join(a.cfg.Server.Data, mailboxDir)}
		a.sender = a.mailbox
	}
	return err
}

// outbox is the service's, or nil when it writes no letters.
func (a *App) outbox(s *running) (*mail.Outbox, error) {
	if s.def.Mails == nil {
		return nil, nil
	}
	key, err := seal.Load(filepath.Join(s.env.Dir, mailKeyFile), "mail")
	if err != nil {
		return nil, err
	}
	from, err := a.cfg.Mail.from(s.env.Domain)
	if err != nil {
		return nil, fmt.Errorf("read mail.from: %w", err)
	}
	return mail.NewOutbox(mail.Options{Jobs: s.env.Jobs, Sender: a.sender, Templates: s.def.Mails, From: from, Key: key,
		Product: a.cfg.Mail.Product, Language: a.cfg.Server.Language, Log: s.env.Log, Now: a.opts.Now})
}
