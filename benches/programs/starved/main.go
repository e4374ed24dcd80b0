// Command starved runs a program whose goroutines want CPU, with a CPU profile and a trace, and prints what the
// kernel says of its threads: how long they ran, and how long they waited for a CPU.
//
//	starved -kind loop|bursts|short -d 5s -o FILE
//
// Its benchmark compares that with the rule CPUStarved.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log"
	"math/rand"
	"os"
	"path/filepath"
	"runtime"
	"runtime/pprof"
	"runtime/trace"
	"sync"
	"time"
)

// kinds are how long a goroutine runs and rests at a time.
var kinds = map[string]func() (run, rest time.Duration){
	"loop":   func() (run, rest time.Duration) { return 100 * time.Millisecond, 0 },
	"bursts": func() (run, rest time.Duration) { return between(300, 2000), between(300, 2000) },
	"short":  func() (run, rest time.Duration) { return between(20, 200), between(20, 200) },
}

func between(from, to int) time.Duration {
	return time.Duration(from+rand.Intn(to-from)) * time.Microsecond
}

// times is what the kernel says of a thread.
type times struct{ ran, waited int64 }

// threads returns the times of all threads of this process.
func threads() map[string]times {
	all := map[string]times{}
	files, err := filepath.Glob("/proc/self/task/*/schedstat")
	check(err)
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			continue // the thread has ended
		}
		var t times
		_, err = fmt.Sscan(string(text), &t.ran, &t.waited)
		check(err)
		all[file] = t
	}
	return all
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func main() {
	name := flag.String("kind", "loop", "what the goroutines do")
	d := flag.Duration("d", 5*time.Second, "length of the trace")
	out := flag.String("o", "", "trace file")
	flag.Parse()
	kind := kinds[*name]
	if kind == nil {
		log.Fatalf("there is no kind %q", *name)
	}
	f, err := os.Create(*out)
	check(err)
	check(pprof.StartCPUProfile(io.Discard))
	check(trace.Start(f))
	before := threads()
	end := time.Now().Add(*d)
	var wg sync.WaitGroup
	for i := 0; i < runtime.GOMAXPROCS(0); i++ {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for now := time.Now(); now.Before(end); now = time.Now() {
				run, rest := kind()
				for until := now.Add(run); time.Now().Before(until); {
				}
				if rest > 0 {
					time.Sleep(rest)
				}
			}
		}()
	}
	wg.Wait()
	var sum times
	for file, t := range threads() {
		sum.ran += t.ran - before[file].ran
		sum.waited += t.waited - before[file].waited
	}
	trace.Stop()
	pprof.StopCPUProfile()
	check(f.Close())
	check(json.NewEncoder(os.Stdout).Encode(map[string]int64{"ran_ns": sum.ran, "waited_ns": sum.waited}))
}
