package obs

import (
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Metrics holds what the process counts. It has a registry of its own, so that
// tests can run several processes' worth side by side.
type Metrics struct {
	Registry *prometheus.Registry
}

// NewMetrics makes a registry with the collectors of the Go runtime and of the
// process.
func NewMetrics() *Metrics {
	r := prometheus.NewRegistry()
	r.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return &Metrics{Registry: r}
}

// Handler answers with all metrics in the format of Prometheus. A collector
// that fails costs its own metrics alone.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.Registry, promhttp.HandlerOpts{
		Registry: m.Registry, ErrorHandling: promhttp.ContinueOnError, EnableOpenMetrics: true,
	})
}
