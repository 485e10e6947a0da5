package license

import (
	"context"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"guildhall/license/internal/store"
	wire "guildhall/sdk/go/license"
)

// countAnswers counts the answers to programs by call and code; the calls are few, whatever
// programs ask for.
func countAnswers(r prometheus.Registerer) func(call, code string) {
	answers := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "guildhall_license_calls_total",
		Help: "Answers to licensed programs, by what they called and the code of the answer."}, []string{"call", "code"})
	r.MustRegister(answers)
	known := []string{wire.CallActivate, wire.CallValidate, wire.CallHeartbeat, wire.CallOpen, wire.CallFunction, wire.CallFiles, wire.CallTime}
	return func(call, code string) {
		if !slices.Contains(known, call) {
			call = "other"
		}
		answers.WithLabelValues(call, code).Inc()
	}
}

// alarmTimeout bounds how long a scrape waits for the database.
const alarmTimeout = 5 * time.Second

// openAlarms tells how many alarms nobody has looked at, as the database has them: all
// nodes tell the same.
type openAlarms struct {
	store *store.Store
	open  *prometheus.Desc
}

func newOpenAlarms(s *store.Store) *openAlarms {
	return &openAlarms{s, prometheus.NewDesc("guildhall_license_open_alarms", "Alarms that nobody has acknowledged, by kind.", []string{"kind"}, nil)}
}

// Describe describes the one metric.
func (o *openAlarms) Describe(to chan<- *prometheus.Desc) { to <- o.open }

// Collect counts.
func (o *openAlarms) Collect(to chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), alarmTimeout)
	defer cancel()
	counts, err := o.store.OpenAlarms(ctx)
	if err != nil {
		to <- prometheus.NewInvalidMetric(o.open, err)
		return
	}
	for _, kind := range store.AlarmKinds() {
		to <- prometheus.MustNewConstMetric(o.open, prometheus.GaugeValue, float64(counts[kind]), kind)
	}
}
