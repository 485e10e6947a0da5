package peer

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"guildhall/platform/fault"
)

// The authority's routes, and bounds of their bodies in bytes.
const (
	pathEnrol  = "/peer/v1/enrol"
	pathRenew  = "/peer/v1/renew"
	pathServer = "/peer/v1/server-certificate"
	pathFollow = "/peer/v1/follow"
	pathAck    = "/peer/v1/ack"
	pathLeave  = "/peer/v1/leave"
	pathKnows  = "/peer/v1/knows"

	// readTimeout is how long a body may take to come: strangers can send one to
	// the enrolment.
	readTimeout = 10 * time.Second
	maxRequest  = 32 << 10
	maxResponse = 256 << 10
)

// certificateRequest asks for a certificate; Token is for enrolment only.
type certificateRequest struct {
	CSR   []byte `json:"csr"`
	Token string `json:"token,omitempty"`
}

// inquiry asks about a certificate (DER), and verdict answers.
type (
	inquiry struct {
		Certificate []byte `json:"certificate"`
	}
	verdict struct {
		Known bool `json:"known"`
	}
)

// acknowledgement says up to which revocation a subscriber's state counts.
type acknowledgement struct {
	Instance string `json:"instance"`
	Sequence uint64 `json:"sequence"`
}

func readJSON(w http.ResponseWriter, r *http.Request, into any) error {
	if err := http.NewResponseController(w).SetReadDeadline(time.Now().Add(readTimeout)); err != nil {
		return fmt.Errorf("limit the time of the body: %w", err)
	}
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxRequest))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		if f := fault.As(err); f.Kind == fault.TooLarge {
			return f
		}
		// The decoder's text may quote the body, and with it a token.
		return fault.New(fault.Malformed, "peer_body_malformed", "The body of %s is not the JSON that it takes.", r.URL.Path).Because(err)
	}
	return nil
}

func writeJSON(w http.ResponseWriter, v any) error {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	if err := json.NewEncoder(w).Encode(v); err != nil {
		return fmt.Errorf("write the answer: %w", err)
	}
	return nil
}
