package main

import (
	"io"
	"runtime"
	"runtime/debug"
	"runtime/pprof"
	"sync"
	"time"
)

func init() {
	var c *copier

	// gc_pause collects a tiny heap six times, each time while a goroutine is
	// early in a copy of tens of ms. The GC's stop-the-world must wait for the
	// copy: real pauses of 10 ms and more, which come from stopping, not from GC
	// work, and are in /sched/pauses/total/gc but not in MemStats.PauseNs.
	workloads["gc_pause"] = &workload{procs: 2, dur: time.Second,
		setup: func(e *env) {
			debug.SetGCPercent(-1)
			c = newCopier(40 * time.Millisecond)
			e.fact("copy_ns", c.one.Nanoseconds())
		},
		run: func(e *env) {
			c.start()
			var w waits
			for i := 0; i < 6; i++ {
				c.fresh()
				t := time.Now()
				runtime.GC()
				w.since(t)
			}
			w.put(e, "runtime_gc_calls")
			c.stop()
		}}

	// other_stw stops the world in the same way, never for the GC: statistics,
	// GOMAXPROCS changes, goroutine profiles. The copies run before the trace
	// starts and still when it ends, so that the tracer's own stops are long too.
	// None of this is a GC pause.
	workloads["other_stw"] = &workload{procs: 2, dur: time.Second,
		setup: func(e *env) {
			debug.SetGCPercent(-1)
			c = newCopier(40 * time.Millisecond)
			c.start()
			e.fact("copy_ns", c.one.Nanoseconds())
		},
		run: func(e *env) {
			var m runtime.MemStats
			var mem, procs, prof waits
			timed := func(w *waits, f func()) {
				c.fresh()
				t := time.Now()
				f()
				w.since(t)
			}
			for i := 0; i < 3; i++ {
				timed(&mem, func() { runtime.ReadMemStats(&m) })
				timed(&procs, func() { runtime.GOMAXPROCS(3 - i%2) })
				timed(&prof, func() { check(pprof.Lookup("goroutine").WriteTo(io.Discard, 0)) })
			}
			mem.put(e, "readmemstats_calls")
			procs.put(e, "gomaxprocs_calls")
			prof.put(e, "goroutine_profile_calls")
			e.fact("gc_cycles", 0)
		},
		after: func(*env) { c.stop() }}

	var live []*node

	// gc_assist lets two goroutines allocate 4 MB of pointers at a time over a
	// live heap of 128 MB in small nodes with GOGC=10: the GC falls behind, and
	// each allocation must mark tens of MB itself or wait until somebody has.
	// Few, large allocations keep the trace small.
	workloads["gc_assist"] = &workload{procs: 2, dur: 400 * time.Millisecond,
		setup: func(e *env) {
			for i := 0; i < 4; i++ {
				live = append(live, tree(19))
			}
			debug.SetGCPercent(10)
			runtime.GC()
		},
		run: func(e *env) {
			var wg sync.WaitGroup
			var alloc waits
			for i := 0; i < 2; i++ {
				wg.Add(1)
				go func() {
					defer wg.Done()
					for !e.stopped() {
						t := time.Now()
						p := allocPointers()
						alloc.since(t)
						p[0] = live[0]
						burn(500 * time.Microsecond)
					}
				}()
			}
			wg.Wait()
			alloc.put(e, "allocations_of_4MB")
		},
		after: func(*env) { runtime.KeepAlive(live) }}
}

//go:noinline
func allocPointers() []*node { return make([]*node, 512<<10) }
