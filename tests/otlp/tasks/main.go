// Command tasks makes spans with the OpenTelemetry SDK while it is traced:
//
//	tasks TRACE
//
// It prints the trace and span ids of the slowest span.
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"runtime/trace"
	"time"

	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"tasks/spantasks"
)

func main() {
	provider := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(spantasks.New()))
	tracer := provider.Tracer("tasks")
	file, err := os.Create(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	if err := trace.Start(file); err != nil {
		log.Fatal(err)
	}
	for i := 1; i <= 5; i++ {
		ctx, span := tracer.Start(context.Background(), "GET /checkout")
		span.SetAttributes(attribute.Int("i", i))
		_, inner := tracer.Start(ctx, "inner")
		time.Sleep(time.Duration(i) * 10 * time.Millisecond)
		inner.End()
		span.End()
		if i == 5 {
			id := span.SpanContext()
			fmt.Println(id.TraceID(), id.SpanID())
		}
	}
	trace.Stop()
	if err := file.Close(); err != nil {
		log.Fatal(err)
	}
}
