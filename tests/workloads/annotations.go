package main

import (
	"context"
	"fmt"
	"runtime/pprof"
	"runtime/trace"
	"strings"
	"sync"
	"time"
)

// odd are strings that a reader, a table or JSON may stumble over.
var odd = []string{
	"",
	"tab\there, newline\nthere, nul\x00, escape\x1b[31mred\x1b[0m",
	"quote\"backslash\\percent%d",
	"bad utf8 \xff\xfe\xc3(",
	"ünïcode – 語 🙂 \u202eright to left",
	strings.Repeat("long ", 300), // 1,500 bytes: the runtime cuts at 1,024
}

func init() {
	var before *trace.Task

	// annotations has tasks, regions and logs, nested and across goroutines, with
	// odd strings everywhere; a task that began before the trace and ends in it,
	// one that stays open over all generations, one that never ends, and a region
	// that its goroutine never closes.
	annotations := func(e *env) {
		ctx, whole := trace.NewTask(context.Background(), "whole run")
		before.End()
		_, _ = trace.NewTask(ctx, "never ended")
		tasks, regions, logs := 2, 0, 0
		for _, s := range odd {
			for _, category := range []string{"odd", s} {
				trace.Log(ctx, category, s)
				logs++
			}
			_, t := trace.NewTask(ctx, s)
			trace.WithRegion(ctx, s, func() {})
			t.End()
			tasks, regions = tasks+1, regions+1
		}
		var wg sync.WaitGroup
		for k := 0; !e.stopped(); k++ {
			job, t := trace.NewTask(ctx, fmt.Sprintf("job %d", k%5))
			wg.Add(1)
			go func() {
				defer wg.Done()
				defer trace.StartRegion(job, "in goroutine").End()
				child, t2 := trace.NewTask(job, "child")
				trace.WithRegion(child, "outer", func() {
					trace.WithRegion(child, "inner", func() { burn(100 * time.Microsecond) })
				})
				t2.End()
				t.End()
			}()
			trace.Logf(job, "iteration", "k=%d", k)
			tasks, regions, logs = tasks+2, regions+3, logs+1
			time.Sleep(40 * time.Millisecond)
		}
		wg.Add(1)
		go func() {
			defer wg.Done()
			trace.StartRegion(ctx, "never closed")
		}()
		regions++
		wg.Wait()
		whole.End()
		e.fact("tasks_begun", tasks)
		e.fact("tasks_ended", tasks) // one never does, one began before
		e.fact("regions_begun", regions)
		e.fact("logs", logs)
	}
	beforehand := func(*env) { _, before = trace.NewTask(context.Background(), "before the trace") }
	workloads["annotations"] = &workload{procs: 2, dur: 2500 * time.Millisecond, setup: beforehand, run: annotations}
	allocFree = &workload{procs: 2, dur: 200 * time.Millisecond, setup: beforehand, run: annotations,
		godebug: "traceallocfree=1"}

	// cpu_profile has CPU profiling on, with labels, over two busy goroutines: the
	// trace carries CPU samples, some of them with deep stacks.
	workloads["cpu_profile"] = &workload{procs: 2, dur: 500 * time.Millisecond, cpu: true,
		run: func(e *env) {
			var wg sync.WaitGroup
			for i := 0; i < 2; i++ {
				wg.Add(1)
				go func(i int) {
					defer wg.Done()
					pprof.Do(context.Background(), pprof.Labels("worker", fmt.Sprint(i)), func(context.Context) {
						for !e.stopped() {
							burn(10 * time.Millisecond)
							deep(40)
						}
					})
				}(i)
			}
			wg.Wait()
		}}
}

// allocFree is annotations with GODEBUG=traceallocfree=1, for those Go versions
// that know it.
var allocFree *workload

//go:noinline
func deep(n int) {
	if n == 0 {
		burn(10 * time.Millisecond)
		return
	}
	deep(n - 1)
}
