// Command waits waits for chains of goroutines, each chain in a region whose
// name says what is at its end:
//
//	waits TRACE
package main

import (
	"context"
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

const long = 50 * time.Millisecond

// group waits for goroutines, as errgroup and singleflight do.
func group() {
	var wg sync.WaitGroup
	for i := 0; i < 3; i++ {
		wg.Add(1)
		go func() {
			defer wg.Done()
			time.Sleep(long)
		}()
	}
	wg.Wait()
}

// pipeline receives from a stage that receives from one that sleeps.
func pipeline() {
	first, second := make(chan int), make(chan int)
	go func() {
		time.Sleep(long)
		first <- 1
	}()
	go func() { second <- <-first }()
	<-second
}

// pool sends to workers that are busy.
func pool() {
	jobs := make(chan time.Duration)
	go func() {
		for job := range jobs {
			time.Sleep(job)
		}
	}()
	jobs <- long
	jobs <- 0
	close(jobs)
}

// lock waits for a mutex whose holder sleeps.
func lock() {
	var mu sync.Mutex
	held := make(chan bool)
	go func() {
		mu.Lock()
		close(held)
		time.Sleep(long)
		mu.Unlock()
	}()
	<-held
	mu.Lock()
	mu.Unlock()
}

// client waits for a server over the network.
func client(url string) {
	answer, err := http.Get(url)
	if err != nil {
		log.Fatal(err)
	}
	io.Copy(io.Discard, answer.Body)
	answer.Body.Close()
}

// burn waits for a goroutine that runs.
func burn() {
	done := make(chan bool)
	go func() {
		for start := time.Now(); time.Since(start) < long; {
		}
		close(done)
	}()
	<-done
}

func main() {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		time.Sleep(long)
		fmt.Fprintln(w, "slept")
	}))
	defer server.Close()
	file, err := os.Create(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	if err := trace.Start(file); err != nil {
		log.Fatal(err)
	}
	ctx, task := trace.NewTask(context.Background(), "chains")
	trace.WithRegion(ctx, "group: sleep", group)
	trace.WithRegion(ctx, "pipeline: sleep", pipeline)
	trace.WithRegion(ctx, "pool: sleep", pool)
	trace.WithRegion(ctx, "lock: sleep", lock)
	trace.WithRegion(ctx, "client: network", func() { client(server.URL) })
	trace.WithRegion(ctx, "burn: running_elsewhere", burn)
	trace.WithRegion(ctx, "timer: chan_receive", func() { <-time.After(long) })
	task.End()
	trace.Stop()
	if err := file.Close(); err != nil {
		log.Fatal(err)
	}
}
