package main

import (
	"os"
	"syscall"
	"time"
)

// pipe is one that the runtime's poller knows nothing of.
func pipe() (r, w int) {
	var p [2]int
	check(syscall.Pipe(p[:]))
	return p[0], p[1]
}

// rawRead blocks its thread in read(2) until there is a byte.
//
//go:noinline
func rawRead(fd int) {
	for {
		if _, err := syscall.Read(fd, make([]byte, 1)); err != syscall.EINTR {
			check(err)
			return
		}
	}
}

func init() {
	// syscall_long has a read(2) of 3.5 s in a trace of 5 s, on a pipe outside the
	// poller, and one that began before the trace and has not ended when it does.
	// sysmon takes their Ps away, and every generation repeats that they are in a
	// syscall; each is one interval all the same.
	workloads["syscall_long"] = &workload{procs: 2, dur: 5 * time.Second,
		setup: func(e *env) {
			r, _ := pipe()
			go rawRead(r)
			time.Sleep(50 * time.Millisecond)
		},
		run: func(e *env) {
			var in waits
			done := make(chan bool)
			time.Sleep(300 * time.Millisecond)
			r, w := pipe()
			go func() {
				t := time.Now()
				rawRead(r)
				in.since(t)
				done <- true
			}()
			time.Sleep(3500 * time.Millisecond)
			_, err := syscall.Write(w, []byte{1})
			check(err)
			<-done
			e.sleepRest()
			in.put(e, "reads")
			e.fact("in_a_syscall_all_the_time", 1)
		}}

	// syscall_quick reads a small file every 10 ms: syscalls in plenty, all short.
	// Only the runtime's own signal thread stays in one; that is no finding.
	var name string
	workloads["syscall_quick"] = &workload{procs: 2, dur: time.Second,
		setup: func(e *env) {
			watchSignals()
			f, err := os.CreateTemp("", "workload")
			check(err)
			name = f.Name()
			_, err = f.Write(make([]byte, 512))
			check(err)
			check(f.Close())
		},
		run: func(e *env) {
			var reads waits
			for !e.stopped() {
				t := time.Now()
				_, err := os.ReadFile(name)
				check(err)
				reads.since(t)
				time.Sleep(10 * time.Millisecond)
			}
			reads.put(e, "file_reads")
		},
		after: func(*env) { check(os.Remove(name)) }}
}
