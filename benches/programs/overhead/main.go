// Programs whose CPU time and latencies benches/overhead compares with and
// without tracing.
//
//	overhead server      an HTTP server that is busy all the time
//	overhead pingpong    goroutines that hand values to each other
//	overhead batch       workers that hash, sort and allocate
//	overhead idle        20 requests a second and a few timers
//	overhead client ADDRESS SECONDS   the load of the server
//
// Each program but the client serves net/http/pprof, /stats and /rates on a
// free port, which it prints. /stats has what happened since the call before.
package main

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"log"
	"net"
	"net/http"
	"net/http/pprof"
	"os"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// Stats are the operations of a window of time.
type Stats struct {
	Operations int64         `json:"operations"`
	CPU        time.Duration `json:"cpu_ns"`
	P50        time.Duration `json:"p50_ns"`
	P99        time.Duration `json:"p99_ns"`
	PprofBytes int64         `json:"pprof_bytes"`
}

// recorder counts operations and keeps the durations of some of them.
type recorder struct {
	operations atomic.Int64
	bytes      atomic.Int64
	mu         sync.Mutex
	durations  []time.Duration
	lastCPU    time.Duration
}

// kept bounds the durations of one window.
const kept = 1 << 20

func (r *recorder) observe(d time.Duration) {
	r.mu.Lock()
	if len(r.durations) < kept {
		r.durations = append(r.durations, d)
	}
	r.mu.Unlock()
}

func (r *recorder) take() Stats {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := cpuTime()
	s := Stats{Operations: r.operations.Swap(0), CPU: now - r.lastCPU, PprofBytes: r.bytes.Swap(0)}
	s.P50, s.P99 = percentiles(r.durations)
	r.lastCPU, r.durations = now, r.durations[:0]
	return s
}

func percentiles(durations []time.Duration) (p50, p99 time.Duration) {
	if len(durations) == 0 {
		return 0, 0
	}
	slices.Sort(durations)
	return durations[len(durations)/2], durations[len(durations)*99/100]
}

func cpuTime() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		log.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// countingWriter counts the bytes of profiles and traces.
type countingWriter struct {
	http.ResponseWriter
	bytes *atomic.Int64
}

func (w countingWriter) Write(p []byte) (int, error) {
	w.bytes.Add(int64(len(p)))
	return w.ResponseWriter.Write(p)
}

func (w countingWriter) Flush() {
	w.ResponseWriter.(http.Flusher).Flush()
}

func serve(r *recorder, work http.HandlerFunc) {
	counted := func(h http.HandlerFunc) http.HandlerFunc {
		return func(w http.ResponseWriter, q *http.Request) { h(countingWriter{w, &r.bytes}, q) }
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/debug/pprof/", counted(pprof.Index))
	mux.HandleFunc("/debug/pprof/trace", counted(pprof.Trace))
	mux.HandleFunc("/debug/pprof/profile", counted(pprof.Profile))
	mux.HandleFunc("/stats", func(w http.ResponseWriter, _ *http.Request) { json.NewEncoder(w).Encode(r.take()) })
	mux.HandleFunc("/rates", func(_ http.ResponseWriter, q *http.Request) {
		block, _ := strconv.Atoi(q.FormValue("block"))
		mutex, _ := strconv.Atoi(q.FormValue("mutex"))
		runtime.SetBlockProfileRate(block)
		runtime.SetMutexProfileFraction(mutex)
	})
	mux.HandleFunc("/work", work)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(listener.Addr())
	log.Fatal(http.Serve(listener, mux))
}

type order struct {
	ID    int      `json:"id"`
	Items []string `json:"items"`
}

// answer is the work of one request: some allocation and a lock.
func answer(r *recorder) http.HandlerFunc {
	var mu sync.Mutex
	served := 0
	return func(w http.ResponseWriter, _ *http.Request) {
		mu.Lock()
		served++
		n := served
		mu.Unlock()
		body, _ := json.Marshal(order{n, []string{"bread", "milk", "tea"}})
		w.Write(body)
		r.operations.Add(1)
	}
}

func pingpong(r *recorder) {
	for i := 0; i < 4*runtime.GOMAXPROCS(0); i++ {
		ping, pong := make(chan int), make(chan int)
		go func() {
			for v := range ping {
				pong <- v
			}
		}()
		go func() {
			for n := 0; ; n++ {
				started := time.Now()
				ping <- n
				<-pong
				r.operations.Add(1)
				if n%64 == 0 {
					r.observe(time.Since(started))
				}
			}
		}()
	}
}

func batch(r *recorder) {
	jobs := make(chan int)
	for i := 0; i < runtime.GOMAXPROCS(0); i++ {
		go func() {
			for seed := range jobs {
				started := time.Now()
				digests := make([][]byte, 0, 1000)
				for j := 0; j < 1000; j++ {
					sum := sha256.Sum256([]byte(strconv.Itoa(seed + j)))
					digests = append(digests, sum[:])
				}
				slices.SortFunc(digests, func(a, b []byte) int { return slices.Compare(a, b) })
				r.operations.Add(1)
				r.observe(time.Since(started))
			}
		}()
	}
	go func() {
		for n := 0; ; n++ {
			jobs <- n
		}
	}()
}

// idle asks its own server 20 times a second, as a health check and a few users would.
func idle(r *recorder, address string) {
	for range time.Tick(50 * time.Millisecond) {
		started := time.Now()
		response, err := http.Get("http://" + address + "/work")
		if err != nil {
			log.Fatal(err)
		}
		response.Body.Close()
		r.observe(time.Since(started))
	}
}

// client keeps 16 connections busy and prints the statistics of its requests.
func client(address string, seconds float64) {
	var r recorder
	var group sync.WaitGroup
	end := time.Now().Add(time.Duration(seconds * float64(time.Second)))
	for i := 0; i < 16; i++ {
		group.Add(1)
		go func() {
			defer group.Done()
			connection, err := net.Dial("tcp", address)
			if err != nil {
				log.Fatal(err)
			}
			defer connection.Close()
			request := []byte("GET /work HTTP/1.1\r\nHost: overhead\r\n\r\n")
			buffer := make([]byte, 4096)
			for time.Now().Before(end) {
				started := time.Now()
				if _, err := connection.Write(request); err != nil {
					log.Fatal(err)
				}
				// Answers are smaller than a packet.
				if _, err := connection.Read(buffer); err != nil {
					log.Fatal(err)
				}
				r.operations.Add(1)
				r.observe(time.Since(started))
			}
		}()
	}
	group.Wait()
	json.NewEncoder(os.Stdout).Encode(r.take())
}

func main() {
	log.SetFlags(0)
	if len(os.Args) == 4 && os.Args[1] == "client" {
		seconds, err := strconv.ParseFloat(os.Args[3], 64)
		if err != nil {
			log.Fatal(err)
		}
		client(os.Args[2], seconds)
		return
	}
	if len(os.Args) != 2 {
		log.Fatal("usage: overhead server|pingpong|batch|idle, or overhead client ADDRESS SECONDS")
	}
	var r recorder
	switch os.Args[1] {
	case "server":
	case "pingpong":
		pingpong(&r)
	case "batch":
		batch(&r)
	case "idle":
		go func() {
			own := httpServer(&r)
			idle(&r, own)
		}()
	default:
		log.Fatalf("unknown program %q", os.Args[1])
	}
	serve(&r, answer(&r))
}

// httpServer is the server of the idle program's requests.
func httpServer(r *recorder) string {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	go func() { log.Fatal(http.Serve(listener, answer(r))) }()
	return listener.Addr().String()
}
