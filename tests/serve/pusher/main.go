// Command pusher is an HTTP server whose requests to /slow wait for a lock that
// is held for a quarter of a second, and which pushes traces of slow requests.
// It prints its address.
package main

import (
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"sync"
	"time"

	"pusher/slowtrace"
)

func main() {
	recorder, err := slowtrace.New(slowtrace.Config{
		URL:       os.Args[1],
		Service:   "shop",
		Version:   "1.2.3",
		Instance:  "shop-1",
		Threshold: 100 * time.Millisecond,
		Every:     time.Hour,
	})
	if err != nil {
		log.Fatal(err)
	}
	var mu sync.Mutex
	mux := http.NewServeMux()
	mux.HandleFunc("GET /fast", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "fast") })
	mux.HandleFunc("GET /slow", func(w http.ResponseWriter, _ *http.Request) {
		held := make(chan bool)
		go func() {
			mu.Lock()
			close(held)
			time.Sleep(250 * time.Millisecond)
			mu.Unlock()
		}()
		<-held
		mu.Lock()
		mu.Unlock()
		fmt.Fprintln(w, "slow")
	})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(listener.Addr())
	log.Fatal(http.Serve(listener, recorder.Handler(mux)))
}
