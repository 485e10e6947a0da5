package main

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// refusesMail starts a mail server that knows nobody, and tells the processes of the
// script where it is.
func refusesMail(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 0 {
		ts.Fatalf("usage: refuses-mail")
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	ts.Defer(func() { _ = listener.Close() })
	host, port, err := net.SplitHostPort(listener.Addr().String())
	ts.Check(err)
	ts.Setenv("GUILDHALL_MAIL_SMTP_HOST", host)
	ts.Setenv("GUILDHALL_MAIL_SMTP_PORT", port)
	ts.Setenv("GUILDHALL_MAIL_SMTP_SECURITY", "none")
	go func() {
		for {
			conn, err := listener.Accept()
			if errors.Is(err, net.ErrClosed) {
				return
			}
			if err == nil {
				go refuse(conn)
			}
		}
	}()
}

func refuse(conn net.Conn) {
	defer func() { _ = conn.Close() }()
	fmt.Fprint(conn, "220 mx.example.com ready\r\n")
	for lines := bufio.NewScanner(conn); lines.Scan(); {
		answer := "250 fine"
		if _, to, ok := strings.Cut(lines.Text(), "RCPT TO:"); ok {
			answer = "550 5.1.1 " + to + ": User unknown"
		}
		fmt.Fprint(conn, answer+"\r\n")
	}
}
