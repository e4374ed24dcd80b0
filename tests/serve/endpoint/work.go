package main

import (
	"math/rand"
	"time"
)

// work handles jobs at random times, so many each second.
func work(rate int) {
	for {
		time.Sleep(time.Duration(rand.Int63n(int64(2*time.Second) / int64(rate))))
		handle()
	}
}

// handle has a goroutine of its own compute each job.
func handle() {
	done := make(chan int)
	go func() {
		sum := 0
		for i := 0; i < 1e5; i++ {
			sum += i ^ sum
		}
		done <- sum
	}()
	wait(done)
}
