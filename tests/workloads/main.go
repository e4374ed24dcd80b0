// Command workloads runs one named workload under the Go execution tracer. It
// writes the trace, and next to it what the program measured of itself: what a
// right analysis of the trace must agree with.
//
//	workloads -list
//	workloads -w NAME -o FILE [-d DURATION] [-p GOMAXPROCS] [-limit BYTES]
//	workloads -w service -o FILE [-worse FAULT]
//	workloads -w server [-addr 127.0.0.1:0] [-d DURATION] [-worse later]
//
// A workload provokes one thing and little else, and is made for few events:
// most traces have 5 to 60 KB. Standard library only; it builds with Go 1.19
// and all later ones.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/pprof"
	"runtime/trace"
	"sort"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// A workload is one file's worth of provocation, registered in init.
type workload struct {
	procs   int                            // GOMAXPROCS
	dur     time.Duration                  // how long run lasts, about
	setup   func(e *env)                   // before the trace starts
	run     func(e *env)                   // inside the trace
	after   func(e *env)                   // after the trace has ended
	own     func(e *env, w *os.File) error // traces by itself, instead of run
	serve   func(e *env) error             // makes no trace at all
	cpu     bool                           // with CPU profiling on
	godebug string                         // needs this GODEBUG from the start
}

var workloads = map[string]*workload{}

// env is what a workload knows about its run.
type env struct {
	dur      time.Duration
	procs    int
	addr     string
	limit    int64
	worse    string      // what is worse than usual
	full     atomic.Bool // the trace has reached limit bytes
	deadline time.Time

	mu    sync.Mutex
	facts map[string]any
}

// fact notes something that the program did or measured.
func (e *env) fact(k string, v any) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.facts[k] = v
}

// stopped says whether run should end. It looks at the clock, so that no timer
// and no goroutine of ours stands in the trace.
func (e *env) stopped() bool {
	if e.limit > 0 {
		return e.full.Load()
	}
	return !time.Now().Before(e.deadline)
}

// sleepRest sleeps until run should end.
func (e *env) sleepRest() { time.Sleep(time.Until(e.deadline)) }

// limitWriter tells e when its file has grown to e.limit.
type limitWriter struct {
	io.Writer
	e *env
	n int64
}

func (w *limitWriter) Write(p []byte) (int, error) {
	n, err := w.Writer.Write(p)
	w.n += int64(n)
	if w.e.limit > 0 && w.n >= w.e.limit {
		w.e.full.Store(true)
	}
	return n, err
}

// names lists the keys of a map.
func names[T any](m map[string]T, between string) string {
	var all []string
	for n := range m {
		all = append(all, n)
	}
	sort.Strings(all)
	return strings.Join(all, between)
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "workloads:", err)
		os.Exit(1)
	}
}

func main() {
	childMain()
	name := flag.String("w", "", "workload")
	out := flag.String("o", "", "trace file; FILE.truth.json is written next to it")
	dur := flag.Duration("d", 0, "length (default: the workload's own)")
	procs := flag.Int("p", 0, "GOMAXPROCS (default: the workload's own)")
	limit := flag.Int64("limit", 0, "end when the trace has this many bytes, not by time")
	worse := flag.String("worse", "", "what service has too much of: "+names(faults, " "))
	addr := flag.String("addr", "127.0.0.1:0", "where server listens")
	list := flag.Bool("list", false, "print the workloads this Go version can run")
	flag.Parse()
	if *list {
		fmt.Println(names(workloads, "\n"))
		return
	}
	w := workloads[*name]
	if w == nil {
		fmt.Fprintf(os.Stderr, "workloads: no workload %q in %s\n", *name, runtime.Version())
		os.Exit(3)
	}
	if w.godebug != "" && os.Getenv("GODEBUG") != w.godebug {
		check(os.Setenv("GODEBUG", w.godebug))
		check(syscall.Exec("/proc/self/exe", os.Args, os.Environ()))
	}
	e := &env{dur: w.dur, procs: w.procs, addr: *addr, limit: *limit, worse: *worse, facts: map[string]any{}}
	if *dur > 0 {
		e.dur = *dur
	}
	if *procs > 0 {
		e.procs = *procs
	}
	if e.procs > 0 {
		runtime.GOMAXPROCS(e.procs)
	}
	if w.serve != nil {
		check(w.serve(e))
		return
	}
	f, err := os.Create(*out)
	check(err)
	t, err := measure(w, e, f)
	check(err)
	check(f.Close())
	t.Workload = *name
	b, err := json.MarshalIndent(t, "", "  ")
	check(err)
	check(os.WriteFile(strings.TrimSuffix(*out, ".trace")+".truth.json", append(b, '\n'), 0o644))
}

// measure runs w, its trace going to f, and says what it was.
func measure(w *workload, e *env, f *os.File) (*truth, error) {
	if w.setup != nil {
		w.setup(e)
	}
	if w.cpu {
		if err := pprof.StartCPUProfile(io.Discard); err != nil {
			return nil, err
		}
		defer pprof.StopCPUProfile()
	}
	t := newTruth(e)
	if w.own != nil {
		t.begin()
		e.deadline = time.Now().Add(e.dur)
		if err := w.own(e, f); err != nil {
			return nil, err
		}
		t.end()
	} else {
		if err := trace.Start(&limitWriter{Writer: f, e: e}); err != nil {
			return nil, err
		}
		t.begin()
		e.deadline = time.Now().Add(e.dur)
		w.run(e)
		t.end()
		trace.Stop()
	}
	if w.after != nil {
		w.after(e)
	}
	t.memStats()
	return t, nil
}
