package httpd

import (
	"context"
	"net"
	"net/http"
	"regexp"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/souk-mesh/souk/graph/model"
)

// metrics counts what passes the door, in a registry of its own.
type metrics struct {
	registry   *prometheus.Registry
	requests   *prometheus.CounterVec
	duration   *prometheus.HistogramVec
	operations *prometheus.CounterVec
}

func newMetrics() *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "souk_http_requests_total", Help: "Requests answered, by route and status.",
		}, []string{"route", "status"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "souk_http_request_seconds", Help: "Time from the first byte read to the last written, by route.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30},
		}, []string{"route"}),
		operations: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "souk_graphql_operations_total", Help: "GraphQL operations, by kind and code of the first error.",
		}, []string{"kind", "code"}),
	}
	m.registry.MustRegister(m.requests, m.duration, m.operations,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// watch adds the state of the server: the one that it is in is 1.
func (m *metrics) watch(check func(context.Context) Readiness) {
	for _, state := range []Readiness{IsReady, ReadsOnly, NotReady} {
		m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "souk_state", Help: "Whether the server is in the state: ready, reads only or not ready.",
			ConstLabels: prometheus.Labels{"state": string(state)},
		}, func() float64 {
			if check(context.Background()) == state {
				return 1
			}
			return 0
		}))
	}
}

// Gauge adds a number that is looked up whenever the page is read.
func (s *Server) Gauge(name, help string, now func() float64) {
	s.metrics.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, now))
}

// Collect adds numbers that others keep.
func (s *Server) Collect(all ...prometheus.Collector) { s.metrics.registry.MustRegister(all...) }

// Measured lists what the page of metrics can show: each metric's name with
// what it counts and by which labels.
func (s *Server) Measured() map[string]string {
	descriptions := make(chan *prometheus.Desc)
	go func() {
		s.metrics.registry.Describe(descriptions)
		close(descriptions)
	}()
	all := map[string]string{}
	for d := range descriptions {
		if found := description.FindStringSubmatch(d.String()); found != nil {
			all[found[1]] = found[2]
		}
	}
	return all
}

var description = regexp.MustCompile(`^Desc\{fqName: "(souk_[a-z_]+)", help: "(.*?)", (?:unit|constLabels)`)

// request counts one. Labels come from patterns and codes of ours, so that
// strangers cannot make them grow.
func (m *metrics) request(r *http.Request, rec *record, took time.Duration) {
	route := r.Pattern
	if route == "" {
		route = "none"
	}
	m.requests.WithLabelValues(route, strconv.Itoa(rec.status)).Inc()
	m.duration.WithLabelValues(route).Observe(took.Seconds())
	if rec.code == "" {
		return
	}
	kind := rec.kind
	if kind == "" {
		kind = "none"
	}
	m.operations.WithLabelValues(kind, rec.code).Inc()
}

// Metrics is the page that Prometheus reads. It is open to programs on this
// machine and to signed-in administrators, to nobody else.
func (s *Server) Metrics(auth authenticator) http.Handler {
	page := promhttp.HandlerFor(s.metrics.registry, promhttp.HandlerOpts{Registry: s.metrics.registry})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if local(r) {
			page.ServeHTTP(w, r)
			return
		}
		who, err := signIn(r, auth)
		switch {
		case err != nil:
			s.turnAway(w, r, err)
		case !who.Has(model.RoleAdmin):
			s.plain.refuse(w, r, mediaJSON, "", refuse(http.StatusForbidden, string(model.KindDenied), "metrics are for administrators"))
		default:
			page.ServeHTTP(w, r)
		}
	})
}

// local tells a program on this machine from a proxy on it that speaks for
// somebody else.
func local(r *http.Request) bool {
	for _, header := range []string{"Forwarded", "X-Forwarded-For", "X-Real-Ip", "Via"} {
		if r.Header.Get(header) != "" {
			return false
		}
	}
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	return err == nil && net.ParseIP(host).IsLoopback()
}
