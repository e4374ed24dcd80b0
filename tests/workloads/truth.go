package main

import (
	"math"
	"runtime"
	"runtime/metrics"
	"time"
)

// truth is what the program says of itself. Metrics are differences between
// just after the trace's start and just before its end, so that the stops the
// tracer itself makes there are not in them; MemStats encloses the trace.
type truth struct {
	Workload   string               `json:"workload"`
	Go         string               `json:"go"`
	GOMAXPROCS int                  `json:"gomaxprocs"`
	Seconds    float64              `json:"seconds"`
	Goroutines [2]int               `json:"goroutines_begin_end"`
	Facts      map[string]any       `json:"facts"`
	Counters   map[string]float64   `json:"counters"`
	Gauges     map[string]float64   `json:"gauges"` // at the end
	Histograms map[string]histogram `json:"histograms"`
	NumGC      uint32               `json:"memstats_num_gc"`
	PausesNS   []uint64             `json:"memstats_gc_pauses_ns"` // per cycle, without the wait for the stop

	gauge  map[string]bool
	t0     time.Time
	m0     runtime.MemStats
	before []metrics.Sample
	after  []metrics.Sample
}

// histogram is what happened of a runtime/metrics histogram. It knows its
// values only to within a bucket, so that sum and max are bounds.
type histogram struct {
	Count   uint64  `json:"count"`
	Over5   uint64  `json:"surely_5ms_or_more"`
	Over10  uint64  `json:"surely_10ms_or_more"`
	SumLow  float64 `json:"sum_at_least_s"`
	SumHigh float64 `json:"sum_at_most_s"`
	MaxLow  float64 `json:"max_at_least_s"`
	MaxHigh float64 `json:"max_at_most_s"`
	// The bounds of the buckets that hold the quantiles.
	Quantiles map[string][2]float64 `json:"quantiles_s"`
}

// wanted are the metrics worth having; each Go version has some of them.
var wanted = []string{
	"/cpu/classes/gc/mark/assist:cpu-seconds",
	"/cpu/classes/gc/mark/dedicated:cpu-seconds",
	"/cpu/classes/gc/mark/idle:cpu-seconds",
	"/cpu/classes/gc/pause:cpu-seconds",
	"/cpu/classes/gc/total:cpu-seconds",
	"/cpu/classes/idle:cpu-seconds",
	"/gc/cycles/forced:gc-cycles",
	"/gc/cycles/total:gc-cycles",
	"/gc/heap/allocs:bytes",
	"/gc/heap/goal:bytes",
	"/gc/heap/live:bytes",
	"/gc/pauses:seconds",
	"/sched/goroutines:goroutines",
	"/sched/latencies:seconds",
	"/sched/pauses/stopping/gc:seconds",
	"/sched/pauses/stopping/other:seconds",
	"/sched/pauses/total/gc:seconds",
	"/sched/pauses/total/other:seconds",
	"/sync/mutex/wait/total:seconds",
}

func newTruth(e *env) *truth {
	t := &truth{Go: runtime.Version(), GOMAXPROCS: e.procs, Facts: e.facts,
		Counters: map[string]float64{}, Gauges: map[string]float64{}, Histograms: map[string]histogram{},
		PausesNS: []uint64{}, gauge: map[string]bool{}}
	have := map[string]bool{}
	for _, d := range metrics.All() {
		have[d.Name] = true
		t.gauge[d.Name] = !d.Cumulative
	}
	for _, n := range wanted {
		if have[n] {
			t.before = append(t.before, metrics.Sample{Name: n})
			t.after = append(t.after, metrics.Sample{Name: n})
		}
	}
	runtime.ReadMemStats(&t.m0)
	metrics.Read(t.before) // the first call allocates: not inside the trace
	return t
}

func (t *truth) begin() {
	t.Goroutines[0] = runtime.NumGoroutine()
	t.t0 = time.Now()
	metrics.Read(t.before)
}

func (t *truth) end() {
	metrics.Read(t.after)
	t.Seconds = time.Since(t.t0).Seconds()
	t.Goroutines[1] = runtime.NumGoroutine()
	for i, s := range t.after {
		b := t.before[i].Value
		// Go 1.19 calls histograms of latencies and pauses not cumulative.
		if t.gauge[s.Name] && s.Value.Kind() == metrics.KindUint64 {
			t.Gauges[s.Name] = float64(s.Value.Uint64())
			continue
		}
		switch s.Value.Kind() {
		case metrics.KindUint64:
			t.Counters[s.Name] = float64(s.Value.Uint64() - b.Uint64())
		case metrics.KindFloat64:
			t.Counters[s.Name] = s.Value.Float64() - b.Float64()
		case metrics.KindFloat64Histogram:
			t.Histograms[s.Name] = difference(b.Float64Histogram(), s.Value.Float64Histogram())
		}
	}
}

// memStats notes the pauses of the GC cycles between newTruth and now.
func (t *truth) memStats() {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	t.NumGC = m.NumGC - t.m0.NumGC
	for i := t.m0.NumGC; i < m.NumGC; i++ {
		t.PausesNS = append(t.PausesNS, m.PauseNs[i%uint32(len(m.PauseNs))])
	}
}

func difference(a, b *metrics.Float64Histogram) histogram {
	h := histogram{Quantiles: map[string][2]float64{}}
	for i := range b.Counts {
		n := b.Counts[i] - a.Counts[i]
		if n == 0 {
			continue
		}
		lo, hi := math.Max(b.Buckets[i], 0), b.Buckets[i+1]
		if math.IsInf(hi, 1) {
			hi = lo
		}
		h.Count += n
		if lo >= 0.005 {
			h.Over5 += n
		}
		if lo >= 0.010 {
			h.Over10 += n
		}
		h.SumLow += lo * float64(n)
		h.SumHigh += hi * float64(n)
		h.MaxLow, h.MaxHigh = lo, hi
	}
	for name, q := range map[string]float64{"p50": 0.5, "p90": 0.9, "p99": 0.99} {
		var seen uint64
		for i := range b.Counts {
			seen += b.Counts[i] - a.Counts[i]
			if h.Count > 0 && float64(seen) >= q*float64(h.Count) {
				h.Quantiles[name] = [2]float64{math.Max(b.Buckets[i], 0), b.Buckets[i+1]}
				break
			}
		}
	}
	return h
}
