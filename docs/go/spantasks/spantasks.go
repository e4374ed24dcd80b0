// Package spantasks notes the spans of OpenTelemetry as tasks of runtime/trace,
// with their ids, so that gotracer shows what the time of a span was made of.
//
// Copy this file into your program, and register the processor:
//
//	provider := sdktrace.NewTracerProvider(
//		sdktrace.WithSpanProcessor(spantasks.New()),
//		…
//	)
package spantasks

import (
	"context"
	"fmt"
	"runtime/trace"
	"sync"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	oteltrace "go.opentelemetry.io/otel/trace"
)

// Processor opens a task for each local root span and server span while the
// program is traced.
type Processor struct {
	tasks sync.Map // oteltrace.SpanID to *trace.Task
}

// New returns a processor for sdktrace.WithSpanProcessor.
func New() *Processor { return &Processor{} }

// OnStart opens a task of the span's name and logs its ids.
func (p *Processor) OnStart(parent context.Context, span sdktrace.ReadWriteSpan) {
	if !trace.IsEnabled() || !isEntry(span) {
		return
	}
	id := span.SpanContext()
	ctx, task := trace.NewTask(parent, span.Name())
	trace.Log(ctx, "traceparent", fmt.Sprintf("00-%s-%s-%s", id.TraceID(), id.SpanID(), id.TraceFlags()))
	p.tasks.Store(id.SpanID(), task)
}

// OnEnd ends the task.
func (p *Processor) OnEnd(span sdktrace.ReadOnlySpan) {
	if task, ok := p.tasks.LoadAndDelete(span.SpanContext().SpanID()); ok {
		task.(*trace.Task).End()
	}
}

// Shutdown does nothing.
func (p *Processor) Shutdown(context.Context) error { return nil }

// ForceFlush does nothing.
func (p *Processor) ForceFlush(context.Context) error { return nil }

// isEntry tells whether a span is where a request enters the program.
func isEntry(span sdktrace.ReadOnlySpan) bool {
	parent := span.Parent()
	return !parent.IsValid() || parent.IsRemote() || span.SpanKind() == oteltrace.SpanKindServer
}
