package main

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"sync"
	"time"
)

// store is a consumer that takes 300 ms for each item.
func store(items <-chan int) {
	for range items {
		time.Sleep(300 * time.Millisecond)
	}
}

// produce sends two items and measures how long each send takes.
func produce(items chan<- int, sends *waits) {
	for i := 0; i < 2; i++ {
		t := time.Now()
		items <- i
		sends.since(t)
	}
}

// query holds a connection of the pool for 150 ms and measures how long it waits for one.
func query(db *sql.DB, connections *waits) {
	t := time.Now()
	c, err := db.Conn(context.Background())
	check(err)
	connections.since(t)
	time.Sleep(150 * time.Millisecond)
	check(c.Close())
}

// nowhere is a database driver whose connections do nothing.
type nowhere struct{}

func (nowhere) Connect(context.Context) (driver.Conn, error) { return nowhere{}, nil }
func (nowhere) Driver() driver.Driver                        { return nil }
func (nowhere) Prepare(string) (driver.Stmt, error)          { return nil, errors.New("not supported") }
func (nowhere) Begin() (driver.Tx, error)                    { return nil, errors.New("not supported") }
func (nowhere) Close() error                                 { return nil }

func init() {
	// channel_backpressure has four producers and one consumer that is slower: all
	// but the first sends wait some 0.3 to 1.2 s. Three goroutines share one
	// connection of a pool and wait 150 and 300 ms for it. A worker waits in a
	// receive and another one in a select for all of the trace, as workers do that
	// have nothing to do.
	workloads["channel_backpressure"] = &workload{procs: 4,
		run: func(e *env) {
			var sends, connections waits
			var all sync.WaitGroup
			run := func(f func()) {
				all.Add(1)
				go func() {
					defer all.Done()
					f()
				}()
			}
			items, jobs, quit := make(chan int), make(chan int), make(chan struct{})
			run(func() { <-jobs })
			run(func() {
				select {
				case <-jobs:
				case <-quit:
				}
			})
			db := sql.OpenDB(nowhere{})
			db.SetMaxOpenConns(1)
			for i := 0; i < 3; i++ {
				run(func() { query(db, &connections) })
			}
			var producers sync.WaitGroup
			for i := 0; i < 4; i++ {
				producers.Add(1)
				go func() {
					defer producers.Done()
					produce(items, &sends)
				}()
			}
			run(func() { store(items) })
			producers.Wait()
			close(items)
			close(jobs)
			close(quit)
			all.Wait()
			sends.put(e, "sends")
			connections.put(e, "connections")
		}}
}
