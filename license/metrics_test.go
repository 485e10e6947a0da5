package license

import (
	"database/sql"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"guildhall/license/internal/call"
	"guildhall/license/internal/store"
	wire "guildhall/sdk/go/license"
)

func TestMetricsCountAnswersAndOpenAlarms(t *testing.T) {
	t.Parallel()
	onBothOffices(t, func(t *testing.T, o *office) {
		ok(t, second(o.catalogue.CreateProduct(t.Context(), "press", "Press", "", boss)))
		for _, name := range []string{wire.CallTime, wire.CallTime, "none of ours"} {
			_, err := o.calls.Answer(t.Context(), callRequest(name, o.clock.Now()))
			ok(t, err)
		}
		at := o.clock.Now()
		for id, kind := range map[string]string{"alm_1": store.AlarmGuesses, "alm_2": store.AlarmMismatches, "alm_3": store.AlarmGuesses} {
			ok(t, o.journal.Group(t.Context(), func(tx *sql.Tx) error {
				return o.store.InsertAlarm(t.Context(), tx, store.Alarm{ID: id, Kind: kind, IP: id, Count: 1, At: at, LastAt: at})
			}))
		}
		ok(t, second(o.client.AcknowledgeAlarm(t.Context(), "alm_2")))
		answer := httptest.NewRecorder()
		promhttp.HandlerFor(o.env.Metrics.(*prometheus.Registry), promhttp.HandlerOpts{}).ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/metrics", nil))
		for _, want := range []string{`guildhall_license_calls_total{call="other",code="card_unknown"} 1`, `guildhall_license_calls_total{call="time",code="ok"} 2`,
			`guildhall_license_open_alarms{kind="guesses"} 2`, `guildhall_license_open_alarms{kind="mismatches"} 0`} {
			if !strings.Contains(answer.Body.String(), want+"\n") {
				t.Errorf("without %s:\n%s", want, answer.Body)
			}
		}
	})
}

// callRequest is a request of nobody's card.
func callRequest(name string, at time.Time) call.Incoming {
	return call.Incoming{Request: wire.Request{Call: name, Product: "press", Time: at.UnixMilli(), Nonce: "0123456789abcdef", Card: "none"}}
}
