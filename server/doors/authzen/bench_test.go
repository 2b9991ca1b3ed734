package authzen_test

import (
	"slices"
	"testing"
	"time"
)

// BenchmarkEvaluation puts one question to a real souk, through the whole door,
// and to a real opa that has polled its bundle, in turns. Both are processes of
// their own with what they do by default: souk checks the token, looks the
// subject, the product and the grants up, logs the request and keeps the
// decision; opa gets the whole input in the request and logs the request.
func BenchmarkEvaluation(b *testing.B) {
	r := newRace(b)
	var souk, opa []time.Duration
	for b.Loop() {
		souk = append(souk, r.took(r.evaluation, `"decision":true`))
		opa = append(opa, r.took(r.data, `"outcome":"ALLOW"`))
	}
	report(b, "souk", souk)
	report(b, "opa", opa)
	b.ReportMetric(ratio(souk, opa), "souk/opa-p50")
}

// BenchmarkEvaluations measures a hundred questions at once by one of them: a
// hundred times the same, which is decided once, and about a hundred products.
func BenchmarkEvaluations(b *testing.B) {
	r := newRace(b)
	products := r.products(100)
	var same, apart, one []time.Duration
	for b.Loop() {
		same = append(same, r.took(r.evaluations, `"decision":true`))
		apart = append(apart, r.took(products, `"decision":true`))
		one = append(one, r.took(r.evaluation, `"decision":true`))
	}
	report(b, "same", same)
	report(b, "apart", apart)
	report(b, "one", one)
	b.ReportMetric(ratio(same, one), "same/one-p50")
	b.ReportMetric(ratio(apart, one), "apart/one-p50")
}

// at gives the part of the times that is not longer, in microseconds.
func at(times []time.Duration, part float64) float64 {
	slices.Sort(times)
	return float64(times[int(part*float64(len(times)-1))]) / float64(time.Microsecond)
}

func report(b *testing.B, who string, times []time.Duration) {
	b.Helper()
	b.ReportMetric(at(times, 0.5), who+"-p50-us")
	b.ReportMetric(at(times, 0.99), who+"-p99-us")
}

func ratio(a, b []time.Duration) float64 { return at(a, 0.5) / at(b, 0.5) }
