// summary prints, as the Go project's own summarizer has it, where the time of each goroutine of a trace went:
//
//	ID  EXEC  SCHED  SYSCALL  REASON=NS ...
//
// With -user before the trace, it prints the tasks and regions that begin and end in it, by name:
//
//	task    NAME  COUNT  DURATION
//	region  NAME  COUNT  DURATION  EXEC  SCHED  SYSCALL  BLOCKED
//
// With -mmu before the trace, it prints the minimum mutator utilization for windows of each length:
//
//	WINDOW  RATIO
//
// Fields are separated by one TAB, times are in nanoseconds, reasons are Go %q quoted.
package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"sort"
	"time"

	trace "summary/itrace"
)

func fail(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// windows are the lengths for which -mmu prints the minimum mutator utilization.
var windows = []time.Duration{
	time.Millisecond, 2 * time.Millisecond, 5 * time.Millisecond,
	10 * time.Millisecond, 20 * time.Millisecond, 50 * time.Millisecond,
	100 * time.Millisecond, 200 * time.Millisecond, 500 * time.Millisecond,
	time.Second,
}

func main() {
	mode := os.Args[1]
	file, err := os.Open(os.Args[len(os.Args)-1])
	fail(err)
	reader, err := trace.NewReader(bufio.NewReader(file))
	fail(err)
	summarizer := trace.NewSummarizer()
	var events []trace.Event
	for {
		event, err := reader.ReadEvent()
		if err == io.EOF {
			break
		}
		fail(err)
		summarizer.Event(&event)
		if mode == "-mmu" {
			events = append(events, event)
		}
	}
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	if mode == "-mmu" {
		utilization := trace.MutatorUtilizationV2(events, trace.UtilSTW|trace.UtilBackground|trace.UtilAssist)
		curve := trace.NewMMUCurve(utilization)
		for _, window := range windows {
			fmt.Fprintf(out, "%d\t%.6f\n", window.Nanoseconds(), curve.MMU(window))
		}
		return
	}
	summary := summarizer.Finalize()
	if mode == "-user" {
		tasksAndRegions(out, summary)
		return
	}
	for id, g := range summary.Goroutines {
		fmt.Fprintf(out, "%d\t%d\t%d\t%d", id, g.ExecTime, g.SchedWaitTime, g.SyscallTime+g.SyscallBlockTime)
		var reasons []string
		for reason := range g.BlockTimeByReason {
			reasons = append(reasons, reason)
		}
		sort.Strings(reasons)
		for _, reason := range reasons {
			fmt.Fprintf(out, "\t%q=%d", reason, g.BlockTimeByReason[reason])
		}
		fmt.Fprintln(out)
	}
}

func tasksAndRegions(out io.Writer, summary *trace.Summary) {
	type sums struct {
		count int
		times [5]int64
	}
	add := func(all map[string]*sums, name string, times ...int64) {
		if all[name] == nil {
			all[name] = &sums{}
		}
		all[name].count++
		for i, time := range times {
			all[name].times[i] += time
		}
	}
	tasks, regions := map[string]*sums{}, map[string]*sums{}
	for _, task := range summary.Tasks {
		if task.Complete() {
			add(tasks, task.Name, int64(task.End.Time().Sub(task.Start.Time())))
		}
	}
	for _, g := range summary.Goroutines {
		for _, r := range g.Regions {
			if r.Start == nil || r.End == nil {
				continue
			}
			var blocked int64
			for _, time := range r.BlockTimeByReason {
				blocked += int64(time)
			}
			add(regions, r.Name, int64(r.End.Time().Sub(r.Start.Time())), int64(r.ExecTime),
				int64(r.SchedWaitTime), int64(r.SyscallTime+r.SyscallBlockTime), blocked)
		}
	}
	for name, s := range tasks {
		fmt.Fprintf(out, "task\t%q\t%d\t%d\n", name, s.count, s.times[0])
	}
	for name, s := range regions {
		t := s.times
		fmt.Fprintf(out, "region\t%q\t%d\t%d\t%d\t%d\t%d\t%d\n", name, s.count, t[0], t[1], t[2], t[3], t[4])
	}
}
