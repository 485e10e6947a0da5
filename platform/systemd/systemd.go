// Package systemd tells the service manager that started the process how it is:
// ready, stopping, and alive again and again, which a unit asks for by WatchdogSec.
// Without a manager, in a terminal or a container, it does nothing.
package systemd

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"
)

// What the manager understands, see sd_notify(3).
const (
	Ready    = "READY=1"
	Stopping = "STOPPING=1"
	Alive    = "WATCHDOG=1"
)

// Manager is who hears it. The zero value hears nothing.
type Manager struct {
	// Socket is a path, or an abstract name after an @.
	Socket string
	// Patience is how long the manager waits for Alive before it ends the process; 0:
	// for ever.
	Patience time.Duration
}

// FromEnvironment finds the manager of the process pid by the variables that getenv knows.
func FromEnvironment(getenv func(string) string, pid int) Manager {
	m := Manager{Socket: getenv("NOTIFY_SOCKET")}
	if !strings.HasPrefix(m.Socket, "/") && !strings.HasPrefix(m.Socket, "@") {
		return Manager{} // vsock: is for whole machines
	}
	if of := getenv("WATCHDOG_PID"); of != "" && of != strconv.Itoa(pid) {
		return m // inherited from a process that has a watchdog of its own
	}
	if micros, err := strconv.ParseInt(getenv("WATCHDOG_USEC"), 10, 64); err == nil && micros > 0 {
		m.Patience = time.Duration(micros) * time.Microsecond
	}
	return m
}

// sendTimeout bounds a word to a manager that does not listen.
const sendTimeout = 5 * time.Second

// Tell says one thing.
func (m Manager) Tell(state string) error {
	if m.Socket == "" {
		return nil
	}
	c, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: m.Socket, Net: "unixgram"})
	if err != nil {
		return fmt.Errorf("reach the service manager: %w", err)
	}
	defer func() { _ = c.Close() }()
	_ = c.SetWriteDeadline(time.Now().Add(sendTimeout)) // never fails on an open socket
	if _, err := c.Write([]byte(state)); err != nil {
		return fmt.Errorf("tell the service manager %s: %w", state, err)
	}
	return nil
}

// Keep says Alive at each half of the manager's patience for which alive finds nothing
// wrong, until the context ends. What goes wrong is given to failed: the manager acts on
// what it does not hear.
func (m Manager) Keep(ctx context.Context, alive func(context.Context) error, failed func(error)) {
	if m.Socket == "" || m.Patience == 0 {
		return
	}
	tick := time.NewTicker(m.Patience / 2)
	defer tick.Stop()
	for {
		err := alive(ctx)
		if err == nil {
			err = m.Tell(Alive)
		}
		if err != nil && ctx.Err() == nil {
			failed(err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}
