package cloaca

import (
	"context"
	"runtime"
	"sync"

	pb "example.com/cloaca/cloacav1"
	"google.golang.org/protobuf/proto"
)

const (
	// P10: a host splits its batches.
	eventsPerMessage = 1_000
	bytesPerMessage  = 1 << 20
	// A tag and a length.
	bytesPerEvent = 6
)

// outbox holds what a connection still has to send. Whoever has something puts it there and goes on; one goroutine sends all
// that is ready in one message, and never waits for more.
type outbox struct {
	mu       sync.Mutex
	waiting  []*pb.HostEvent
	beat     *pb.HostEvent
	finishes bool
	maxBytes int
	// wake has room for one: that there is something to do, however much.
	wake chan struct{}
}

func newOutbox() *outbox { return &outbox{maxBytes: bytesPerMessage, wake: make(chan struct{}, 1)} }

// limit the size of a message, from here on (P10.2).
func (o *outbox) limit(maxMessageBytes uint32) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if maxMessageBytes > 0 {
		o.maxBytes = min(bytesPerMessage, int(maxMessageBytes))
	}
}

func (o *outbox) put(events ...*pb.HostEvent) {
	o.mu.Lock()
	o.waiting = append(o.waiting, events...)
	o.mu.Unlock()
	o.poke()
}

// putBeat overtakes what waits; one that still waits itself is replaced.
func (o *outbox) putBeat(beat *pb.HostEvent) {
	o.mu.Lock()
	o.beat = beat
	o.mu.Unlock()
	o.poke()
}

// finish ends the host's side of the stream, after what waits.
func (o *outbox) finish() {
	o.mu.Lock()
	o.finishes = true
	o.mu.Unlock()
	o.poke()
}

func (o *outbox) isFinishing() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.finishes
}

func (o *outbox) poke() {
	select {
	case o.wake <- struct{}{}:
	default:
	}
}

// workStream is the host's side of a stream, as far as sending goes.
type workStream interface {
	Send(*pb.WorkRequest) error
	CloseSend() error
}

// serve sends until the stream or the context is over: the hello first, each part in a message of its own.
func (o *outbox) serve(ctx context.Context, stream workStream, hello []*pb.HostEvent) {
	for _, part := range hello {
		if stream.Send(&pb.WorkRequest{Events: []*pb.HostEvent{part}}) != nil {
			return
		}
	}
	for {
		select {
		case <-ctx.Done():
			return
		case <-o.wake:
		}
		// Whoever else is about to say something says it now.
		runtime.Gosched()
		for {
			events, isLast := o.take()
			if len(events) == 0 {
				break
			}
			// How the stream ended is told to the reader.
			if stream.Send(&pb.WorkRequest{Events: events}) != nil {
				return
			}
			if isLast {
				break
			}
		}
		if o.isDone() {
			_ = stream.CloseSend()
			return
		}
	}
}

// take what fits into one message; isLast when nothing is left.
func (o *outbox) take() (events []*pb.HostEvent, isLast bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	size := 0
	if o.beat != nil {
		events = append(events, o.beat)
		size = proto.Size(o.beat) + bytesPerEvent
		o.beat = nil
	}
	count := 0
	for count < len(o.waiting) && count < eventsPerMessage {
		size += proto.Size(o.waiting[count]) + bytesPerEvent
		if size > o.maxBytes && count+len(events) > 0 {
			break
		}
		count++
	}
	if count == len(o.waiting) && events == nil {
		events = o.waiting
		o.waiting = nil
		return events, true
	}
	events = append(events, o.waiting[:count]...)
	clear(o.waiting[:count])
	o.waiting = o.waiting[count:]
	return events, len(o.waiting) == 0
}

func (o *outbox) isDone() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.finishes && len(o.waiting) == 0
}
