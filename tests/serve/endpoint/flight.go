//go:build go1.25

package main

import (
	"log"
	"net/http"
	"runtime/trace"
	"time"
)

// flightRecorder records the last seconds all the time, and answers with them.
func flightRecorder() http.HandlerFunc {
	recorder := trace.NewFlightRecorder(trace.FlightRecorderConfig{
		MinAge:   5 * time.Second,
		MaxBytes: 16 << 20,
	})
	if err := recorder.Start(); err != nil {
		log.Fatal(err)
	}
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/octet-stream")
		if _, err := recorder.WriteTo(w); err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
		}
	}
}
