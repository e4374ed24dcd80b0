package main

import (
	"sync"
	"sync/atomic"
)

func init() {
	// pingpong is many events of one kind: goroutine pairs over unbuffered
	// channels, four for each P. Without -limit it ends by time; it makes some
	// 90 MB a second. For benchmarks.
	workloads["pingpong"] = &workload{procs: 2, dur: 10e6,
		run: func(e *env) {
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
		}}
}
