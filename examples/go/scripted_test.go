package cloaca

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"testing"
	"time"

	pb "example.com/cloaca/cloacav1"
	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// No goroutine is left, of any test.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience is the longest wait for anything that is owed.
const patience = 20 * time.Second

// scriptedScheduler says on the real wire what a test tells it to.
type scriptedScheduler struct {
	pb.UnimplementedHostServiceServer
	t       *testing.T
	address string
	streams chan *scriptedStream
}

// scriptedStream is one connection of a host.
type scriptedStream struct {
	t     *testing.T
	hello *pb.Hello
	// heard is closed when the host has ended its side.
	heard chan *pb.HostEvent
	says  chan []*pb.SchedulerEvent
	ends  chan error
}

func newScriptedScheduler(t *testing.T) *scriptedScheduler {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &scriptedScheduler{t: t, address: listener.Addr().String(), streams: make(chan *scriptedStream)}
	server := grpc.NewServer()
	pb.RegisterHostServiceServer(server, s)
	go server.Serve(listener)
	t.Cleanup(server.Stop)
	return s
}

func (s *scriptedScheduler) Work(wire grpc.BidiStreamingServer[pb.WorkRequest, pb.WorkResponse]) error {
	stream := &scriptedStream{t: s.t, heard: make(chan *pb.HostEvent, 10_000), says: make(chan []*pb.SchedulerEvent), ends: make(chan error, 1)}
	first, err := wire.Recv()
	if err != nil {
		return err
	}
	stream.hello = first.Events[0].GetHello()
	go func() {
		defer close(stream.heard)
		for {
			message, err := wire.Recv()
			if err != nil {
				return
			}
			for _, event := range message.Events {
				stream.heard <- event
			}
		}
	}()
	select {
	case s.streams <- stream:
	case <-wire.Context().Done():
		return nil
	}
	for {
		select {
		case events := <-stream.says:
			if err := wire.Send(&pb.WorkResponse{Events: events}); err != nil {
				return err
			}
		case err := <-stream.ends:
			return err
		case <-wire.Context().Done():
			return nil
		}
	}
}

// connection is the next one, after its Hello.
func (s *scriptedScheduler) connection() *scriptedStream {
	s.t.Helper()
	return within(s.t, "a connection", s.streams)
}

// welcomed is the next connection, welcomed to a session.
func (s *scriptedScheduler) welcomed(verdicts ...*pb.LeaseVerdict) *scriptedStream {
	s.t.Helper()
	stream := s.connection()
	stream.welcome(&pb.Welcome{Resumed: stream.hello.ResumeToken != "", Verdicts: verdicts})
	return stream
}

func (c *scriptedStream) welcome(welcome *pb.Welcome) {
	welcome.SessionId, welcome.ResumeToken = "session", "token"
	welcome.TtlMs, welcome.HeartbeatIntervalMs = 60_000, 20_000
	for _, definition := range c.hello.Definitions {
		welcome.Workflows = append(welcome.Workflows, &pb.RegisteredWorkflow{Name: definition.Name, Version: "v1"})
	}
	c.say(&pb.SchedulerEvent{Event: &pb.SchedulerEvent_Welcome{Welcome: welcome}})
}

func (c *scriptedStream) say(events ...*pb.SchedulerEvent) { c.says <- events }

func (c *scriptedStream) lease(id, task string, input ...string) {
	lease := &pb.Lease{LeaseId: id, RunId: "run", Workflow: "w", WorkflowVersion: "v1", Task: task, Attempt: 1, Input: map[string]string{}}
	for i := 0; i < len(input); i += 2 {
		lease.Input[input[i]] = input[i+1]
	}
	c.say(&pb.SchedulerEvent{Event: &pb.SchedulerEvent_Lease{Lease: lease}})
}

func (c *scriptedStream) cancel(id string, reason pb.CancelReason) {
	c.say(&pb.SchedulerEvent{Event: &pb.SchedulerEvent_Cancel{Cancel: &pb.Cancel{LeaseId: id, Reason: reason}}})
}

func (c *scriptedStream) deferred(id string, n uint32) {
	c.say(&pb.SchedulerEvent{Event: &pb.SchedulerEvent_Deferred{Deferred: &pb.Deferred{LeaseId: id, Deferral: n}}})
}

func (c *scriptedStream) grant(id string, n uint32, outcome pb.DeferralOutcome) {
	c.say(&pb.SchedulerEvent{Event: &pb.SchedulerEvent_SlotGranted{SlotGranted: &pb.SlotGranted{LeaseId: id, Deferral: n, Outcome: outcome}}})
}

func (c *scriptedStream) receipts(upTo uint64, exceptions ...*pb.Receipt) {
	c.say(&pb.SchedulerEvent{Event: &pb.SchedulerEvent_Receipts{Receipts: &pb.Receipts{UpTo: upTo, Exceptions: exceptions}}})
}

// next event of the host that is no heartbeat; its receipt is not said.
func (c *scriptedStream) next() *pb.HostEvent {
	c.t.Helper()
	for {
		event := within(c.t, "an event", c.heard)
		if event.GetHeartbeat() == nil {
			return event
		}
	}
}

// settled is the next event, with its receipt said.
func (c *scriptedStream) settled() *pb.HostEvent {
	c.t.Helper()
	event := c.next()
	if event != nil {
		c.receipts(event.Seq)
	}
	return event
}

func (c *scriptedStream) breaks() { c.ends <- status.Error(codes.Unavailable, "broken") }

func within[T any](t *testing.T, what string, from <-chan T) T {
	t.Helper()
	select {
	case value := <-from:
		return value
	case <-time.After(patience):
		t.Fatalf("waited for %s in vain", what)
		panic("unreachable")
	}
}

func newTestHost(t *testing.T, address string) *Host {
	t.Helper()
	host, err := NewHost(Options{Address: address, HostID: "h", MaxBackoff: 10 * time.Millisecond, DrainGrace: 20 * time.Millisecond, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	return host
}

// running is a host that serves a workflow `w`, until the test is over.
type running struct {
	*Host
	scheduler *scriptedScheduler
	// drain tells it to end.
	drain context.CancelFunc
	ended chan error
}

func runHost(t *testing.T, tasks map[string]TaskFunc) *running {
	t.Helper()
	scheduler := newScriptedScheduler(t)
	host := newTestHost(t, scheduler.address)
	w := NewWorkflow("w")
	for id, run := range tasks {
		w.Task(id, run)
	}
	if err := host.Register(w); err != nil {
		t.Fatal(err)
	}
	ctx, drain := context.WithCancel(context.Background())
	r := &running{host, scheduler, drain, make(chan error, 1)}
	over := make(chan struct{})
	go func() {
		defer close(over)
		r.ended <- host.Run(ctx)
	}()
	t.Cleanup(func() {
		host.Close()
		drain()
		within(t, "the host's end", over)
	})
	return r
}

func must(t *testing.T, holds bool, what string, found any) {
	t.Helper()
	if !holds {
		t.Fatalf("%s: %v", what, found)
	}
}

func stopOf(err error) StopReason {
	var stop *StopError
	if errors.As(err, &stop) {
		return stop.Reason
	}
	return StopReason(fmt.Sprint(err))
}
