package main

import (
	"sync"
	"time"
)

func init() {
	// mutex_contention has three goroutines that hold a sync.Mutex for 30 ms of
	// work in turn, and a writer that holds a sync.RWMutex for 40 ms while three
	// readers want it: contention on both kinds, some ten waits each.
	workloads["mutex_contention"] = &workload{procs: 2, dur: 600 * time.Millisecond,
		run: func(e *env) {
			var mu sync.Mutex
			var rw sync.RWMutex
			var wg sync.WaitGroup
			var locks, rlocks waits
			spawn := func(n int, f func()) {
				for i := 0; i < n; i++ {
					wg.Add(1)
					go func() {
						defer wg.Done()
						for !e.stopped() {
							f()
						}
					}()
				}
			}
			spawn(3, func() { holdMutex(&mu, &locks) })
			spawn(1, func() {
				rw.Lock()
				time.Sleep(40 * time.Millisecond)
				rw.Unlock()
				time.Sleep(60 * time.Millisecond)
			})
			spawn(3, func() {
				readLocked(&rw, &rlocks)
				time.Sleep(30 * time.Millisecond)
			})
			wg.Wait()
			locks.put(e, "mutex_locks")
			rlocks.put(e, "rwmutex_rlocks")
		}}

	// mutex_long has one wait of 3.5 s for a mutex in a trace of 5 s. Every
	// generation repeats that the goroutine waits; it is one wait all the same.
	workloads["mutex_long"] = &workload{procs: 2, dur: 5 * time.Second,
		run: func(e *env) {
			var mu sync.Mutex
			var wait waits
			done := make(chan bool)
			time.Sleep(300 * time.Millisecond)
			mu.Lock()
			go func() {
				t := time.Now()
				mu.Lock()
				wait.since(t)
				mu.Unlock()
				done <- true
			}()
			time.Sleep(3500 * time.Millisecond)
			mu.Unlock()
			<-done
			e.sleepRest()
			wait.put(e, "mutex_waits")
		}}

	// mutex_stuck leaves 50 goroutines blocked for good on one mutex that is never
	// unlocked: 25 since before the trace, 25 from inside it. No wait ever ends.
	var stuck sync.Mutex
	workloads["mutex_stuck"] = &workload{procs: 2, dur: 1500 * time.Millisecond,
		setup: func(e *env) {
			stuck.Lock()
			for i := 0; i < 25; i++ {
				go lockForever(&stuck)
			}
			time.Sleep(50 * time.Millisecond)
		},
		run: func(e *env) {
			time.Sleep(300 * time.Millisecond)
			for i := 0; i < 25; i++ {
				go lockForever(&stuck)
			}
			e.sleepRest()
			e.fact("stuck_before_the_trace", 25)
			e.fact("stuck_inside_the_trace", 25)
		}}

	// sync_waits waits for everything that is no mutex, 60 ms each: WaitGroup.Wait,
	// Cond.Wait, a sync.Once whose function is slow, channels both ways. The
	// runtime blocks many of these for the same reason, "sync", as it does for
	// mutexes (those who wait for a Once even stand in Mutex.Lock).
	workloads["sync_waits"] = &workload{procs: 2, dur: 500 * time.Millisecond,
		run: func(e *env) {
			const slow = 60 * time.Millisecond
			var all sync.WaitGroup
			start := func(n int, f func()) {
				for i := 0; i < n; i++ {
					all.Add(1)
					go func() {
						defer all.Done()
						f()
					}()
				}
			}
			var group sync.WaitGroup
			group.Add(1)
			start(3, group.Wait)

			var mu sync.Mutex
			cond := sync.NewCond(&mu)
			ready := false
			start(1, func() {
				mu.Lock()
				for !ready {
					cond.Wait()
				}
				mu.Unlock()
			})

			in, out := make(chan int), make(chan int)
			start(2, func() { <-in })
			start(2, func() { out <- 1 })

			var once sync.Once
			start(4, func() { once.Do(func() { time.Sleep(slow) }) })

			time.Sleep(slow)
			group.Done()
			mu.Lock()
			ready = true
			mu.Unlock()
			cond.Broadcast()
			for i := 0; i < 2; i++ {
				in <- 1
				<-out
			}
			all.Wait()
			e.fact("waitgroup_waits", 3)
			e.fact("cond_waits", 1)
			e.fact("once_waits", 3)
			e.fact("channel_waits", 4)
			e.fact("each_about_ns", slow.Nanoseconds())
			e.fact("mutex_waits", 0)
		}}
}

//go:noinline
func holdMutex(mu *sync.Mutex, w *waits) {
	t := time.Now()
	mu.Lock()
	w.since(t)
	burn(30 * time.Millisecond)
	mu.Unlock()
}

//go:noinline
func readLocked(rw *sync.RWMutex, w *waits) {
	t := time.Now()
	rw.RLock()
	w.since(t)
	rw.RUnlock()
}

//go:noinline
func lockForever(mu *sync.Mutex) {
	mu.Lock()
	panic("nobody unlocks this mutex")
}
