package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"guildhall/platform/app"
	"guildhall/platform/systemd"
)

type serveCommand struct {
	Services []string `arg:"" optional:"" help:"Services to run; all when none is named."`
	place    `embed:""`
	HTTP     string `name:"http" help:"Plain HTTP for revocation lists, OCSP and redirects (default: 127.0.0.1:8080)." placeholder:"ADDR"`
	HTTPS    string `name:"https" help:"Public HTTPS (default: 127.0.0.1:8443)." placeholder:"ADDR"`
	Internal string `help:"Mutual TLS between services, and metrics (default: 127.0.0.1:8444)." placeholder:"ADDR"`
	Domain   string `help:"Parent of all host names (default: guildhall.localhost)." placeholder:"NAME"`
}

// Help is the long text of --help.
func (serveCommand) Help() string {
	return "Services answer at https://<service>.<domain>, the portal at https://<domain>. When every service works, one line \"ready https://...\" is printed. SIGTERM stops in order, SIGHUP reloads as \"guildhall reload\" does.\n\n" + exitHelp
}

// Run serves until the context ends.
func (c *serveCommand) Run(ctx context.Context, t terminal) error {
	// Taken from the beginning: a reload while starting must not end the process.
	hangup := make(chan os.Signal, 1)
	signal.Notify(hangup, syscall.SIGHUP)
	defer signal.Stop(hangup)
	s, err := c.load()
	if err != nil {
		return err
	}
	for _, x := range []struct{ flag, to *string }{
		{&c.HTTP, &s.config.Server.HTTP}, {&c.HTTPS, &s.config.Server.HTTPS},
		{&c.Internal, &s.config.Server.Internal}, {&c.Domain, &s.config.Server.Domain},
	} {
		if *x.flag != "" {
			*x.to = *x.flag
		}
	}
	if err := s.config.Check(); err != nil {
		return err
	}
	o, err := s.options(t.err)
	if err != nil {
		return err
	}
	o.Only = c.Services
	o.Reload = func() (app.Config, error) {
		s, err := c.load()
		if err != nil {
			return app.Config{}, err
		}
		return s.config, nil
	}
	o.Hangup, o.Manager = hangup, systemd.FromEnvironment(os.Getenv, os.Getpid())
	o.Ready = func(a app.Announcement) { announce(t, a) }
	return app.Run(ctx, o)
}

func announce(t terminal, a app.Announcement) {
	if a.FirstStart {
		t.printf("%s", welcome(a))
	}
	for _, note := range a.Notes {
		t.printf("%s\n", note)
	}
	t.printf("ready %s\n", a.Portal)
}

func welcome(a app.Announcement) string {
	text := fmt.Sprintf("\nguildhall runs for the first time. Its data is in %s.\n\n", a.Data)
	if a.Link != "" {
		text += fmt.Sprintf("Administrators enter here, once, within 15 minutes:\n  %s\nLater: guildhall admin link --data %s\n\n", a.Link, a.Data)
	}
	if a.Root != "" {
		text += fmt.Sprintf("Browsers warn until they trust this installation's root certificate:\n  guildhall ca root --data %s > guildhall-root.pem\n  fingerprint (SHA-256) %s\nThe page %s says how to trust it on each system.\n\n", a.Data, a.Root, a.TrustURL)
	}
	if a.StatusURL != "" {
		text += fmt.Sprintf("Certificates say that revocation is answered at %s, on this machine. For others, set server.domain before you issue any that last.\n\n", a.StatusURL)
	}
	return text
}
