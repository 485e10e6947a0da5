package obs_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"guildhall/platform/obs"
)

func TestMetricsAreServedFromTheirOwnRegistry(t *testing.T) {
	t.Parallel()
	m, other := obs.NewMetrics(), obs.NewMetrics()
	c := prometheus.NewCounter(prometheus.CounterOpts{Name: "guildhall_things_total", Help: "Things."})
	m.Registry.MustRegister(c)
	c.Inc()
	body := func(m *obs.Metrics) string {
		w := httptest.NewRecorder()
		m.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
		if w.Code != http.StatusOK {
			t.Fatalf("status %d", w.Code)
		}
		return w.Body.String()
	}
	for _, want := range []string{"guildhall_things_total 1", "go_goroutines", "process_resident_memory_bytes"} {
		if !strings.Contains(body(m), want) {
			t.Errorf("metrics lack %s", want)
		}
	}
	if strings.Contains(body(other), "guildhall_things_total") {
		t.Error("registries share metrics")
	}
}
