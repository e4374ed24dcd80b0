// fleet answers as many Go programs with net/http/pprof would: each request for
// /debug/pprof/trace gets the trace in the file, in pieces over `seconds`.
//
//	fleet TRACE
//
// It listens on all addresses of the loopback device, so that 127.0.1.5 and
// 127.0.1.6 are two targets, and prints the port. /count has the number of
// traces that were sent in full.
package main

import (
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"strconv"
	"sync/atomic"
	"time"
)

// pieces is how often a target sends, as the runtime flushes while it traces.
const pieces = 8

func main() {
	log.SetFlags(0)
	if len(os.Args) != 2 {
		log.Fatal("usage: fleet TRACE")
	}
	trace, err := os.ReadFile(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	listener, err := net.Listen("tcp", "0.0.0.0:0")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(listener.Addr().(*net.TCPAddr).Port)
	var sent atomic.Int64
	http.HandleFunc("/count", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, sent.Load()) })
	http.HandleFunc("/debug/pprof/trace", func(w http.ResponseWriter, r *http.Request) {
		seconds, err := strconv.ParseFloat(r.FormValue("seconds"), 64)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		w.Header().Set("Content-Type", "application/octet-stream")
		for i := 0; i < pieces; i++ {
			time.Sleep(time.Duration(seconds * float64(time.Second) / pieces))
			if _, err := w.Write(trace[len(trace)*i/pieces : len(trace)*(i+1)/pieces]); err != nil {
				return
			}
			w.(http.Flusher).Flush()
		}
		sent.Add(1)
	})
	log.Fatal(http.Serve(listener, nil))
}
