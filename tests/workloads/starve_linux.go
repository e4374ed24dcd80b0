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

// startBurner starts a process that wants the first CPU all the time.
func startBurner(e *env) *exec.Cmd {
	burner := exec.Command("/proc/self/exe")
	burner.Env = append(os.Environ(), burnerEnv+"="+(e.dur+20*time.Second).String(), "GOMAXPROCS=1")
	check(burner.Start())
	return burner
}

func stopBurner(burner *exec.Cmd) {
	burner.Process.Kill()
	burner.Wait()
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
			burner = startBurner(e)
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
		after: func(*env) { stopBurner(burner) }}
}

// starve gives a service too little CPU: its threads share one with others that
// want it all the time. A thread that is woken to run a goroutine waits for its
// turn, while the processor it is to take stands idle.
func starve(e *env) (stop func()) {
	oneCPU(0) // threads that start from here on stay there, too
	forThreads(oneCPU)
	var burners []*exec.Cmd
	for i := 0; i < 4; i++ {
		burners = append(burners, startBurner(e))
	}
	return func() {
		for _, burner := range burners {
			stopBurner(burner)
		}
	}
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
	forThreads(func(tid int) {
		if tid == syscall.Gettid() {
			return
		}
		oneCPU(tid)
		const schedIdle = 5
		var priority int32
		_, _, no := syscall.RawSyscall(syscall.SYS_SCHED_SETSCHEDULER, uintptr(tid), schedIdle, uintptr(unsafe.Pointer(&priority)))
		if no != 0 {
			check(no)
		}
	})
}

// forThreads does something with each thread of this process.
func forThreads(do func(tid int)) {
	tasks, err := os.ReadDir("/proc/self/task")
	check(err)
	for _, t := range tasks {
		tid, err := strconv.Atoi(t.Name())
		check(err)
		do(tid)
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
