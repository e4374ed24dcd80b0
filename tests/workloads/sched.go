package main

import (
	"sync"
	"time"
)

func init() {
	// sched_latency has six CPU hogs on two Ps, which are preempted every 10 ms.
	// Every 40 ms the first one wakes two probes, each through its channel: the
	// second takes the P's next slot and pushes the first to the end of the run
	// queue, behind the other hogs. Runnable for tens of ms, after a wake-up.
	workloads["sched_latency"] = &workload{procs: 2, dur: 900 * time.Millisecond,
		run: func(e *env) {
			var hogs, probes sync.WaitGroup
			var late waits
			var wake [2]chan time.Time
			for i := range wake {
				wake[i] = make(chan time.Time, 1)
				probes.Add(1)
				go func(c chan time.Time) {
					defer probes.Done()
					probe(c, &late)
				}(wake[i])
			}
			time.Sleep(5 * time.Millisecond) // both wait now
			for i := 0; i < 6; i++ {
				hogs.Add(1)
				go func(i int) {
					defer hogs.Done()
					for !e.stopped() {
						burn(40 * time.Millisecond)
						if i == 0 {
							wake[0] <- time.Now()
							wake[1] <- time.Now()
						}
					}
				}(i)
			}
			hogs.Wait()
			close(wake[0])
			close(wake[1])
			probes.Wait()
			late.put(e, "probe_wakeups")
			e.fact("hogs", 6)
		}}

	var hogs sync.WaitGroup

	// fair_share has four CPU-bound goroutines on two Ps and nobody who was woken:
	// each runs its 10 ms, is preempted, and waits for its next turn. They exist
	// before the trace. A batch job looks like this and is not ill.
	workloads["fair_share"] = &workload{procs: 2, dur: 800 * time.Millisecond,
		setup: func(e *env) {
			var running sync.WaitGroup
			end := time.Now().Add(e.dur + 100*time.Millisecond)
			for i := 0; i < 4; i++ {
				hogs.Add(1)
				running.Add(1)
				go func() {
					defer hogs.Done()
					running.Done()
					burn(time.Until(end))
				}()
			}
			running.Wait()
		},
		run: func(e *env) {
			hogs.Wait()
			e.fact("hogs", 4)
		}}
}

// probe notes how long each wake-up took to arrive.
//
//go:noinline
func probe(c chan time.Time, late *waits) {
	for t := range c {
		late.since(t)
	}
}
