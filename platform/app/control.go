package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"guildhall/platform/audit"
	"guildhall/platform/fault"
	"guildhall/platform/session"
)

// socketPath names the control socket. Socket addresses end at 108 bytes, so a
// long path is reached through an open handle of its directory.
func socketPath(dir string) (path string, release func(), err error) {
	path = filepath.Join(dir, "control.sock")
	if len(path) < 100 {
		return path, func() {}, nil
	}
	f, err := os.Open(dir)
	if err != nil {
		return "", nil, fmt.Errorf("open the data directory: %w", err)
	}
	return fmt.Sprintf("/proc/self/fd/%d/control.sock", f.Fd()), func() { _ = f.Close() }, nil
}

// listenControl makes the socket, for its owner alone. The caller holds the
// lock of the directory, so a socket that is there is a dead one.
func listenControl(ctx context.Context, dir string) (net.Listener, error) {
	path, release, err := socketPath(dir)
	if err != nil {
		return nil, err
	}
	defer release()
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("remove the old control socket: %w", err)
	}
	old := syscall.Umask(0o177)
	l, err := new(net.ListenConfig).Listen(ctx, "unix", path)
	syscall.Umask(old)
	if err != nil {
		return nil, fmt.Errorf("listen on the control socket: %w", err)
	}
	return l, nil
}

// controlServer has no limit on the time of a request: a backup may take an hour,
// and whoever can open the socket need not be kept from holding it open.
func (a *App) controlServer() *http.Server {
	s := a.server(a.control())
	s.ConnContext = rememberUser
	return s
}

// control answers the command line. Every request of it is made by someone who
// can read the data directory, and is an administrator for that reason.
func (a *App) control() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /status", a.controlStatus)
	mux.Handle("GET /healthz", a.health)
	mux.Handle("GET /metrics", a.metrics.Handler())
	mux.HandleFunc("POST /stop", a.controlStop)
	mux.HandleFunc("POST /reload", a.controlReload)
	mux.HandleFunc("POST /backup", a.controlBackup)
	mux.HandleFunc("GET /jobs", a.controlJobs)
	mux.HandleFunc("POST /jobs/{service}/{id}/retry", a.controlRetry)
	mux.HandleFunc("GET /mailbox", a.controlMailbox)
	mux.HandleFunc("GET /mailbox/{name}", a.controlLetter)
	mux.HandleFunc("POST /admin/link", a.controlLink)
	mux.HandleFunc("POST /admin/token", a.controlToken)
	mux.HandleFunc("GET /admin/credentials", a.controlCredentials)
	mux.HandleFunc("DELETE /admin/credentials/{id}", a.controlEnd)
	for _, s := range a.services {
		prefix := "/services/" + s.def.Name
		mux.Handle(prefix+"/", http.StripPrefix(prefix, s.mux))
	}
	return asLocalUser(mux)
}

// local is the address of those who ask on this machine, through the socket.
const local = "local"

type peerKey struct{}

// rememberUser keeps the user at the other end of the socket, as the kernel
// knows him.
func rememberUser(ctx context.Context, c net.Conn) context.Context {
	name := "unknown"
	if u, ok := c.(*net.UnixConn); ok {
		if raw, err := u.SyscallConn(); err == nil {
			_ = raw.Control(func(fd uintptr) {
				if cred, err := syscall.GetsockoptUcred(int(fd), syscall.SOL_SOCKET, syscall.SO_PEERCRED); err == nil {
					name = userName(cred.Uid)
				}
			})
		}
	}
	return context.WithValue(ctx, peerKey{}, name)
}

func userName(uid uint32) string {
	text := strconv.FormatUint(uint64(uid), 10)
	if u, err := user.LookupId(text); err == nil {
		return u.Username
	}
	return "uid " + text
}

func asLocalUser(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name, _ := r.Context().Value(peerKey{}).(string)
		p := session.Principal{ID: "local:" + name, Name: name, Roles: []string{session.Everything}}
		r = r.WithContext(session.With(r.Context(), p))
		r.RemoteAddr = local
		next.ServeHTTP(w, r)
	})
}

// Status is what "guildhall status" shows.
type Status struct {
	Health
	Version string            `json:"version"`
	PID     int               `json:"pid"`
	Started time.Time         `json:"started"`
	Portal  string            `json:"portal"`
	URLs    map[string]string `json:"urls"`
	// LastBackup is the newest backup file of each service.
	LastBackup map[string]string `json:"last_backup,omitempty"`
}

