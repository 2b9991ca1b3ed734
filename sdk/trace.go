package sdk

import (
	"context"

	"google.golang.org/grpc/metadata"
)

// TraceHeaders tells which trace the call is part of, in the headers of W3C's
// recommendation Trace Context (traceparent and tracestate). The context is the
// one that Check or Harvest were called with. There are none where the host does
// not trace. A plugin that uses OpenTelemetry joins the trace with
//
//	ctx = propagation.TraceContext{}.Extract(ctx, propagation.MapCarrier(sdk.TraceHeaders(ctx)))
func TraceHeaders(ctx context.Context) map[string]string {
	headers := map[string]string{}
	given, _ := metadata.FromIncomingContext(ctx)
	for _, name := range []string{"traceparent", "tracestate"} {
		if values := given.Get(name); len(values) == 1 {
			headers[name] = values[0]
		}
	}
	return headers
}
