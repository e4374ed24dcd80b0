package main

import (
	"context"
	"fmt"
	"net"
	"os"

	"go.opentelemetry.io/collector/pdata/plog/plogotlp"
	"google.golang.org/grpc"
)

// partial is a receiver of logs that rejects one record of each request, which
// no Collector does.
type partial struct {
	plogotlp.UnimplementedGRPCServer
}

func (*partial) Export(context.Context, plogotlp.ExportRequest) (plogotlp.ExportResponse, error) {
	response := plogotlp.NewExportResponse()
	response.PartialSuccess().SetRejectedLogRecords(1)
	response.PartialSuccess().SetErrorMessage("one too many")
	return response, nil
}

func servePartial(address string) error {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	server := grpc.NewServer()
	plogotlp.RegisterGRPCServer(server, &partial{})
	fmt.Fprintln(os.Stderr, "Everything is ready")
	return server.Serve(listener)
}
