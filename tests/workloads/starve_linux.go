package main

import (
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"syscall"
	"time"
	"unsafe"
)

// burnerEnv turns this program into one that only burns a CPU for so long.
const burnerEnv = "GOTRACER_BURN"

// childMain is where a burner ends; for everybody else it does nothing.
func childMain() {
	if d, err := time.ParseDuration(os.Getenv(burnerEnv)); err == nil {
		oneCPU(0)
		burn(d)
		os.Exit(0)
	}
}

func init() {
	var burner *exec.Cmd

	// proc_starvation is a container without enough CPU: the runtime has four Ps,
	// but the threads that it wakes to run them share one CPU with another
	// process, which is preferred. A busy goroutine starts a second one every 60
	// ms. There are idle Ps, and a thread is woken to run it on one; the thread
	// gets no CPU to do so. In the trace Ps stand idle while a goroutine is
	// runnable, for tens of ms each time.
	workloads["proc_starvation"] = &workload{procs: 4, dur: time.Second,
		setup: func(e *env) {
			// The threads must exist, and sleep when they are needed.
			for i := 0; i < 4; i++ {
				go burn(30 * time.Millisecond)
			}
			time.Sleep(60 * time.Millisecond)
			burner = exec.Command("/proc/self/exe")
			burner.Env = append(os.Environ(), burnerEnv+"="+(e.dur+20*time.Second).String(), "GOMAXPROCS=1")
			check(burner.Start())
			time.Sleep(60 * time.Millisecond)
		},
		run: func(e *env) {
			runtime.LockOSThread() // this thread keeps its CPU
			defer runtime.UnlockOSThread()
			demoteOthers()
			var late waits
			for !e.stopped() {
				startAndBurn(&late)
			}
			late.put(e, "started_goroutines_waited")
		},
		after: func(*env) {
			burner.Process.Kill()
			burner.Wait()
		}}
}

//go:noinline
func startAndBurn(late *waits) {
	done := make(chan bool)
	t := time.Now()
	go func() {
		late.since(t)
		done <- true
	}()
	burn(60 * time.Millisecond)
	<-done
}

// demoteOthers lets all threads but the current one run only on the burner's
// CPU, and there only when nobody else wants it.
func demoteOthers() {
	tasks, err := os.ReadDir("/proc/self/task")
	check(err)
	for _, t := range tasks {
		tid, err := strconv.Atoi(t.Name())
		check(err)
		if tid == syscall.Gettid() {
			continue
		}
		oneCPU(tid)
		const schedIdle = 5
		var priority int32
		_, _, no := syscall.RawSyscall(syscall.SYS_SCHED_SETSCHEDULER, uintptr(tid), schedIdle, uintptr(unsafe.Pointer(&priority)))
		if no != 0 {
			check(no)
		}
	}
}

// oneCPU confines a thread (0 is the current one) to the first CPU of those that
// this process may use.
func oneCPU(tid int) {
	var mask, one [16]uint64
	_, _, no := syscall.RawSyscall(syscall.SYS_SCHED_GETAFFINITY, 0, unsafe.Sizeof(mask), uintptr(unsafe.Pointer(&mask)))
	if no != 0 {
		check(no)
	}
	for i, m := range mask {
		if m != 0 {
			one[i] = m & -m
			break
		}
	}
	_, _, no = syscall.RawSyscall(syscall.SYS_SCHED_SETAFFINITY, uintptr(tid), unsafe.Sizeof(one), uintptr(unsafe.Pointer(&one)))
	if no != 0 {
		check(no)
	}
}
