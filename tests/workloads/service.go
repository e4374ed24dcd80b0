package main

import (
	"fmt"
	"math/rand"
	"os"
	"runtime"
	"runtime/debug"
	"sync"
	"syscall"
	"time"
)

// job is one request to a service: it has a lock, a syscall, garbage and a
// goroutine of its own, a little of each. What -worse names it has too much of.
type job struct {
	mu    sync.Mutex
	rng   *rand.Rand
	null  *os.File
	cache [][]byte
	worse string
}

// faults are what -worse takes, one for each thing that can get worse.
var faults = map[string]bool{"": true, "pause": true, "sched": true, "lock": true, "syscall": true, "leak": true,
	"heap": true, "assist": true, "starve": true}

func (j *job) do() {
	j.mu.Lock()
	spent := time.Duration(20+j.rng.Intn(60)) * time.Microsecond
	burn(spent)
	switch j.worse {
	case "lock":
		time.Sleep(2 * time.Millisecond)
	case "heap":
		j.cache = retain(j.cache, 1, 512<<10)
	}
	j.mu.Unlock()
	retain(nil, 1, 48<<10)
	j.write()
	done := make(chan bool)
	go func() {
		burn(spent)
		done <- true
	}()
	if j.worse != "leak" { // else nobody will ever receive
		<-done
	}
}

//go:noinline
func (j *job) write() {
	if j.worse == "syscall" {
		left := syscall.Timespec{Nsec: 15e6}
		for syscall.Nanosleep(&left, &left) == syscall.EINTR {
		}
	}
	_, err := j.null.Write([]byte("request\n"))
	check(err)
}

func init() {
	var j *job
	var live []*node
	var end func()

	// service is for comparing traces: eight workers with jobs at random times,
	// as unsteady from run to run as programs are. With -worse one thing about it
	// is worse, and the rest is as it was.
	workloads["service"] = &workload{procs: 2, dur: 1500 * time.Millisecond,
		setup: func(e *env) {
			if !faults[e.worse] {
				check(fmt.Errorf("nothing gets worse by -worse %s", e.worse))
			}
			null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
			check(err)
			j = &job{rng: rand.New(rand.NewSource(time.Now().UnixNano())), null: null, worse: e.worse}
			end = func() {}
			switch e.worse {
			case "pause":
				c := newCopier(10 * time.Millisecond)
				c.start()
				end = c.stop
			case "starve":
				end = starve(e)
			case "assist":
				for i := 0; i < 2; i++ {
					live = append(live, tree(19))
				}
				debug.SetGCPercent(10)
			}
		},
		run: func(e *env) {
			if e.worse == "sched" {
				for i := 0; i < 6; i++ {
					go burn(e.dur)
				}
			}
			var wg sync.WaitGroup
			for i := 0; i < 8; i++ {
				wg.Add(1)
				rng := rand.New(rand.NewSource(time.Now().UnixNano() + int64(i)))
				go func() {
					defer wg.Done()
					for !e.stopped() {
						time.Sleep(time.Duration(3+rng.Intn(12)) * time.Millisecond)
						if e.worse == "assist" {
							p := allocPointers()
							p[0] = live[0]
						}
						j.do()
					}
				}()
			}
			wg.Wait()
			end()
		},
		after: func(*env) { runtime.KeepAlive(live) }}
}
