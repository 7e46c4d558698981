package cloaca

import (
	"errors"
	"fmt"
	"math"
	"regexp"
	"strings"

	pb "example.com/cloaca/cloacav1"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
)

const (
	version         = "0.1.0"
	protocolVersion = 1
	// Bytes of definitions in one message of a Hello, about; and leases.
	bytesPerChunk = 1 << 20
	heldPerChunk  = 10_000
)

var addressPattern = regexp.MustCompile(`^(?:(grpcs?)://)?((?:\[[0-9a-fA-F:.]+\]|[^\s/:@\[\]]+):\d{1,5})/?$`)

const addressForm = "allowed are host:port, grpc://host:port and grpcs://host:port of a scheduler (`cloaca server`)"

// dial opens a channel of its own for a connection: the host backs off, not a channel that others share.
func dial(address string, more []grpc.DialOption) (*grpc.ClientConn, error) {
	match := addressPattern.FindStringSubmatch(address)
	if match == nil {
		return nil, optionsError("Address", []string{fmt.Sprintf("is %q; %s", address, addressForm)})
	}
	security := insecure.NewCredentials()
	if match[1] == "grpcs" {
		security = credentials.NewTLS(nil)
	}
	options := []grpc.DialOption{
		grpc.WithTransportCredentials(security),
		grpc.WithDisableRetry(),
		// The scheduler's own limit holds, which Welcome tells (P10).
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(math.MaxInt32), grpc.MaxCallSendMsgSize(math.MaxInt32)),
	}
	return grpc.NewClient(match[2], append(options, more...)...)
}

// elsewhere is where a scheduler sends its host, with the protection of the address that it came by; "" for no address (P12.2).
func elsewhere(address, other string) string {
	match := addressPattern.FindStringSubmatch(other)
	if match == nil {
		return ""
	}
	if strings.HasPrefix(address, "grpcs://") {
		return "grpcs://" + match[2]
	}
	return "grpc://" + match[2]
}

// remoteError reads the code, the problems and the delay that the details of a status carry.
func remoteError(err error) *Error {
	found := status.Convert(err)
	remote := &Error{Code: codeName(found), Message: found.Message(), Status: found.Code(), retryAfter: -1}
	for _, detail := range found.Details() {
		switch detail := detail.(type) {
		case *errdetails.ErrorInfo:
			if detail.Reason != "" {
				remote.Code = detail.Reason
			}
		case *errdetails.BadRequest:
			for _, violation := range detail.FieldViolations {
				remote.Problems = append(remote.Problems, violation.Field+": "+violation.Description)
			}
		case *errdetails.RetryInfo:
			remote.retryAfter = detail.RetryDelay.AsDuration()
		}
	}
	return remote
}

// codeName of a status as the protocol writes it, for example PERMISSION_DENIED.
func codeName(found *status.Status) string {
	var name strings.Builder
	for i, r := range found.Code().String() {
		if i > 0 && r >= 'A' && r <= 'Z' && found.Code().String() != "OK" {
			name.WriteByte('_')
		}
		name.WriteRune(r)
	}
	return strings.ToUpper(name.String())
}

// errorOf an error inside an event.
func errorOf(err *pb.Error) *Error {
	remote := newError(err.GetCode(), "%s", err.GetMessage())
	for _, problem := range err.GetProblems() {
		remote.Problems = append(remote.Problems, problem.Field+": "+problem.Description)
	}
	return remote
}

// asError is an Error, whatever the error is.
func asError(err error) *Error {
	var coded *Error
	if errors.As(err, &coded) {
		return coded
	}
	return newError(CodeConnectionLost, "%s", err)
}

// helloEvents are the Hello, and the chunks that go on with it when it is long (P1). Implementations come last: those without a
// version refer to the definitions.
func helloEvents(hello *pb.Hello, definitions []*pb.WorkflowDefinition, implementations []*pb.Implementation, held []*pb.HeldLease) []*pb.HostEvent {
	chunks := []*pb.HelloChunk{{}}
	last := func() *pb.HelloChunk { return chunks[len(chunks)-1] }
	size := 0
	for _, definition := range definitions {
		own := proto.Size(definition)
		if len(last().Definitions) > 0 && size+own > bytesPerChunk {
			chunks = append(chunks, &pb.HelloChunk{})
			size = 0
		}
		last().Definitions = append(last().Definitions, definition)
		size += own
	}
	for _, lease := range held {
		if len(last().HeldLeases) == heldPerChunk {
			chunks = append(chunks, &pb.HelloChunk{})
		}
		last().HeldLeases = append(last().HeldLeases, lease)
	}
	last().Implementations = implementations
	for _, chunk := range chunks[:len(chunks)-1] {
		chunk.More = true
	}
	first := chunks[0]
	hello.Definitions, hello.Implementations, hello.HeldLeases, hello.More = first.Definitions, first.Implementations, first.HeldLeases, first.More
	events := []*pb.HostEvent{{Event: &pb.HostEvent_Hello{Hello: hello}}}
	for _, chunk := range chunks[1:] {
		events = append(events, &pb.HostEvent{Event: &pb.HostEvent_HelloChunk{HelloChunk: chunk}})
	}
	return events
}
