// Command cgocb traces C threads that call back into Go, and Go that calls into
// C for a while: goroutines that appear in a syscall and vanish from it, and Ps
// that change hands around cgo calls.
package main

/*
#cgo LDFLAGS: -lpthread
#include <pthread.h>
#include <unistd.h>

extern void goCallback(int);

static void *callback_thread(void *unused) {
	for (int i = 0; i < 10; i++) {
		goCallback(i);
		usleep(3000);
	}
	return 0;
}

static void callback_threads(int n) {
	pthread_t t[8];
	for (int i = 0; i < n; i++) pthread_create(&t[i], 0, callback_thread, 0);
	for (int i = 0; i < n; i++) pthread_join(t[i], 0);
}

static void sleep_in_c(int us) { usleep(us); }
*/
import "C"

import (
	"encoding/json"
	"flag"
	"os"
	"runtime"
	"runtime/trace"
	"strings"
	"sync/atomic"
)

var callbacks atomic.Int64

//export goCallback
func goCallback(i C.int) {
	callbacks.Add(1)
	if i%5 == 0 { // block inside the callback
		c := make(chan int)
		go func() { c <- 1 }()
		<-c
	}
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}

func main() {
	out := flag.String("o", "", "trace file; FILE.truth.json is written next to it")
	flag.Parse()
	runtime.GOMAXPROCS(2)
	f, err := os.Create(*out)
	check(err)
	check(trace.Start(f))
	C.callback_threads(2)
	C.callback_threads(3)
	for i := 0; i < 5; i++ {
		C.sleep_in_c(5000)
	}
	C.sleep_in_c(150000)
	trace.Stop()
	check(f.Close())
	b, err := json.MarshalIndent(map[string]any{
		"workload": "cgo_callback", "go": runtime.Version(), "gomaxprocs": 2,
		"facts": map[string]any{"callbacks": callbacks.Load(), "c_threads": 5, "cgo_sleeps_5ms": 5, "cgo_sleeps_150ms": 1},
	}, "", "  ")
	check(err)
	check(os.WriteFile(strings.TrimSuffix(*out, ".trace")+".truth.json", append(b, '\n'), 0o644))
}
