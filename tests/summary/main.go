// summary prints, as the Go project's own summarizer has it, where the time of each goroutine of a trace went:
//
//	ID  EXEC  SCHED  SYSCALL  REASON=NS ...
//
// Fields are separated by one TAB, times are in nanoseconds, reasons are Go %q quoted.
package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"sort"

	trace "summary/itrace"
)

func fail(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func main() {
	file, err := os.Open(os.Args[1])
	fail(err)
	reader, err := trace.NewReader(bufio.NewReader(file))
	fail(err)
	summarizer := trace.NewSummarizer()
	for {
		event, err := reader.ReadEvent()
		if err == io.EOF {
			break
		}
		fail(err)
		summarizer.Event(&event)
	}
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	for id, g := range summarizer.Finalize().Goroutines {
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
