//go:build !leak

package main

// wait has the result of a job.
func wait(done chan int) { <-done }
