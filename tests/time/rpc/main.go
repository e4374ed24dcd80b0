// Command rpc answers its own requests over gRPC, or over HTTP/2 of
// golang.org/x/net, while it is traced. Each handler is also a task. It prints
// how many requests there were for each handler:
//
//	HANDLER  COUNT
//
// rpc KIND TRACE, where KIND is
//
//	grpc     unary and streaming calls, with interceptors
//	workers  the same with a pool of goroutines (NumStreamWorkers)
//	http2    HTTP/2 of golang.org/x/net over TLS
package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime/trace"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/net/http2"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

const (
	clients  = 4
	requests = 10 // of each client to each handler
)

var counts [3]atomic.Int64

var mu sync.Mutex

// work is what handler i does: handler 1 holds a lock meanwhile.
func work(ctx context.Context, i int, name string) {
	counts[i].Add(1)
	_, task := trace.NewTask(ctx, name)
	defer task.End()
	if i == 1 {
		mu.Lock()
		defer mu.Unlock()
	}
	time.Sleep(2 * time.Millisecond)
}

type api interface{}

type text = wrapperspb.StringValue

// _Api_Unary_Handler is what protoc-gen-go-grpc generates for a unary call.
func _Api_Unary_Handler(_ any, ctx context.Context, decode func(any) error, interceptor grpc.UnaryServerInterceptor) (any, error) {
	in := new(text)
	if err := decode(in); err != nil {
		return nil, err
	}
	handle := func(ctx context.Context, in any) (any, error) {
		work(ctx, 0, "main._Api_Unary_Handler")
		return in, nil
	}
	return interceptor(ctx, in, &grpc.UnaryServerInfo{FullMethod: "/Api/Unary"}, handle)
}

// _Api_Stream_Handler is what it generates for a streaming call.
func _Api_Stream_Handler(_ any, stream grpc.ServerStream) error {
	for {
		in := new(text)
		if err := stream.RecvMsg(in); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
		work(stream.Context(), 1, "main._Api_Stream_Handler")
		if err := stream.SendMsg(in); err != nil {
			return err
		}
	}
}

// plain is a handler that no compiler generated.
func plain(_ any, ctx context.Context, decode func(any) error, _ grpc.UnaryServerInterceptor) (any, error) {
	in := new(text)
	if err := decode(in); err != nil {
		return nil, err
	}
	work(ctx, 2, "main.plain")
	return in, nil
}

func serveGRPC(options ...grpc.ServerOption) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	options = append(options,
		grpc.ChainUnaryInterceptor(func(ctx context.Context, in any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
			return next(ctx, in)
		}),
		grpc.ChainStreamInterceptor(
			func(api any, stream grpc.ServerStream, _ *grpc.StreamServerInfo, next grpc.StreamHandler) error {
				return next(api, stream)
			},
			func(api any, stream grpc.ServerStream, _ *grpc.StreamServerInfo, next grpc.StreamHandler) error {
				return next(api, stream)
			}))
	server := grpc.NewServer(options...)
	server.RegisterService(&grpc.ServiceDesc{
		ServiceName: "Api",
		HandlerType: (*api)(nil),
		Methods:     []grpc.MethodDesc{{MethodName: "Unary", Handler: _Api_Unary_Handler}, {MethodName: "Plain", Handler: plain}},
		Streams:     []grpc.StreamDesc{{StreamName: "Stream", Handler: _Api_Stream_Handler, ServerStreams: true, ClientStreams: true}},
	}, struct{}{})
	go server.Serve(listener)
	each(func() func(n int) {
		conn, err := grpc.NewClient(listener.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
		if err != nil {
			log.Fatal(err)
		}
		return func(int) {
			ctx := context.Background()
			for _, method := range []string{"/Api/Unary", "/Api/Plain"} {
				if err := conn.Invoke(ctx, method, wrapperspb.String("hello"), new(text)); err != nil {
					log.Fatal(err)
				}
			}
			stream, err := conn.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true, ClientStreams: true}, "/Api/Stream")
			if err != nil {
				log.Fatal(err)
			}
			if err := stream.SendMsg(wrapperspb.String("hello")); err != nil {
				log.Fatal(err)
			}
			if err := stream.RecvMsg(new(text)); err != nil {
				log.Fatal(err)
			}
			stream.CloseSend()
			if err := stream.RecvMsg(new(text)); err != io.EOF {
				log.Fatal(err)
			}
		}
	})
	server.GracefulStop()
}

func sleeps(w http.ResponseWriter, r *http.Request) {
	work(r.Context(), 0, "main.sleeps")
	fmt.Fprintln(w, "slept")
}

func locks(w http.ResponseWriter, r *http.Request) {
	work(r.Context(), 1, "main.locks")
	fmt.Fprintln(w, "locked")
}

func also(w http.ResponseWriter, r *http.Request) {
	work(r.Context(), 2, "main.also")
	fmt.Fprintln(w, "slept")
}

func serveHTTP2() {
	mux := http.NewServeMux()
	mux.HandleFunc("/sleeps", sleeps)
	mux.HandleFunc("/locks", locks)
	mux.HandleFunc("/also", also)
	server := httptest.NewUnstartedServer(mux)
	server.EnableHTTP2 = false
	if err := http2.ConfigureServer(server.Config, &http2.Server{}); err != nil {
		log.Fatal(err)
	}
	server.TLS = server.Config.TLSConfig
	server.StartTLS()
	each(func() func(n int) {
		transport := &http2.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
		client := &http.Client{Transport: transport}
		return func(int) {
			for _, path := range []string{"/sleeps", "/locks", "/also"} {
				answer, err := client.Get(server.URL + path)
				if err != nil {
					log.Fatal(err)
				}
				io.Copy(io.Discard, answer.Body)
				answer.Body.Close()
				if answer.ProtoMajor != 2 {
					log.Fatal(answer.Proto)
				}
			}
		}
	})
	server.Close()
}

// each runs the clients.
func each(client func() func(n int)) {
	var wg sync.WaitGroup
	for i := 0; i < clients; i++ {
		wg.Add(1)
		go func() {
			defer wg.Done()
			request := client()
			for n := 0; n < requests; n++ {
				request(n)
			}
		}()
	}
	wg.Wait()
}

func main() {
	kind, path := os.Args[1], os.Args[2]
	file, err := os.Create(path)
	if err != nil {
		log.Fatal(err)
	}
	if err := trace.Start(file); err != nil {
		log.Fatal(err)
	}
	names := []string{"main._Api_Unary_Handler", "main._Api_Stream_Handler", "main.plain"}
	switch kind {
	case "grpc":
		serveGRPC()
	case "workers":
		serveGRPC(grpc.NumStreamWorkers(2))
	case "http2":
		names = []string{"main.sleeps", "main.locks", "main.also"}
		serveHTTP2()
	default:
		log.Fatal(kind)
	}
	time.Sleep(100 * time.Millisecond)
	trace.Stop()
	if err := file.Close(); err != nil {
		log.Fatal(err)
	}
	for i, name := range names {
		fmt.Printf("%s\t%d\n", name, counts[i].Load())
	}
}
