package app

import (
	"context"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// measure counts the requests of a host by status and method. The label of the
// service is fixed, so that no visitor can make more series.
func (a *App) measure(service string, next http.Handler) http.Handler {
	return promhttp.InstrumentHandlerDuration(a.requests.MustCurryWith(prometheus.Labels{"service": service}), next)
}

func newRequests(r prometheus.Registerer) *prometheus.HistogramVec {
	v := prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "guildhall_http_request_seconds", Help: "Time until a request was answered.",
		Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 10}}, []string{"service", "method", "code"})
	r.MustRegister(v)
	return v
}

// state is what is looked up at each scrape. Services add metrics of their own
// through Env.Metrics.
type state struct {
	app                    *App
	up, jobs, lease, known *prometheus.Desc
}

func newState(a *App) *state {
	return &state{app: a,
		up:    prometheus.NewDesc("guildhall_service_up", "1 when the service works, else 0.", []string{"service"}, nil),
		jobs:  prometheus.NewDesc("guildhall_jobs", "Background jobs by service, kind and state.", []string{"service", "kind", "state"}, nil),
		lease: prometheus.NewDesc("guildhall_peer_lease_seconds", "Seconds until connections between services are refused without news from the authority.", nil, nil),
		known: prometheus.NewDesc("guildhall_peer_revoked", "Revoked certificates of services that this process knows.", nil, nil)}
}

// Describe names the metrics.
func (s *state) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{s.up, s.jobs, s.lease, s.known} {
		ch <- d
	}
}

// Collect asks each service.
func (s *state) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), healthTimeout)
	defer cancel()
	for name, reason := range s.app.health.check(ctx, error.Error).Services {
		up := 0.0
		if reason == "ok" {
			up = 1
		}
		ch <- prometheus.MustNewConstMetric(s.up, prometheus.GaugeValue, up, name)
	}
	for _, x := range s.app.services {
		stats, err := x.env.Jobs.Stats(ctx)
		if err != nil {
			ch <- prometheus.NewInvalidMetric(s.jobs, err)
			continue
		}
		for _, j := range stats {
			ch <- prometheus.MustNewConstMetric(s.jobs, prometheus.GaugeValue, float64(j.Count), x.def.Name, j.Kind, string(j.State))
		}
	}
	known := s.app.node.Revocations()
	ch <- prometheus.MustNewConstMetric(s.lease, prometheus.GaugeValue, max(0, known.StaleIn().Truncate(time.Millisecond).Seconds()))
	ch <- prometheus.MustNewConstMetric(s.known, prometheus.GaugeValue, float64(known.Size()))
}
