package main

import (
	"runtime/debug"
	"sync"
	"time"
)

// leakReceive and leakSelect are the two places where goroutine_leak loses
// goroutines.
//
//go:noinline
func leakReceive() {
	c := make(chan int)
	go func() { <-c }()
}

//go:noinline
func leakSelect() {
	a, b := make(chan int), make(chan int)
	go func() {
		select {
		case <-a:
		case b <- 1:
		}
	}()
}

func init() {
	// goroutine_leak loses 300 goroutines, five here and one there every 10 ms:
	// 250 from leakReceive and 50 from leakSelect, blocked for good.
	workloads["goroutine_leak"] = &workload{procs: 2, dur: 1200 * time.Millisecond,
		run: func(e *env) {
			for i := 0; i < 50; i++ {
				for k := 0; k < 5; k++ {
					leakReceive()
				}
				leakSelect()
				time.Sleep(10 * time.Millisecond)
			}
			e.sleepRest()
			e.fact("leaked_from_leakReceive", 250)
			e.fact("leaked_from_leakSelect", 50)
		}}

	// goroutine_churn starts 1,500 goroutines in batches of 15, and all of them
	// end. The process's first GC falls into the trace and starts its workers,
	// which stay for good. Neither is a leak.
	workloads["goroutine_churn"] = &workload{procs: 1, dur: time.Second,
		run: func(e *env) {
			for i := 0; i < 100; i++ {
				var wg sync.WaitGroup
				wg.Add(15)
				for k := 0; k < 15; k++ {
					go wg.Done()
				}
				wg.Wait()
				if i == 50 {
					collect(512 << 10)
				}
				time.Sleep(9 * time.Millisecond)
			}
			e.fact("started_and_ended", 1500)
			e.fact("gc_cycles", 1)
		}}

	// many_goroutines has 2,000 goroutines parked since before the trace, 40 of
	// which wake up once: mostly status events.
	var parked []chan int
	workloads["many_goroutines"] = &workload{procs: 2, dur: 400 * time.Millisecond,
		setup: func(e *env) {
			for i := 0; i < 2000; i++ {
				c := make(chan int)
				parked = append(parked, c)
				go func() {
					for range c {
					}
				}()
			}
			debug.SetGCPercent(-1)
			time.Sleep(50 * time.Millisecond)
		},
		run: func(e *env) {
			for i := 0; i < 40; i++ {
				parked[i*50] <- 1
				time.Sleep(9 * time.Millisecond)
			}
			e.fact("parked", len(parked))
			e.fact("woken", 40)
		}}

	// afterfunc has functions started by time.AfterFunc, whose goroutines have no
	// creation stack. Twelve fire while a mutex that they want is held for another
	// 40 ms; then eight fire at once while four hogs share the two Ps, each
	// with work for 12 ms, and wait to run for tens of ms.
	workloads["afterfunc"] = &workload{procs: 2, dur: 600 * time.Millisecond,
		run: func(e *env) {
			var mu sync.Mutex
			var done sync.WaitGroup
			var locks, late waits

			mu.Lock()
			done.Add(12)
			for i := 0; i < 12; i++ {
				time.AfterFunc(time.Duration(10+i)*time.Millisecond, func() {
					defer done.Done()
					lockOnce(&mu, &locks)
				})
			}
			time.Sleep(60 * time.Millisecond)
			mu.Unlock()
			done.Wait()

			done.Add(8 + 4)
			due := time.Now().Add(60 * time.Millisecond)
			for i := 0; i < 8; i++ {
				time.AfterFunc(time.Until(due), func() {
					defer done.Done()
					late.since(due)
					burn(12 * time.Millisecond)
				})
			}
			for i := 0; i < 4; i++ {
				go func() {
					defer done.Done()
					burn(200 * time.Millisecond)
				}()
			}
			done.Wait()
			locks.put(e, "blocked_on_mutex")
			late.put(e, "late")
		}}
}

//go:noinline
func lockOnce(mu *sync.Mutex, w *waits) {
	t := time.Now()
	mu.Lock()
	w.since(t)
	mu.Unlock()
}
