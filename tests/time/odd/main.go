// Command odd answers 20 requests of a kind that is easily counted wrongly, while
// it is traced:
//
//	odd KIND TRACE
//
// KIND is pipelined, packets, hijack, continue, or the name of a handler.
package main

import (
	"bufio"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime/trace"
	"strings"
	"time"
)

const count = 20

func slow(w http.ResponseWriter, r *http.Request) {
	time.Sleep(2 * time.Millisecond)
	fmt.Fprintln(w, "slept")
}

func hijack(w http.ResponseWriter, r *http.Request) {
	conn, rw, err := w.(http.Hijacker).Hijack()
	if err != nil {
		log.Fatal(err)
	}
	time.Sleep(2 * time.Millisecond)
	fmt.Fprint(rw, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
	rw.Flush()
	conn.Close()
}

func early(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Link", "</a.css>; rel=preload")
	w.WriteHeader(http.StatusEarlyHints)
	time.Sleep(2 * time.Millisecond)
	fmt.Fprintln(w, "slept")
}

func cont(w http.ResponseWriter, r *http.Request) {
	io.Copy(io.Discard, r.Body)
	time.Sleep(2 * time.Millisecond)
	fmt.Fprintln(w, "slept")
}

// full fills the buffer of the connection, 4096 bytes, exactly.
func full(w http.ResponseWriter, r *http.Request) {
	time.Sleep(2 * time.Millisecond)
	head := len("HTTP/1.1 200 OK\r\nContent-Length: 4015\r\nContent-Type: application/octet-stream\r\n\r\n")
	w.Header()["Date"] = nil
	w.Header().Set("Content-Length", fmt.Sprint(4096-head))
	w.Write(make([]byte, 4096-head))
}

func flush(w http.ResponseWriter, r *http.Request) {
	for i := 0; i < 3; i++ {
		time.Sleep(1 * time.Millisecond)
		fmt.Fprintln(w, "part")
		w.(http.Flusher).Flush()
	}
}

func large(w http.ResponseWriter, r *http.Request) {
	time.Sleep(1 * time.Millisecond)
	w.Write(make([]byte, 3<<20))
}

// whole writes its response completely, so that the server has nothing left to write.
func whole(w http.ResponseWriter, r *http.Request) {
	time.Sleep(1 * time.Millisecond)
	w.Header().Set("Content-Length", "100000")
	w.Write(make([]byte, 100000))
}

// file sends a file, which the kernel copies.
func file(w http.ResponseWriter, r *http.Request) {
	time.Sleep(1 * time.Millisecond)
	http.ServeFile(w, r, os.Args[0])
}

func none(w http.ResponseWriter, r *http.Request) {
	time.Sleep(1 * time.Millisecond)
	w.WriteHeader(204)
}

func main() {
	kind, path := os.Args[1], os.Args[2]
	mux := http.NewServeMux()
	for p, h := range map[string]http.HandlerFunc{"/slow": slow, "/hijack": hijack, "/early": early, "/full": full, "/cont": cont, "/flush": flush, "/large": large, "/none": none, "/whole": whole, "/file": file} {
		mux.HandleFunc(p, h)
	}
	mux.Handle("/timeout", http.TimeoutHandler(http.HandlerFunc(slow), time.Minute, "late"))
	mux.Handle("/static/", http.StripPrefix("/static/", http.FileServer(http.Dir(filepath.Dir(os.Args[0])))))
	server := httptest.NewServer(mux)
	addr := strings.TrimPrefix(server.URL, "http://")
	get := func(path, more, body string) string {
		return "POST " + path + " HTTP/1.1\r\nHost: a\r\n" + more + fmt.Sprintf("Content-Length: %d\r\n\r\n", len(body)) + body
	}
	file, _ := os.Create(path)
	if err := trace.Start(file); err != nil {
		log.Fatal(err)
	}
	switch kind {
	case "pipelined", "wholes", "packets":
		conn, _ := net.Dial("tcp", addr)
		switch kind {
		case "pipelined":
			io.WriteString(conn, strings.Repeat(get("/slow", "", ""), count))
		case "wholes":
			io.WriteString(conn, strings.Repeat(get("/whole", "", ""), count))
		case "packets":
			go func() {
				for i := 0; i < count; i++ {
					io.WriteString(conn, get("/whole", "", ""))
					time.Sleep(100 * time.Microsecond)
				}
			}()
		}
		r := bufio.NewReader(conn)
		for i := 0; i < count; i++ {
			a, err := http.ReadResponse(r, nil)
			if err != nil {
				log.Fatal(err)
			}
			io.Copy(io.Discard, a.Body)
		}
		conn.Close()
	case "hijack":
		for i := 0; i < count; i++ {
			conn, _ := net.Dial("tcp", addr)
			io.WriteString(conn, get("/hijack", "", ""))
			io.ReadAll(conn)
			conn.Close()
		}
	case "continue":
		conn, _ := net.Dial("tcp", addr)
		r := bufio.NewReader(conn)
		for i := 0; i < count; i++ {
			g := get("/cont", "Expect: 100-continue\r\n", "hello")
			io.WriteString(conn, strings.TrimSuffix(g, "hello"))
			a, err := http.ReadResponse(r, nil)
			if err != nil || a.StatusCode != 100 {
				log.Fatal(err, a)
			}
			io.WriteString(conn, "hello")
			a, err = http.ReadResponse(r, nil)
			if err != nil {
				log.Fatal(err)
			}
			io.Copy(io.Discard, a.Body)
		}
		conn.Close()
	default:
		client := &http.Client{}
		for i := 0; i < count; i++ {
			url := server.URL + "/" + kind
			if kind == "static" {
				url += "/" + filepath.Base(os.Args[0])
			}
			a, err := client.Get(url)
			if err != nil {
				log.Fatal(err)
			}
			io.Copy(io.Discard, a.Body)
			a.Body.Close()
		}
	}
	// The last response is on its way.
	time.Sleep(100 * time.Millisecond)
	trace.Stop()
	file.Close()
}
