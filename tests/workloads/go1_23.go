//go:build go1.23

package main

import (
	"iter"
	"time"
)

func init() {
	// allocfree is the annotations workload with GODEBUG=traceallocfree=1, which
	// adds experimental events and batches about every object and stack.
	workloads["allocfree"] = allocFree

	// coroutine pulls from iter.Pull iterators: goroutines that are created
	// blocked, switched to directly, and end in a switch. Every third is stopped
	// early.
	workloads["coroutine"] = &workload{procs: 2, dur: 200 * time.Millisecond,
		run: func(e *env) {
			pulls, iterators := 0, 0
			for ; iterators < 15; iterators++ {
				next, stop := iter.Pull(numbers)
				for k := 0; iterators%3 != 0 || k < 5; k++ {
					if _, ok := next(); !ok {
						break
					}
					pulls++
				}
				stop()
				time.Sleep(10 * time.Millisecond)
			}
			e.fact("values_pulled", pulls)
			e.fact("iterators", iterators)
		}}
}

func numbers(yield func(int) bool) {
	for i := 0; i < 20; i++ {
		if !yield(i) {
			return
		}
	}
}
