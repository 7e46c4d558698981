package cloaca

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"

	pb "example.com/cloaca/cloacav1"
	"google.golang.org/protobuf/proto"
)

// pipe is a stream whose other side takes one message after the other, when it likes.
type pipe struct {
	messages chan *pb.WorkRequest
	closed   chan struct{}
}

func newPipe() *pipe {
	return &pipe{make(chan *pb.WorkRequest), make(chan struct{})}
}

func (p *pipe) Send(message *pb.WorkRequest) error {
	p.messages <- message
	return nil
}

func (p *pipe) CloseSend() error {
	close(p.closed)
	return nil
}

func stopped(seq uint64, leaseID string) *pb.HostEvent {
	return &pb.HostEvent{Seq: seq, Event: &pb.HostEvent_Stopped{Stopped: &pb.Stopped{LeaseId: leaseID}}}
}

func TestWhatIsReadyGoesOutInOneMessage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out, stream := newOutbox(), newPipe()
		go out.serve(t.Context(), stream, nil)
		out.put(stopped(1, "a"))
		synctest.Wait()
		// The first message is on its way, and nobody takes it: whoever has something to say goes on all the same.
		for seq := range uint64(2_500) {
			out.put(stopped(seq+2, "a"))
		}
		out.putBeat(&pb.HostEvent{Event: &pb.HostEvent_Heartbeat{Heartbeat: &pb.Heartbeat{Nonce: 7}}})
		var sizes []int
		last := uint64(0)
		for last < 2_501 {
			message := <-stream.messages
			sizes = append(sizes, len(message.Events))
			for _, event := range message.Events {
				if event.Seq == 0 {
					if event.GetHeartbeat().GetNonce() != 7 || len(sizes) != 2 {
						t.Errorf("message %d has %v", len(sizes), event)
					}
					continue
				}
				if event.Seq != last+1 {
					t.Fatalf("%d follows %d", event.Seq, last)
				}
				last = event.Seq
			}
		}
		if len(sizes) != 4 || sizes[0] != 1 || sizes[1] != 1_001 || sizes[2] != 1_000 || sizes[3] != 500 {
			t.Errorf("messages of %v events", sizes)
		}
		out.finish()
		<-stream.closed
	})
}

// P10.2
func TestNoMessageIsLargerThanTheLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out, stream := newOutbox(), newPipe()
		out.limit(1_000)
		for seq := range uint64(20) {
			out.put(stopped(seq+1, strings.Repeat("x", 300)))
		}
		out.finish()
		go out.serve(t.Context(), stream, nil)
		count := 0
		for count < 20 {
			message := <-stream.messages
			if size := proto.Size(message); size > 1_000 {
				t.Errorf("a message of %d bytes", size)
			}
			count += len(message.Events)
		}
		<-stream.closed
	})
}

func TestWriterEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			newOutbox().serve(ctx, newPipe(), nil)
			close(done)
		}()
		synctest.Wait()
		cancel()
		<-done
	})
}

// P4.7: up_to speaks for all numbers up to it, exceptions for theirs.
func TestReceipts(t *testing.T) {
	var owed owedEvents
	results := map[uint64]pb.ReceiptResult{}
	var entries []*owedEvent
	for range 6 {
		entries = append(entries, owed.add(&pb.HostEvent{}, func(receipt *pb.Receipt) { results[receipt.Seq] = receipt.Result }))
	}
	rejected := &pb.Receipt{Seq: 5, Result: pb.ReceiptResult_RECEIPT_RESULT_REJECTED}
	duplicate := &pb.Receipt{Seq: 2, Result: pb.ReceiptResult_RECEIPT_RESULT_DUPLICATE}
	if found := owed.settle(&pb.Receipts{UpTo: 3, Exceptions: []*pb.Receipt{duplicate, rejected, {Seq: 77}}}); len(found) != 2 {
		t.Errorf("%v were owed", found)
	}
	left := owed.all()
	if len(left) != 2 || left[0].Seq != 4 || left[1].Seq != 6 || owed.count != 2 {
		t.Errorf("%v are left", left)
	}
	owed.drop(entries)
	owed.settle(&pb.Receipts{UpTo: 6, Exceptions: []*pb.Receipt{rejected}})
	want := map[uint64]pb.ReceiptResult{1: 1, 2: 2, 3: 1, 4: 4, 5: 5, 6: 4}
	for seq, result := range want {
		if results[seq] != result {
			t.Errorf("%d: %v, not %v", seq, results[seq], result)
		}
	}
	if owed.count != 0 || len(owed.queue) != 0 {
		t.Errorf("%d are left", owed.count)
	}
}

func TestLongHello(t *testing.T) {
	var definitions []*pb.WorkflowDefinition
	for range 3 {
		definitions = append(definitions, &pb.WorkflowDefinition{Name: "w", Description: strings.Repeat("x", 700_000)})
	}
	held := make([]*pb.HeldLease, 25_000)
	for i := range held {
		held[i] = &pb.HeldLease{LeaseId: "lease"}
	}
	events := helloEvents(&pb.Hello{HostId: "h"}, definitions, []*pb.Implementation{{Workflow: "w"}}, held)
	leases, workflows := len(events[0].GetHello().HeldLeases), len(events[0].GetHello().Definitions)
	if !events[0].GetHello().More {
		t.Error("the Hello is not said to go on")
	}
	for i, event := range events[1:] {
		chunk := event.GetHelloChunk()
		isLast := i == len(events)-2
		if chunk.More == isLast || (len(chunk.Implementations) > 0) != isLast {
			t.Errorf("chunk %d of %d: %t, %v", i, len(events)-1, chunk.More, chunk.Implementations)
		}
		leases += len(chunk.HeldLeases)
		workflows += len(chunk.Definitions)
	}
	if leases != 25_000 || workflows != 3 {
		t.Errorf("%d leases, %d workflows", leases, workflows)
	}
}
