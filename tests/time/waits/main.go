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

// flight waits for the first of three calls for one key, as singleflight has
// them: only the first one works.
func flight() {
	type call struct {
		wg    sync.WaitGroup
		value int
	}
	var mu sync.Mutex
	calls := map[string]*call{}
	do := func(key string, work func() int) int {
		mu.Lock()
		if c, ok := calls[key]; ok {
			mu.Unlock()
			c.wg.Wait()
			return c.value
		}
		c := new(call)
		c.wg.Add(1)
		calls[key] = c
		mu.Unlock()
		c.value = work()
		c.wg.Done()
		return c.value
	}
	work := func() int {
		time.Sleep(long)
		return 1
	}
	go do("key", work)
	time.Sleep(time.Millisecond)
	do("key", work)
}

// other waits for a mutex that another task's goroutine holds while it sleeps.
func other() {
	var mu sync.Mutex
	held := make(chan bool)
	go func() {
		_, task := trace.NewTask(context.Background(), "other")
		defer task.End()
		mu.Lock()
		close(held)
		time.Sleep(long)
		mu.Unlock()
	}()
	<-held
	mu.Lock()
	mu.Unlock()
}

// through waits for a goroutine without a task that waits for a mutex of
// another task.
func through() {
	done := make(chan bool)
	go func() {
		other()
		close(done)
	}()
	<-done
}

// child waits for a goroutine that works in a task below this one.
func child(ctx context.Context) {
	done := make(chan bool)
	go func() {
		_, task := trace.NewTask(ctx, "child")
		time.Sleep(long)
		close(done)
		task.End()
	}()
	<-done
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

// nested waits for a mutex whose holder waits for a goroutine that sleeps.
func nested() {
	var mu sync.Mutex
	held := make(chan bool)
	go func() {
		mu.Lock()
		close(held)
		pipeline()
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
	trace.WithRegion(ctx, "nested: sleep", nested)
	trace.WithRegion(ctx, "flight: sleep", flight)
	trace.WithRegion(ctx, "other: lock", other)
	trace.WithRegion(ctx, "through: lock", through)
	trace.WithRegion(ctx, "child: sleep", func() { child(ctx) })
	trace.WithRegion(ctx, "client: network", func() { client(server.URL) })
	trace.WithRegion(ctx, "burn: running_elsewhere", burn)
	trace.WithRegion(ctx, "timer: chan_receive", func() { <-time.After(long) })
	task.End()
	trace.Stop()
	if err := file.Close(); err != nil {
		log.Fatal(err)
	}
}
