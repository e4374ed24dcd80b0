package main

import (
	"sync"
	"syscall"
	"time"
)

func init() {
	// syscall_crowd has 100 goroutines in nanosleep(2) at a time, 30 ms each, as on a slow disk: none is long, but
	// each takes a thread.
	workloads["syscall_crowd"] = &workload{procs: 2, dur: 200 * time.Millisecond,
		run: func(e *env) {
			var wg sync.WaitGroup
			for i := 0; i < 100; i++ {
				wg.Add(1)
				go func() {
					defer wg.Done()
					for !e.stopped() {
						slowDisk()
					}
				}()
			}
			wg.Wait()
			e.fact("threads", 100)
		}}
}

//go:noinline
func slowDisk() {
	t := syscall.NsecToTimespec(int64(30 * time.Millisecond))
	for syscall.Nanosleep(&t, &t) == syscall.EINTR {
	}
}
