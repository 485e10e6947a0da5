package identity

import (
	"bufio"
	"net/http"
	"strconv"
	"time"

	"guildhall/identity/internal/feed"
	"guildhall/platform/access"
	"guildhall/platform/fault"
	"guildhall/platform/peer"
	"guildhall/sdk/go/identity/revocation"
)

// sendTimeout is how long one line may take to leave.
const sendTimeout = 10 * time.Second

// peerRoutes are what identity's internal listener serves to the other services.
func (s *service) peerRoutes() []peer.Route {
	anyone := []string{peer.Anyone}
	return append(signInPeers{s}.routes(), []peer.Route{
		{Pattern: "GET " + access.PathRevocations, Allow: anyone, Stream: true, Handler: revocations(s.feed)},
		{Pattern: "GET " + access.PathKeys, Allow: anyone, Handler: keys(s.feed)},
	}...)
}

// keys serves the key set: what came over this listener is believed.
func keys(h *feed.Hub) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		set, err := h.Keys(r.Context())
		if err != nil {
			fault.Write(w, r, err)
			return
		}
		w.Header().Set("Content-Type", "application/jwk-set+json")
		w.Header().Set("Cache-Control", "no-store")
		_, _ = w.Write(set)
	})
}

// revocations streams the feed for as long as the connection lasts.
func revocations(h *feed.Hub) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		after, err := strconv.ParseUint(r.URL.Query().Get("after"), 10, 64)
		if err != nil {
			fault.Write(w, r, fault.Fields(fault.Field{Name: "after", Code: "invalid", Detail: "Give the number of the last revocation known, or 0."}))
			return
		}
		caller, _ := peer.From(r.Context())
		out, control, begun := bufio.NewWriterSize(w, revocation.MaxLine), http.NewResponseController(w), false
		err = h.Subscribe(r.Context(), caller.Service, after, func(line string) error {
			if !begun {
				w.Header().Set("Content-Type", "application/x-ndjson")
				w.Header().Set("Cache-Control", "no-store")
				begun = true
			}
			if err := control.SetWriteDeadline(time.Now().Add(sendTimeout)); err != nil {
				return err
			}
			_, _ = out.WriteString(line)
			_ = out.WriteByte('\n')
			if err := out.Flush(); err != nil {
				return err
			}
			return control.Flush()
		})
		if err != nil && !begun { // else the end of the answer is all that it can say
			fault.Write(w, r, err)
		}
	})
}