func (a *App) controlStatus(w http.ResponseWriter, r *http.Request) {
	s := Status{Health: a.health.check(r.Context(), error.Error), Version: a.opts.Version, PID: os.Getpid(), Started: a.started,
		Portal: a.front(), URLs: map[string]string{}, LastBackup: map[string]string{}}
	for _, x := range a.services {
		s.URLs[x.def.Name] = a.hosts.publicURL(x.def.Name)
		if file := a.lastBackup(x.def.Name); file != "" {
			s.LastBackup[x.def.Name] = file
		}
	}
	writeJSON(w, http.StatusOK, s)
}

func (a *App) controlStop(w http.ResponseWriter, r *http.Request) {
	a.recordProcess(r.Context(), session.Caller(r.Context(), r.RemoteAddr), audit.ProcessStopped, "command")
	writeJSON(w, http.StatusAccepted, map[string]string{"status": "stopping"})
	a.stop()
}

func (a *App) controlReload(w http.ResponseWriter, r *http.Request) {
	if err := a.reload(r.Context()); err != nil {
		fault.Write(w, r, err)
		return
	}
	a.recordProcess(r.Context(), session.Caller(r.Context(), r.RemoteAddr), audit.ProcessReloaded, "command")
	writeJSON(w, http.StatusOK, map[string]string{"status": "reloaded"})
}

func (a *App) controlBackup(w http.ResponseWriter, r *http.Request) {
	files := map[string]string{}
	for _, s := range a.services {
		file, err := a.backup(r.Context(), s, byCommand(session.Caller(r.Context(), r.RemoteAddr)))
		if err != nil {
			fault.Write(w, r, fmt.Errorf("back up %s: %w", s.def.Name, err))
			return
		}
		files[s.def.Name] = file
	}
	writeJSON(w, http.StatusOK, files)
}

// Grant is a break-glass credential at the one moment when its secret is known.
type Grant struct {
	ID      string    `json:"id"`
	Secret  string    `json:"secret,omitempty"`
	URL     string    `json:"url,omitempty"`
	Expires time.Time `json:"expires"`
}

func (a *App) controlLink(w http.ResponseWriter, r *http.Request) {
	p, _ := session.From(r.Context())
	g, err := a.link(r.Context(), session.Caller(r.Context(), r.RemoteAddr), p.Name)
	if err != nil {
		fault.Write(w, r, err)
		return
	}
	writeJSON(w, http.StatusCreated, g)
}

func (a *App) link(ctx context.Context, by audit.Caller, name string) (Grant, error) {
	c, secret, err := a.door.BreakGlass.Issue(ctx, by, session.Link, name, session.LinkLife)
	if err != nil {
		return Grant{}, err
	}
	return Grant{ID: c.ID, URL: a.front() + session.EnterPath(secret), Expires: c.Expires}, nil
}

// TokenRequest asks for an API token.
type TokenRequest struct {
	Name string `json:"name"`
	// Seconds it lives, at most a year.
	Seconds int64 `json:"seconds"`
}

func (a *App) controlToken(w http.ResponseWriter, r *http.Request) {
	var in TokenRequest
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, 4096))
	d.DisallowUnknownFields()
	if err := d.Decode(&in); err != nil {
		fault.Write(w, r, fault.New(fault.Malformed, "malformed_body", "The body is not the JSON of a token request: %w", err))
		return
	}
	life := time.Duration(in.Seconds) * time.Second
	if life < time.Minute || life > 366*24*time.Hour {
		fault.Write(w, r, fault.Fields(fault.Field{Name: "seconds", Code: "out_of_range", Detail: "A token lives between a minute and a year."}))
		return
	}
	if in.Name = strings.TrimSpace(in.Name); in.Name == "" || len(in.Name) > 100 {
		fault.Write(w, r, fault.Fields(fault.Field{Name: "name", Code: "out_of_range", Detail: "Give a name of 1 to 100 characters that says what the token is for."}))
		return
	}
	c, secret, err := a.door.BreakGlass.Issue(r.Context(), session.Caller(r.Context(), r.RemoteAddr), session.Token, in.Name, life)
	if err != nil {
		fault.Write(w, r, err)
		return
	}
	writeJSON(w, http.StatusCreated, Grant{ID: c.ID, Secret: secret, Expires: c.Expires})
}

func (a *App) controlCredentials(w http.ResponseWriter, _ *http.Request) {
	list := a.door.BreakGlass.List()
	for i := range list {
		list[i].Hash = ""
	}
	writeJSON(w, http.StatusOK, list)
}

func (a *App) controlEnd(w http.ResponseWriter, r *http.Request) {
	by := session.Caller(r.Context(), r.RemoteAddr)
	end := func() error { return a.door.BreakGlass.End(r.Context(), by, r.PathValue("id")) }
	if r.PathValue("id") == "all" {
		end = func() error { return a.door.BreakGlass.EndAll(r.Context(), by) }
	}
	if err := end(); err != nil {
		fault.Write(w, r, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}
