package main

import (
	"os"
	"os/signal"
	"runtime"
	"syscall"
	"time"
)

// watchSignals makes the runtime's signal goroutine sit in a "syscall" for the
// whole trace, as it does in every real service.
func watchSignals() {
	signal.Notify(make(chan os.Signal, 1), syscall.SIGUSR1, syscall.SIGTERM)
	time.Sleep(10 * time.Millisecond)
}

func init() {
	// empty starts and stops the trace, and nothing else.
	workloads["empty"] = &workload{procs: 2, run: func(e *env) {}}

	// idle is a service nobody calls: a ticker every 100 ms over several
	// generations, signal handling, one GC of a tiny heap. All its Ps stand idle,
	// nothing waits for them: no rule may have a finding. (With few Ps the
	// sweeper may find none idle, and yield in a loop.)
	workloads["idle"] = &workload{procs: 8, dur: 3200 * time.Millisecond,
		setup: func(e *env) {
			watchSignals()
			runtime.GC()
		},
		run: func(e *env) {
			ticks := 0
			tk := time.NewTicker(100 * time.Millisecond)
			defer tk.Stop()
			for ; !e.stopped(); ticks++ {
				<-tk.C
				if ticks == 15 {
					collect(512 << 10)
				}
			}
			e.fact("ticks", ticks)
			e.fact("gc_cycles", 1)
		}}
}
