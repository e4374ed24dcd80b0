// Shop is the program behind the examples in README.md. Its checkout holds a lock while it waits for the payment service,
// so requests queue behind each other. With -concurrent it does not. make.sh makes the traces.
package main

import (
	"flag"
	"fmt"
	"log"
	"net"
	"net/http"
	_ "net/http/pprof"
	"runtime/trace"
	"sync"
	"time"
)

var (
	concurrent bool
	payments   sync.Mutex
)

func main() {
	flag.BoolVar(&concurrent, "concurrent", false, "do not hold a lock during payments")
	load := flag.String("load", "", "send requests to this address instead of serving them")
	flag.Parse()
	if *load != "" {
		send(*load)
		return
	}
	go pay()
	http.HandleFunc("/checkout", checkout)
	http.HandleFunc("/catalog", catalog)
	log.Fatal(http.ListenAndServe("localhost:6060", nil))
}

// Checkout charges the customer, one customer at a time.
func checkout(w http.ResponseWriter, r *http.Request) {
	ctx, task := trace.NewTask(r.Context(), "POST /checkout")
	defer task.End()
	var total int
	trace.WithRegion(ctx, "price", func() { total = price(2000) })
	trace.WithRegion(ctx, "charge", func() { charge(total) })
	fmt.Fprintln(w, total)
}

func charge(total int) {
	if !concurrent {
		payments.Lock()
		defer payments.Unlock()
	}
	conn, err := net.Dial("tcp", "localhost:6061")
	if err != nil {
		return
	}
	defer conn.Close()
	fmt.Fprintln(conn, total)
	fmt.Fscanln(conn)
}

func price(items int) int {
	total := 0
	for i := range items {
		total += len(fmt.Sprint(i)) * i
	}
	return total
}

func catalog(w http.ResponseWriter, r *http.Request) {
	fmt.Fprintln(w, price(5000))
}

// Pay is the payment service. It answers after 8 ms.
func pay() {
	listener, err := net.Listen("tcp", "localhost:6061")
	if err != nil {
		log.Fatal(err)
	}
	for {
		conn, err := listener.Accept()
		if err != nil {
			log.Fatal(err)
		}
		go func() {
			defer conn.Close()
			fmt.Fscanln(conn)
			time.Sleep(8 * time.Millisecond)
			fmt.Fprintln(conn)
		}()
	}
}

// Send makes 8 customers check out now and then, and 4 look at the catalog.
func send(address string) {
	for i := range 12 {
		path := "/checkout"
		if i >= 8 {
			path = "/catalog"
		}
		go func() {
			for {
				if answer, err := http.Get(address + path); err == nil {
					answer.Body.Close()
				}
				time.Sleep(time.Duration(20+i*5) * time.Millisecond)
			}
		}()
	}
	select {}
}
