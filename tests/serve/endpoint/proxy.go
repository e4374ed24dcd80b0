package main

import (
	"encoding/base64"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
)

// proxy returns an HTTP proxy for clients with a user and password. All hosts are at one address, so
// that a host which only the proxy knows shows that a request took this way.
func proxy(to, user string) http.Handler {
	wanted := "Basic " + base64.StdEncoding.EncodeToString([]byte(user))
	forward := &httputil.ReverseProxy{
		Director:      func(r *http.Request) { r.URL.Host = to },
		FlushInterval: -1,
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Proxy-Authorization") != wanted {
			http.Error(w, "who are you?", http.StatusProxyAuthRequired)
			return
		}
		if r.Method != http.MethodConnect {
			if !r.URL.IsAbs() {
				http.Error(w, "this is a proxy", http.StatusBadRequest)
				return
			}
			forward.ServeHTTP(w, r)
			return
		}
		if r.Header.Get("X-Team") != "core" {
			http.Error(w, "no team", http.StatusForbidden)
			return
		}
		server, err := net.Dial("tcp", to)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		defer server.Close()
		client, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			return
		}
		io.WriteString(client, "HTTP/1.1 200 Connection established\r\n\r\n")
		defer client.Close()
		go io.Copy(server, client)
		io.Copy(client, server)
	})
}
