package main

import (
	"runtime/metrics"
	"sync/atomic"
	"syscall"
	"time"
)

var sink atomic.Int64 // keeps the compiler from dropping what burn computes

// burn uses a CPU for d of wall time. It can be preempted and never yields.
//
//go:noinline
func burn(d time.Duration) {
	x := int64(1)
	for end := time.Now().Add(d); time.Now().Before(end); {
		x = spin(x, 2000)
	}
	sink.Add(x)
}

//go:noinline
func spin(x int64, n int) int64 {
	for i := 0; i < n; i++ {
		x = x*6364136223846793005 + int64(i)
	}
	return x
}

// node is the smallest pointerful thing: what makes a GC work.
type node struct {
	l, r *node
	v    [2]uint64
}

func tree(depth int) *node {
	if depth == 0 {
		return &node{}
	}
	return &node{l: tree(depth - 1), r: tree(depth - 1)}
}

// collect makes garbage, size bytes at a time, until a GC cycle has ended. Unlike
// runtime.GC, which yields once for each span it sweeps and then spins until the
// background sweeper is done, it leaves few events in a trace.
//
//go:noinline
func collect(size int) {
	for n := gcCycles(); gcCycles() == n; time.Sleep(time.Millisecond) {
		retain(nil, 1, size)
	}
}

func gcCycles() uint64 {
	s := []metrics.Sample{{Name: "/gc/cycles/total:gc-cycles"}}
	metrics.Read(s)
	return s[0].Value.Uint64()
}

// waits collects how long something took, for the truth file.
type waits struct{ n, sum, max, over10 atomic.Int64 }

// since notes the time since t as one wait.
func (w *waits) since(t time.Time) {
	d := int64(time.Since(t))
	w.n.Add(1)
	w.sum.Add(d)
	if d >= 10e6 {
		w.over10.Add(1)
	}
	for m := w.max.Load(); d > m && !w.max.CompareAndSwap(m, d); m = w.max.Load() {
	}
}

func (w *waits) put(e *env, name string) {
	e.fact(name, map[string]int64{"count": w.n.Load(), "sum_ns": w.sum.Load(),
		"max_ns": w.max.Load(), "10ms_or_more": w.over10.Load()})
}

// copier is a goroutine that spends its time inside memmove, which is assembly
// and cannot be preempted: whoever wants to stop the world has to wait for the
// copy to end. This is what a copy of a huge slice does to a real program. The
// memory is mapped, not allocated, so that the heap stays tiny.
type copier struct {
	src, dst []byte
	one      time.Duration // how long one copy takes
	rounds   atomic.Int64
	quit     atomic.Bool
	done     chan struct{}
}

// newCopier maps memory of a size whose copy takes at least d.
func newCopier(d time.Duration) *copier {
	for size := 256 << 20; ; size *= 2 {
		c := &copier{src: mapped(size), dst: mapped(size), done: make(chan struct{})}
		copy(c.dst, c.src) // the first one faults the pages in
		t := time.Now()
		copy(c.dst, c.src)
		if c.one = time.Since(t); c.one >= d || size >= 2<<30 {
			return c
		}
		check(syscall.Munmap(c.src))
		check(syscall.Munmap(c.dst))
	}
}

func mapped(size int) []byte {
	b, err := syscall.Mmap(-1, 0, size, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	check(err)
	for i := 0; i < size; i += 4096 {
		b[i] = 1
	}
	return b
}

func (c *copier) start() { go c.loop() }

func (c *copier) loop() {
	defer close(c.done)
	for !c.quit.Load() {
		c.copy()
	}
}

// copy is a function of its own because the runtime preempts where a function
// begins. A signal, its other way, would hardly ever arrive between two copies.
//
//go:noinline
func (c *copier) copy() {
	copy(c.dst, c.src)
	c.rounds.Add(1)
}

// fresh returns soon after a copy has begun.
func (c *copier) fresh() {
	for r := c.rounds.Load(); c.rounds.Load() == r; {
		time.Sleep(3 * time.Millisecond)
	}
}

func (c *copier) stop() {
	c.quit.Store(true)
	<-c.done
}
