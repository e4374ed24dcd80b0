// Command server answers its own requests while it is traced, and prints how
// many there were for each handler and how long they took by its own clock:
//
//	HANDLER  COUNT  NANOSECONDS
//
// server KIND TRACE, where KIND is
//
//	keepalive  HTTP/1, each client on one connection
//	close      HTTP/1, a connection for each request
//	tls        HTTP/1 over TLS
//	http2      HTTP/2 over TLS
//	slow       as keepalive, with a lock that is held ten times as long
package main

import (
	"crypto/tls"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime/trace"
	"sync"
	"time"
)

const (
	clients  = 4
	requests = 10 // of each client to each handler
)

var (
	mu   sync.Mutex
	hold = 2 * time.Millisecond
)

// fast has no event of its own.
func fast(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "fast") }

func sleeps(w http.ResponseWriter, _ *http.Request) {
	time.Sleep(5 * time.Millisecond)
	fmt.Fprintln(w, "slept")
}

func locks(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	mu.Lock()
	time.Sleep(hold)
	mu.Unlock()
	fmt.Fprintln(w, "locked", len(body))
}

// timed measures requests by the server's own clock.
type timed struct {
	next  http.Handler
	mu    sync.Mutex
	count map[string]int
	took  map[string]time.Duration
}

func (t *timed) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	start := time.Now()
	t.next.ServeHTTP(w, r)
	took := time.Since(start)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.count[r.URL.Path]++
	t.took[r.URL.Path] += took
}

func main() {
	kind, path := os.Args[1], os.Args[2]
	mux := http.NewServeMux()
	mux.HandleFunc("/fast", fast)
	mux.HandleFunc("/sleeps", sleeps)
	mux.HandleFunc("/locks", locks)
	handler := &timed{next: mux, count: map[string]int{}, took: map[string]time.Duration{}}
	file, err := os.Create(path)
	if err != nil {
		log.Fatal(err)
	}
	if err := trace.Start(file); err != nil {
		log.Fatal(err)
	}
	server := httptest.NewUnstartedServer(handler)
	switch kind {
	case "http2":
		server.EnableHTTP2 = true
		server.StartTLS()
	case "tls":
		server.StartTLS()
	case "slow":
		hold *= 10
		server.Start()
	default:
		server.Start()
	}
	var wg sync.WaitGroup
	for i := 0; i < clients; i++ {
		wg.Add(1)
		go func() {
			defer wg.Done()
			transport := &http.Transport{
				TLSClientConfig:   &tls.Config{InsecureSkipVerify: true},
				ForceAttemptHTTP2: kind == "http2",
				DisableKeepAlives: kind == "close",
			}
			defer transport.CloseIdleConnections()
			client := &http.Client{Transport: transport}
			for n := 0; n < requests; n++ {
				for _, path := range []string{"/fast", "/sleeps", "/locks"} {
					get(client, server.URL+path, kind == "http2")
				}
			}
		}()
	}
	wg.Wait()
	// It waits for requests whose response is on its way.
	server.Close()
	time.Sleep(100 * time.Millisecond)
	trace.Stop()
	file.Close()
	for name, path := range map[string]string{"main.sleeps": "/sleeps", "main.locks": "/locks", "(unknown)": "/fast"} {
		fmt.Printf("%s\t%d\t%d\n", name, handler.count[path], handler.took[path].Nanoseconds())
	}
}

func get(client *http.Client, url string, http2 bool) {
	answer, err := client.Get(url)
	if err != nil {
		log.Fatal(err)
	}
	defer answer.Body.Close()
	if _, err := io.ReadAll(answer.Body); err != nil {
		log.Fatal(err)
	}
	if (answer.ProtoMajor == 2) != http2 {
		log.Fatal(answer.Proto)
	}
}
