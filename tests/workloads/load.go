package main

import (
	"os"
	"sync"
	"sync/atomic"
)

// For benchmarks: each does one thing as fast as it can. Without -limit they
// end by time.
func init() {
	// pingpong is many events of one kind: goroutine pairs over unbuffered
	// channels, four for each P. It makes some 90 MB a second.
	workloads["pingpong"] = &workload{procs: 2, dur: 10e6, run: pingpong}
	// profiled is the same with a CPU profile running: its samples stand in the
	// trace.
	workloads["profiled"] = &workload{procs: 2, dur: 10e6, cpu: true, run: pingpong}

	// churn is goroutines that end as soon as they began.
	workloads["churn"] = &workload{procs: 2, dur: 10e6,
		run: func(e *env) {
			var created int64
			for !e.stopped() {
				var wg sync.WaitGroup
				for i := 0; i < 256; i++ {
					wg.Add(1)
					go wg.Done()
				}
				wg.Wait()
				created += 256
			}
			e.fact("created", created)
		}}

	// syscalls reads nothing from a file, over and over, on every P.
	workloads["syscalls"] = &workload{procs: 2, dur: 10e6,
		run: func(e *env) {
			var wg sync.WaitGroup
			var reads atomic.Int64
			for i := 0; i < e.procs; i++ {
				wg.Add(1)
				go func() {
					defer wg.Done()
					f, err := os.Open(os.DevNull)
					check(err)
					defer f.Close()
					buf := make([]byte, 1)
					for !e.stopped() {
						f.Read(buf)
						reads.Add(1)
					}
				}()
			}
			wg.Wait()
			e.fact("reads", reads.Load())
		}}
}

func pingpong(e *env) {
	var wg sync.WaitGroup
	var rounds atomic.Int64
	for i := 0; i < 4*e.procs; i++ {
		a, b := make(chan int), make(chan int)
		wg.Add(2)
		go func() {
			defer wg.Done()
			for v := range a {
				b <- v + 1
			}
		}()
		go func() {
			defer wg.Done()
			defer close(a)
			for n := int64(0); ; n++ {
				if n%64 == 0 && e.stopped() {
					rounds.Add(n)
					return
				}
				a <- 1
				<-b
			}
		}()
	}
	wg.Wait()
	e.fact("rounds", rounds.Load())
}
