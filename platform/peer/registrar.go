package peer

import (
	"bufio"
	"context"
	"encoding/json"
	"net"
	"net/http"
	"regexp"
	"strconv"
	"time"

	"guildhall/platform/fault"
	"guildhall/platform/limit"
)

// sendTimeout is how long one update may take to leave.
const sendTimeout = 10 * time.Second

// Subscriber is one process that follows the revocation list.
type Subscriber struct {
	// Service is the identity it came with, Instance the process's own mark,
	// which outlives a restart.
	Service, Instance string
}

// Registrar serves Remote: the authority's side of the protocol over HTTP.
type Registrar struct {
	// Enrol gets the whole text of the token. From is the caller's address.
	Enrol func(ctx context.Context, r EnrolRequest, from string) (*Bundle, error)
	// Renew and ServerCertificate get who asks, as its certificate proved.
	Renew             func(ctx context.Context, c Caller, csr []byte, from string) (*Bundle, error)
	ServerCertificate func(ctx context.Context, c Caller, csr []byte, from string) (*Bundle, error)
	// Subscribe sends updates until ctx ends or sending fails.
	Subscribe func(ctx context.Context, s Subscriber, after uint64, send func(Update) error) error
	// Ack takes note that a subscriber's state counts up to seq.
	Ack func(ctx context.Context, s Subscriber, seq uint64) error
	// Knows says whether there is a record of exactly this certificate (DER).
	Knows func(ctx context.Context, certificate []byte) (bool, error)
	// Leave ends the subscriber's lease: it trusts its state no more.
	Leave func(ctx context.Context, s Subscriber) error
	// Limiter makes what bounds enrolments; nil: of this process alone.
	Limiter limit.Maker
}

// How often one address may try to enrol: a refusal costs a signature and a line
// in the audit log, and anybody can ask for one.
const (
	enrolRate  = 1
	enrolBurst = 60
)

// Routes are the registrar's routes for the authority's service.
func (g Registrar) Routes() []Route {
	anyone := []string{Anyone}
	newcomers := g.Limiter.New("enrol", limit.Options{Rate: enrolRate, Burst: enrolBurst})
	return []Route{
		{Pattern: "POST " + pathEnrol, Open: true, Handler: limit.Middleware(newcomers, limit.ClientKey, nil)(answer(g.enrol))},
		{Pattern: "POST " + pathRenew, Allow: anyone, Handler: answer(g.certificate(g.Renew))},
		{Pattern: "POST " + pathServer, Allow: anyone, Handler: answer(g.certificate(g.ServerCertificate))},
		{Pattern: "GET " + pathFollow, Allow: anyone, Stream: true, Handler: answer(g.follow)},
		{Pattern: "POST " + pathKnows, Allow: anyone, Handler: answer(g.knows)},
		{Pattern: "POST " + pathAck, Allow: anyone, Farewell: true, Handler: answer(g.ack)},
		{Pattern: "POST " + pathLeave, Allow: anyone, Farewell: true, Handler: answer(g.leave)},
	}
}

// answer turns an error into a problem document.
func answer(h func(w http.ResponseWriter, r *http.Request) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := h(w, r); err != nil {
			fault.Write(w, r, err)
		}
	})
}

func (g Registrar) enrol(w http.ResponseWriter, r *http.Request) error {
	var q certificateRequest
	if err := readJSON(w, r, &q); err != nil {
		return err
	}
	if q.Token == "" {
		return fault.Fields(fault.Field{Name: "token", Code: "required", Detail: "Enrolment over the network needs a join token."})
	}
	b, err := g.Enrol(r.Context(), EnrolRequest(q), host(r))
	if err != nil {
		return err
	}
	return writeJSON(w, b)
}

func (g Registrar) certificate(issue func(context.Context, Caller, []byte, string) (*Bundle, error)) func(http.ResponseWriter, *http.Request) error {
	return func(w http.ResponseWriter, r *http.Request) error {
		var q certificateRequest
		if err := readJSON(w, r, &q); err != nil {
			return err
		}
		c, _ := From(r.Context())
		b, err := issue(r.Context(), c, q.CSR, host(r))
		if err != nil {
			return err
		}
		return writeJSON(w, b)
	}
}

func (g Registrar) knows(w http.ResponseWriter, r *http.Request) error {
	var q inquiry
	if err := readJSON(w, r, &q); err != nil {
		return err
	}
	is, err := g.Knows(r.Context(), q.Certificate)
	if err != nil {
		return err
	}
	return writeJSON(w, verdict{Known: is})
}

func (g Registrar) ack(w http.ResponseWriter, r *http.Request) error {
	return g.note(w, r, g.Ack)
}

func (g Registrar) leave(w http.ResponseWriter, r *http.Request) error {
	return g.note(w, r, func(ctx context.Context, s Subscriber, _ uint64) error { return g.Leave(ctx, s) })
}

func (g Registrar) note(w http.ResponseWriter, r *http.Request, take func(context.Context, Subscriber, uint64) error) error {
	var a acknowledgement
	if err := readJSON(w, r, &a); err != nil {
		return err
	}
	s, err := subscriber(r, a.Instance)
	if err != nil {
		return err
	}
	if err := take(r.Context(), s, a.Sequence); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

var validInstance = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

func subscriber(r *http.Request, instance string) (Subscriber, error) {
	if !validInstance.MatchString(instance) {
		return Subscriber{}, fault.Fields(fault.Field{Name: "instance", Code: "invalid", Detail: "Give 1 to 64 letters, digits, \"-\" or \"_\"."})
	}
	c, _ := From(r.Context())
	return Subscriber{Service: c.Service, Instance: instance}, nil
}

// follow streams updates, one JSON text a line.
func (g Registrar) follow(w http.ResponseWriter, r *http.Request) error {
	after, err := strconv.ParseUint(r.URL.Query().Get("after"), 10, 64)
	if err != nil {
		return fault.Fields(fault.Field{Name: "after", Code: "invalid", Detail: "Give the number of the last revocation known, or 0."})
	}
	s, err := subscriber(r, r.URL.Query().Get("instance"))
	if err != nil {
		return err
	}
	markNews(r.Context())
	w.Header().Set("Content-Type", "application/x-ndjson")
	w.Header().Set("Cache-Control", "no-store")
	out := bufio.NewWriterSize(w, maxUpdate)
	control, lines := http.NewResponseController(w), json.NewEncoder(out)
	// The answer has begun: its end is all that an error can say.
	_ = g.Subscribe(r.Context(), s, after, func(u Update) error {
		if err := control.SetWriteDeadline(time.Now().Add(sendTimeout)); err != nil {
			return err
		}
		if err := lines.Encode(u); err != nil {
			return err
		}
		if err := out.Flush(); err != nil {
			return err
		}
		return control.Flush()
	})
	return nil
}

func host(r *http.Request) string {
	h, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return h
}
