//go:build !go1.25

package main

import "net/http"

func flightRecorder() http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "flight recorders need Go 1.25", http.StatusNotImplemented)
	}
}
