package peer

import (
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"time"
)

// dialled is an outgoing connection below TLS. It leaves the account of
// connections when it is closed.
//
// A TLS 1.3 client has finished before the server has judged its certificate. A
// request sent then may run into the closed connection and never meet the alert
// that says why. So await reads the server's first record, which is a session
// ticket or that alert, before the connection is used.
type dialled struct {
	net.Conn
	conns *connections
	first []byte // what of the first record has not been read yet
	only  bool   // nothing but first is to be read
}

// Close implements net.Conn.
func (d *dialled) Close() error {
	d.conns.remove(d.Conn)
	return d.Conn.Close()
}

// Read implements net.Conn.
func (d *dialled) Read(p []byte) (int, error) {
	if len(d.first) > 0 {
		n := copy(p, d.first)
		d.first = d.first[n:]
		return n, nil
	}
	if d.only {
		return 0, noMore{}
	}
	return d.Conn.Read(p)
}

// noMore ends a read without ending the connection: crypto/tls goes on after a
// temporary error.
type noMore struct{}

func (noMore) Error() string   { return "no more for now" }
func (noMore) Timeout() bool   { return true }
func (noMore) Temporary() bool { return true }

// await returns once the server has accepted us, or with its alert.
func (d *dialled) await(ctx context.Context, conn *tls.Conn) error {
	stop := context.AfterFunc(ctx, func() { _ = d.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	var header [5]byte // type, version, length: RFC 8446, section 5.1
	if _, err := io.ReadFull(d.Conn, header[:]); err != nil {
		return fmt.Errorf("wait for the server's word on our certificate: %w", err)
	}
	record := make([]byte, len(header)+int(binary.BigEndian.Uint16(header[3:])))
	copy(record, header[:])
	if _, err := io.ReadFull(d.Conn, record[len(header):]); err != nil {
		return fmt.Errorf("read the server's word on our certificate: %w", err)
	}
	d.first, d.only = record, true
	n, err := conn.Read(make([]byte, 1))
	d.only = false
	if n > 0 {
		return errors.New("the server began with data instead of a session ticket")
	}
	if !errors.Is(err, noMore{}) {
		return err
	}
	return nil
}

// noResumption asks the server for tickets, since its ticket is the word that
// await waits for, and keeps none: on a resumption the ticket comes before the
// server has judged, and connections are kept alive anyway.
type noResumption struct{}

// Get implements tls.ClientSessionCache.
func (noResumption) Get(string) (*tls.ClientSessionState, bool) { return nil, false }

// Put implements tls.ClientSessionCache.
func (noResumption) Put(string, *tls.ClientSessionState) {}
