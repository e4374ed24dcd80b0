package main

import (
	"runtime"
	"time"
)

var retained [][]byte

// retain allocates n chunks of size bytes and appends them to b.
//
//go:noinline
func retain(b [][]byte, n, size int) [][]byte {
	for i := 0; i < n; i++ {
		b = append(b, make([]byte, size))
	}
	return b
}

// heapSpike holds 300 MB for a while. The garbage around it only makes GC cycles
// end when the spike is not there yet, is there whole, and is gone.
//
//go:noinline
func heapSpike(e *env) {
	time.Sleep(200 * time.Millisecond)
	collect(4 << 20)
	time.Sleep(100 * time.Millisecond)
	spike := retain(nil, 6, 50<<20)
	collect(50 << 20)
	collect(50 << 20) // the cycle before it may have begun during the spike
	e.fact("spike_bytes", 300<<20)
	time.Sleep(100 * time.Millisecond)
	runtime.KeepAlive(spike)
	spike = nil
	collect(50 << 20)
	e.sleepRest()
	collect(4 << 20)
	collect(4 << 20)
}

// steady keeps n MB for good, and has the first cycle behind it.
func steady(e *env, n int) {
	retained = retain(nil, n, 1<<20)
	e.fact("steady_bytes", n<<20)
	runtime.GC()
	runtime.GC()
}

func init() {
	// heap_spike holds 8 MB, then 300 MB more, then 8 MB again. A GC ends while
	// the spike is live, one before it and one after: the floor of the heap goes
	// up by 300 MB and comes back before the trace ends. The spike is six
	// allocations, so that it hardly makes events. One P, because the background
	// sweeper yields in a loop when it has to wait for another P's sweeping, and
	// that would be most of the trace.
	workloads["heap_spike"] = &workload{procs: 1, dur: 1200 * time.Millisecond,
		setup: func(e *env) { steady(e, 8) }, run: heapSpike}

	// heap_saw makes 2 MB of garbage every 5 ms over 16 MB that stay: the heap
	// doubles and falls back some twenty times, which is a healthy program. Only
	// the teeth move, the floor never does.
	workloads["heap_saw"] = &workload{procs: 1, dur: 900 * time.Millisecond,
		setup: func(e *env) { steady(e, 16) },
		run: func(e *env) {
			n := 0
			for ; !e.stopped(); n++ {
				retain(nil, 1, 2<<20)
				time.Sleep(4 * time.Millisecond)
			}
			e.fact("garbage_bytes", n*2<<20)
		}}
}
