package main

import (
	"runtime"
	"time"
)

func init() {
	// pauses collects a live heap of 2 MB 500 times, which are 1,000 pauses, while two goroutines compute.
	workloads["pauses"] = &workload{procs: 2, dur: 2 * time.Minute,
		setup: func(e *env) {
			retained = retain(nil, 2, 1<<20)
			runtime.GC()
		},
		run: func(e *env) {
			done := make(chan bool)
			for i := 0; i < 2; i++ {
				go func() {
					for {
						select {
						case <-done:
							return
						default:
							burn(100 * time.Microsecond)
						}
					}
				}()
			}
			for i := 0; i < 500; i++ {
				runtime.GC()
				time.Sleep(time.Millisecond)
			}
			close(done)
		}}
}
