// Command endpoint is a Go program with net/http/pprof for gotracer to trace:
// goroutines that wait for a mutex while one of them sleeps with it. It prints
// its address. With -cert it speaks TLS, with -client-ca it wants certificates,
// with -password and -header it wants to be told those. With -proxy-to it is a proxy. /moved redirects to its
// traces, /targets is a list with itself, and POST to /capture answers with one for whoever sends "please". /gc collects garbage. With
// -jobs it does some as well; built with the tag leak, it leaves a goroutine
// behind for each.
package main

import (
	"crypto/tls"
	"crypto/x509"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/pprof"
	"os"
	"runtime"
	"strings"
	"sync"
	"time"
)

// sink keeps the compiler from removing the loop of -burn.
var sink int

func main() {
	cert := flag.String("cert", "", "certificate in PEM")
	key := flag.String("key", "", "its key")
	clientCA := flag.String("client-ca", "", "authority of the clients' certificates")
	password := flag.String("password", "", "what user prometheus has to say")
	header := flag.String("header", "", "NAME=VALUE that has to be there")
	address := flag.String("listen", "127.0.0.1:0", "where to listen")
	writeTimeout := flag.Duration("write-timeout", 0, "the server's WriteTimeout")
	burn := flag.Bool("burn", false, "keep a CPU busy")
	jobs := flag.Int("jobs", 0, "how many jobs to do each second")
	proxyTo := flag.String("proxy-to", "", "be a proxy for this address")
	proxyUser := flag.String("proxy-user", "", "USER:PASSWORD of the proxy's clients")
	flight := flag.Bool("flight", false, "have a flight recorder at /debug/flight")
	flag.Parse()
	if *flight {
		http.HandleFunc("/debug/flight", flightRecorder())
	}
	if *burn {
		go func() {
			for i := 0; ; i++ {
				sink = i
			}
		}()
	}
	if *jobs > 0 {
		go work(*jobs)
	}
	var mu sync.Mutex
	for i := 0; i < 4; i++ {
		go func() {
			for {
				mu.Lock()
				time.Sleep(30 * time.Millisecond)
				mu.Unlock()
			}
		}()
	}
	http.Handle("/moved", http.RedirectHandler("debug/pprof/trace?seconds=1", http.StatusFound))
	http.HandleFunc("/gc", func(w http.ResponseWriter, r *http.Request) { runtime.GC() })
	http.HandleFunc("/capture", func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if r.Method != http.MethodPost || string(body) != "please" || r.URL.Query().Get("why") != "a b" {
			http.Error(w, "say please by POST, and why", http.StatusBadRequest)
			return
		}
		pprof.Trace(w, r)
	})
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, said, _ := r.BasicAuth()
		if *password != "" && (user != "prometheus" || said != *password) {
			http.Error(w, "who are you?", http.StatusUnauthorized)
			return
		}
		if name, value, wanted := strings.Cut(*header, "="); wanted && r.Header.Get(name) != value {
			http.Error(w, "no "+name, http.StatusForbidden)
			return
		}
		http.DefaultServeMux.ServeHTTP(w, r)
	})
	network := "tcp"
	if path, ok := strings.CutPrefix(*address, "unix:"); ok {
		network, *address = "unix", path
	}
	listener, err := net.Listen(network, *address)
	if err != nil {
		log.Fatal(err)
	}
	http.HandleFunc("/targets", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, `[{"targets": [%q], "labels": {"instance": "i"}}]`, listener.Addr())
	})
	fmt.Println(listener.Addr())
	if *proxyTo != "" {
		handler = proxy(*proxyTo, *proxyUser).ServeHTTP
	}
	server := http.Server{Handler: handler, WriteTimeout: *writeTimeout}
	if *cert == "" {
		log.Fatal(server.Serve(listener))
	}
	if *clientCA != "" {
		pem, err := os.ReadFile(*clientCA)
		if err != nil {
			log.Fatal(err)
		}
		pool := x509.NewCertPool()
		pool.AppendCertsFromPEM(pem)
		server.TLSConfig = &tls.Config{ClientCAs: pool, ClientAuth: tls.RequireAndVerifyClientCert}
	}
	log.Fatal(server.ServeTLS(listener, *cert, *key))
}
