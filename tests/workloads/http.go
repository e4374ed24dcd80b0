package main

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	_ "net/http/pprof" // served by server
	"os"
	"os/signal"
	"runtime"
	"runtime/trace"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// site is a small HTTP service, with a task and regions for each request.
type site struct {
	mu    sync.Mutex
	cache map[string]string
	reqs  atomic.Int64
}

func (s *site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.reqs.Add(1)
	ctx, task := trace.NewTask(r.Context(), "request")
	defer task.End()
	trace.Log(ctx, "path", r.URL.RequestURI())
	key := r.URL.Query().Get("k")
	var val string
	trace.WithRegion(ctx, "lookup", func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		val = s.cache[key]
	})
	if val == "" {
		val = compute(ctx, key)
		s.mu.Lock()
		s.cache[key] = val
		s.mu.Unlock()
	}
	json.NewEncoder(w).Encode(map[string]string{"key": key, "value": val})
}

func compute(ctx context.Context, key string) string {
	defer trace.StartRegion(ctx, "compute").End()
	h := sha256.Sum256([]byte(key))
	for i := 0; i < 20; i++ {
		h = sha256.Sum256(h[:])
	}
	return fmt.Sprintf("%x", h)
}

func (s *site) listen(addr string) (base string, shut func()) {
	s.cache = map[string]string{}
	ln, err := net.Listen("tcp", addr)
	check(err)
	mux := http.NewServeMux()
	mux.Handle("/work", s)
	mux.Handle("/debug/", http.DefaultServeMux)
	srv := &http.Server{Handler: mux}
	go srv.Serve(ln)
	return "http://" + ln.Addr().String(), func() { srv.Close() }
}

// clients runs n closed-loop clients, each pausing between its requests.
func clients(base string, n int, pause time.Duration, stopped func() bool) int64 {
	tr := &http.Transport{MaxIdleConnsPerHost: n}
	defer tr.CloseIdleConnections()
	cl := &http.Client{Transport: tr}
	var wg sync.WaitGroup
	var reqs atomic.Int64
	for i := 0; i < n; i++ {
		wg.Add(1)
		go func(i int) {
			defer wg.Done()
			for k := 0; !stopped(); k++ {
				resp, err := cl.Get(fmt.Sprintf("%s/work?k=%d-%d", base, i, k%97))
				check(err)
				_, err = io.Copy(io.Discard, resp.Body)
				check(err)
				resp.Body.Close()
				reqs.Add(1)
				time.Sleep(pause)
			}
		}(i)
	}
	wg.Wait()
	return reqs.Load()
}

func init() {
	serveLoad := func(n int, pause time.Duration) func(e *env) {
		return func(e *env) {
			var s site
			base, shut := s.listen("127.0.0.1:0")
			e.fact("requests", clients(base, n, pause, e.stopped))
			shut()
		}
	}

	// http is a small service with two clients over loopback: network waits,
	// tasks, regions and logs of a program that is well.
	workloads["http"] = &workload{procs: 2, dur: 600 * time.Millisecond, run: serveLoad(2, 40*time.Millisecond)}

	// http_steady is the same with 30 clients: five seconds have 1.3 MB.
	workloads["http_steady"] = &workload{procs: 2, dur: 5 * time.Second, run: serveLoad(30, 40*time.Millisecond)}

	// http_busy is the same without pauses, 16 clients: some 6 MB a second, with
	// -limit as large as a benchmark wants it.
	workloads["http_busy"] = &workload{procs: 2, dur: 60 * time.Millisecond, run: serveLoad(16, 0)}

	// server makes no trace. It is a real service with net/http/pprof that prints
	// its address as its first line and lives until -d is over or it is told to
	// end: two clients of its own, and twice a second a GC that must wait for a
	// huge copy, so that every trace fetched from it has GC pauses. With
	// -worse=later the pauses begin with a request of /debug/pauses.
	workloads["server"] = &workload{procs: 2, serve: func(e *env) error {
		var s site
		base, shut := s.listen(e.addr)
		defer shut()
		fmt.Println(base)
		end := make(chan os.Signal, 1)
		signal.Notify(end, os.Interrupt, syscall.SIGTERM)
		if e.dur > 0 {
			time.AfterFunc(e.dur, func() { end <- os.Interrupt })
		}
		var over atomic.Bool
		go clients(base, 2, 20*time.Millisecond, over.Load)
		begin := make(chan struct{})
		var once sync.Once
		http.HandleFunc("/debug/pauses", func(http.ResponseWriter, *http.Request) {
			once.Do(func() { close(begin) })
		})
		if e.worse != "later" {
			once.Do(func() { close(begin) })
		}
		go func() {
			c := newCopier(40 * time.Millisecond)
			<-begin
			for !over.Load() {
				go copy(c.dst, c.src)
				time.Sleep(3 * time.Millisecond)
				runtime.GC()
				time.Sleep(500 * time.Millisecond)
			}
		}()
		<-end
		over.Store(true)
		return nil
	}}
}
