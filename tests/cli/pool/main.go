// Command pool traces workers that ask a server over the network.
//
//	pool -answer 20ms -o FILE
package main

import (
	"flag"
	"io"
	"log"
	"net"
	"os"
	"runtime/trace"
	"sync"
	"time"
)

const (
	workers = 4
	length  = 2 * time.Second
	// period is the time from one question of a worker to the next.
	period = 200 * time.Millisecond
)

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

// serve answers each byte of a connection after a while.
func serve(conn net.Conn, answer time.Duration) {
	b := make([]byte, 1)
	for {
		if _, err := conn.Read(b); err != nil {
			return
		}
		time.Sleep(answer)
		conn.Write(b)
	}
}

// work asks the server again and again, and waits for its answers.
func work(conn net.Conn, end time.Time, wg *sync.WaitGroup) {
	defer wg.Done()
	b := make([]byte, 1)
	for time.Now().Before(end) {
		next := time.Now().Add(period)
		_, err := conn.Write(b)
		check(err)
		_, err = io.ReadFull(conn, b)
		check(err)
		time.Sleep(time.Until(next))
	}
}

func main() {
	answer := flag.Duration("answer", 20*time.Millisecond, "how long the server takes")
	out := flag.String("o", "", "trace file")
	flag.Parse()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	check(err)
	f, err := os.Create(*out)
	check(err)
	check(trace.Start(f))
	end := time.Now().Add(length)
	var wg sync.WaitGroup
	for i := 0; i < workers; i++ {
		near, err := net.Dial("tcp", l.Addr().String())
		check(err)
		far, err := l.Accept()
		check(err)
		go serve(far, *answer)
		wg.Add(1)
		go work(near, end, &wg)
	}
	wg.Wait()
	trace.Stop()
	check(f.Close())
}
