package main

import (
	"context"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/collector/client"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/processor"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"
)

// moody is a processor that refuses: the first few requests, or those that
// lack a header. The receiver before it turns that into its answer.
type moody struct {
	component.StartFunc
	component.ShutdownFunc
	config *moods
	left   atomic.Int64
	next   consumer.Logs
}

type moods struct {
	// Busy is how many requests are told to come again.
	Busy int64 `mapstructure:"busy"`
	// Wait is when to come again; 0 does not say.
	Wait time.Duration `mapstructure:"wait"`
	// Headers are what a request has to have.
	Headers map[string]string `mapstructure:"headers"`
}

func newMoody() processor.Factory {
	create := func(
		_ context.Context, _ processor.Settings, config component.Config, next consumer.Logs,
	) (processor.Logs, error) {
		p := &moody{config: config.(*moods), next: next}
		p.left.Store(p.config.Busy)
		return p, nil
	}
	return processor.NewFactory(
		component.MustNewType("moody"),
		func() component.Config { return &moods{} },
		processor.WithLogs(create, component.StabilityLevelStable),
	)
}

func (*moody) Capabilities() consumer.Capabilities {
	return consumer.Capabilities{}
}

func (p *moody) ConsumeLogs(ctx context.Context, logs plog.Logs) error {
	metadata := client.FromContext(ctx).Metadata
	for name, wanted := range p.config.Headers {
		if got := metadata.Get(name); len(got) != 1 || got[0] != wanted {
			return status.Errorf(codes.Unauthenticated, "%s is %q", name, got)
		}
	}
	if p.left.Add(-1) >= 0 {
		busy := status.New(codes.ResourceExhausted, "busy")
		if p.config.Wait > 0 {
			wait := &errdetails.RetryInfo{RetryDelay: durationpb.New(p.config.Wait)}
			detailed, err := busy.WithDetails(wait)
			if err != nil {
				return err
			}
			busy = detailed
		}
		return busy.Err()
	}
	return p.next.ConsumeLogs(ctx, logs)
}
