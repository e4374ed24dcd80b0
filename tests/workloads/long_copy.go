package main

import "time"

func init() {
	var c *copier

	// long_copy copies memory for some 100 ms three times, under a CPU profile: nothing else writes an event meanwhile, but
	// samples show that the copy ran.
	workloads["long_copy"] = &workload{procs: 2, dur: 600 * time.Millisecond, cpu: true,
		setup: func(e *env) {
			c = newCopier(100 * time.Millisecond)
			e.fact("copy_ns", c.one.Nanoseconds())
		},
		run: func(e *env) {
			for i := 0; i < 3; i++ {
				c.copy()
				time.Sleep(10 * time.Millisecond)
			}
		}}
}
