package main

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"runtime"
	"runtime/trace"
	"strconv"
	"sync"
	"time"
)

func init() {
	// measured is a service that measures itself. /debug/pprof/trace?seconds=N traces N seconds of load that allocates
	// over a live heap of 96 MB. /truth has what runtime/metrics counted over the same window, which begins and ends
	// outside a garbage collection.
	workloads["measured"] = &workload{procs: 2, serve: func(e *env) error {
		live := retain(nil, 32, 1<<20)
		nodes := tree(21)
		var mu sync.Mutex
		var last *truth
		mux := http.NewServeMux()
		mux.HandleFunc("/truth", func(w http.ResponseWriter, _ *http.Request) {
			mu.Lock()
			defer mu.Unlock()
			json.NewEncoder(w).Encode(last)
		})
		mux.HandleFunc("/debug/pprof/trace", func(w http.ResponseWriter, r *http.Request) {
			seconds, err := strconv.ParseFloat(r.FormValue("seconds"), 64)
			if err != nil {
				http.Error(w, err.Error(), http.StatusBadRequest)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			runtime.GC()
			t := newTruth(e)
			w.Header().Set("Content-Type", "application/octet-stream")
			if err := trace.Start(w); err != nil {
				http.Error(w, err.Error(), http.StatusInternalServerError)
				return
			}
			t.begin()
			end := time.Now().Add(time.Duration(seconds * float64(time.Second)))
			allocate(end)
			runtime.GC()
			t.end()
			trace.Stop()
			t.Workload = "measured"
			last = t
		})
		ln, err := net.Listen("tcp", e.addr)
		check(err)
		fmt.Println(ln.Addr())
		err = http.Serve(ln, mux)
		runtime.KeepAlive(live)
		runtime.KeepAlive(nodes)
		return err
	}}
}

// allocate makes garbage on two goroutines until then.
func allocate(end time.Time) {
	var wg sync.WaitGroup
	for i := 0; i < 2; i++ {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for time.Now().Before(end) {
				collectable(64)
				time.Sleep(200 * time.Microsecond)
			}
		}()
	}
	wg.Wait()
}

var garbage *node

// collectable allocates n times 8 KB in small nodes, all of them garbage at once.
//
//go:noinline
func collectable(n int) {
	for i := 0; i < n; i++ {
		garbage = tree(7)
	}
}
