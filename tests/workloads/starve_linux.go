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

// restEnv makes it rest for so long after each burnTime.
const restEnv = "GOTRACER_REST"

const burnTime = 15 * time.Millisecond

// childMain is where a burner ends; for everybody else it does nothing.
func childMain() {
	d, err := time.ParseDuration(os.Getenv(burnerEnv))
	if err != nil {
		return
	}
	rest, _ := time.ParseDuration(os.Getenv(restEnv))
	oneCPU(0)
	for end := time.Now().Add(d); time.Now().Before(end); time.Sleep(rest) {
		burn(burnTime)
	}
	os.Exit(0)
}

// startBurner starts a process that wants the first CPU all the time, except
// while it rests.
func startBurner(e *env, rest time.Duration) *exec.Cmd {
	burner := exec.Command("/proc/self/exe")
	burner.Env = append(os.Environ(), burnerEnv+"="+(e.dur+20*time.Second).String(), restEnv+"="+rest.String(), "GOMAXPROCS=1")
	check(burner.Start())
	return burner
}

func stopBurner(burner *exec.Cmd) {
	burner.Process.Kill()
	burner.Wait()
}

func init() {
	var burner *exec.Cmd

	// cpu_starved has CPU profiling on, over two busy goroutines whose threads share
	// a quarter of one CPU: the goroutines run by the scheduler, and have few CPU
	// samples.
	workloads["cpu_starved"] = &workload{procs: 2, dur: 1500 * time.Millisecond, cpu: true,
		setup: func(e *env) {
			burner = startBurner(e, burnTime/3)
			forThreads(demote)
			time.Sleep(60 * time.Millisecond)
		},
		run: func(e *env) {
			done := make(chan bool)
			for i := 0; i < 2; i++ {
				go func() {
					for !e.stopped() {
						burn(10 * time.Millisecond)
					}
					done <- true
				}()
			}
			<-done
			<-done
		},
		after: func(*env) { stopBurner(burner) }}

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
			burner = startBurner(e, 0)
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

// starve gives a service too little CPU, as a quota does: its threads may run
// for 5 ms in every 20, on one CPU. A thread that was woken to run a goroutine
// waits, and so does the processor that it is to take.
func starve(e *env) (stop func()) {
	burner := startBurner(e, 5*time.Millisecond)
	forThreads(demote)
	return func() { stopBurner(burner) }
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

// demoteOthers demotes all threads but the current one.
func demoteOthers() {
	forThreads(func(tid int) {
		if tid != syscall.Gettid() {
			demote(tid)
		}
	})
}

// demote lets a thread, and those that it starts, run only on the burner's CPU,
// and there only when nobody else wants it.
func demote(tid int) {
	oneCPU(tid)
	const schedIdle = 5
	var priority int32
	_, _, no := syscall.RawSyscall(syscall.SYS_SCHED_SETSCHEDULER, uintptr(tid), schedIdle, uintptr(unsafe.Pointer(&priority)))
	if no != 0 {
		check(no)
	}
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
