//go:build go1.25

// Package slowtrace pushes the execution trace of the last seconds to gotracer
// when an HTTP request was slow.
//
// It needs nothing but the standard library of Go 1.25 or later: copy this file
// into your program.
package slowtrace

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"runtime/trace"
	"sync/atomic"
	"time"
)

// Config says what is slow and where traces go.
type Config struct {
	// URL is the address of gotracer, such as http://gotracer:16060.
	URL string
	// Service, Version and Instance are labels of the trace. They may be empty.
	Service, Version, Instance string
	// Threshold is the duration from which on a request is slow.
	Threshold time.Duration
	// Every is the least time between two traces; a minute by default.
	Every time.Duration
	// MinAge and MaxBytes bound what the flight recorder holds: 10 seconds and
	// 32 MiB by default. MaxBytes is memory of the program.
	MinAge   time.Duration
	MaxBytes uint64
	// Skip leaves out requests that last by design, such as streams. It may be nil.
	Skip func(*http.Request) bool
	// Header is sent along, for a proxy or a password in front of gotracer.
	Header http.Header
	// Client makes the requests to gotracer; one with a timeout of 30 seconds by
	// default.
	Client *http.Client
}

// Recorder has a flight recorder run, and pushes what it holds.
type Recorder struct {
	config Config
	flight *trace.FlightRecorder
	last   atomic.Int64 // time of the last trace, Unix nanoseconds
}

// New starts a flight recorder. A program has at most one.
func New(config Config) (*Recorder, error) {
	if config.URL == "" || config.Threshold <= 0 {
		return nil, errors.New("slowtrace: URL and Threshold are needed")
	}
	if config.Every <= 0 {
		config.Every = time.Minute
	}
	if config.MinAge <= 0 {
		config.MinAge = 10 * time.Second
	}
	if config.MaxBytes == 0 {
		config.MaxBytes = 32 << 20
	}
	if config.Client == nil {
		config.Client = &http.Client{Timeout: 30 * time.Second}
	}
	flight := trace.NewFlightRecorder(trace.FlightRecorderConfig{
		MinAge:   config.MinAge,
		MaxBytes: config.MaxBytes,
	})
	if err := flight.Start(); err != nil {
		return nil, fmt.Errorf("slowtrace: %w", err)
	}
	return &Recorder{config: config, flight: flight}, nil
}

// Stop ends the flight recorder.
func (r *Recorder) Stop() { r.flight.Stop() }

// Handler serves requests with next, and pushes a trace after one that was slow.
// The client has its answer before the trace is made.
func (r *Recorder) Handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if r.config.Skip != nil && r.config.Skip(req) {
			next.ServeHTTP(w, req)
			return
		}
		start := time.Now()
		defer func() {
			if took := time.Since(start); took >= r.config.Threshold {
				name := req.Pattern
				if name == "" {
					name = req.Method
				}
				r.Push(fmt.Sprintf("%s took %v", name, took.Round(time.Millisecond)))
			}
		}()
		next.ServeHTTP(w, req)
	})
}

// Push pushes a trace in the background, unless the last one was pushed less
// than Every ago. It reports whether it does.
func (r *Recorder) Push(reason string) bool {
	now, last := time.Now().UnixNano(), r.last.Load()
	if last != 0 && now-last < int64(r.config.Every) || !r.last.CompareAndSwap(last, now) {
		return false
	}
	go func() {
		if err := r.push(reason); err != nil {
			slog.Warn("slowtrace: trace not pushed", "reason", reason, "error", err)
		}
	}()
	return true
}

func (r *Recorder) push(reason string) error {
	var snapshot bytes.Buffer
	if _, err := r.flight.WriteTo(&snapshot); err != nil {
		return err
	}
	query := url.Values{}
	for name, value := range map[string]string{
		"service":  r.config.Service,
		"version":  r.config.Version,
		"instance": r.config.Instance,
		"reason":   reason[:min(len(reason), 100)],
	} {
		if value != "" {
			query.Set(name, value)
		}
	}
	address := r.config.URL + "/api/v1/traces?" + query.Encode()
	req, err := http.NewRequestWithContext(context.Background(), http.MethodPost, address, &snapshot)
	if err != nil {
		return err
	}
	for name, values := range r.config.Header {
		req.Header[name] = values
	}
	req.Header.Set("Content-Type", "application/octet-stream")
	answer, err := r.config.Client.Do(req)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	said, _ := io.ReadAll(io.LimitReader(answer.Body, 1<<10))
	if answer.StatusCode/100 != 2 {
		return fmt.Errorf("%s: %s", answer.Status, bytes.TrimSpace(said))
	}
	return nil
}
