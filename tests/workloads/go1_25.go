//go:build go1.25

package main

import (
	"os"
	"runtime/trace"
	"sync"
	"time"
)

func init() {
	// flight_recorder runs runtime/trace.FlightRecorder for 2.5 s, and takes a
	// snapshot of the last moments, in which two goroutines fight over a mutex. It
	// starts in the middle of the program's life, without the trace's beginning.
	workloads["flight_recorder"] = &workload{procs: 2, dur: 2500 * time.Millisecond,
		own: func(e *env, f *os.File) error {
			fr := trace.NewFlightRecorder(trace.FlightRecorderConfig{MinAge: 500 * time.Millisecond, MaxBytes: 1 << 20})
			if err := fr.Start(); err != nil {
				return err
			}
			defer fr.Stop()
			time.Sleep(e.dur - 300*time.Millisecond)
			var mu sync.Mutex
			var wg sync.WaitGroup
			var locks waits
			for i := 0; i < 2; i++ {
				wg.Add(1)
				go func() {
					defer wg.Done()
					for !e.stopped() {
						holdMutex(&mu, &locks)
					}
				}()
			}
			wg.Wait()
			locks.put(e, "mutex_locks")
			n, err := fr.WriteTo(f)
			e.fact("snapshot_bytes", n)
			return err
		}}
}
