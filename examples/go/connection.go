package cloaca

import (
	"context"
	"errors"
	"io"
	"sync"
	"sync/atomic"
	"time"

	pb "example.com/cloaca/cloacav1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
)

// welcomeTimeout after which a connection is given up that was not welcomed.
const welcomeTimeout = 10 * time.Second

// fatalCodes of the scheduler are those that another try does not change.
var fatalCodes = map[string]bool{
	"REQUEST_INVALID": true, "DEFINITION_INVALID": true, "PROTOCOL_VERSION_UNSUPPORTED": true, "HELLO_EXPECTED": true,
	"HELLO_REPEATED": true, "SEQ_INVALID": true, "UNIMPLEMENTED": true, "UNAUTHENTICATED": true, "PERMISSION_DENIED": true,
}

// ending says how a connection ended.
type ending struct {
	kind endingKind
	err  error
	// after: when to connect again; negative: with a backoff.
	after time.Duration
	// address to try first; "" for the host's own.
	address string
}

type endingKind int

const (
	// again: it may go better.
	again endingKind = iota
	// finished: everything is done and said.
	finished
	// fatal: trying again would be answered the same.
	fatal
)

// connection is one stream of a host, from Hello to its end. The goroutine that calls serve reads; one writes, one watches.
type connection struct {
	address string
	session *session
	hooks   hooks
	out     *outbox
	offered []*brought
	began   time.Time
	// heard: when something was heard last, since it began.
	heard     atomic.Int64
	welcomes  chan *pb.Welcome
	isWelcome bool
	// reconnect in the words of a scheduler that goes away (P12.2).
	reconnect *pb.SchedulerDrain
}

// hooks are what a host wants to hear of a connection.
type hooks struct {
	welcomed func(*pb.Welcome)
	drain    func(grace time.Duration, reason string)
}

var (
	errSilent      = errors.New("nothing was heard for the session's TTL")
	errUnwelcome   = errors.New("no Welcome came")
	errStreamEnded = errors.New("the stream ended")
)

func newConnection(address string, s *session, hooks hooks) *connection {
	return &connection{address: address, session: s, hooks: hooks, out: newOutbox(), began: time.Now(), welcomes: make(chan *pb.Welcome, 1)}
}

// serve until the stream ends. When it returns, nothing of the connection runs any more.
func (c *connection) serve(ctx context.Context, options []grpc.DialOption) ending {
	channel, err := dial(c.address, options)
	if err != nil {
		return ending{kind: fatal, err: err}
	}
	defer channel.Close()
	ctx, giveUp := context.WithCancelCause(ctx)
	defer giveUp(nil)
	stream, err := pb.NewHostServiceClient(channel).Work(ctx)
	if err != nil {
		return c.classify(ctx, err)
	}
	hello, offered := c.session.hello()
	c.offered = offered
	var others sync.WaitGroup
	others.Go(func() { c.out.serve(ctx, stream, hello) })
	others.Go(func() { c.watch(ctx, giveUp) })
	err = c.read(stream)
	result := c.classify(ctx, err)
	c.session.detach()
	giveUp(nil)
	others.Wait()
	return result
}

// read what the scheduler says until the stream ends; nil when it ended with OK.
func (c *connection) read(stream grpc.BidiStreamingClient[pb.WorkRequest, pb.WorkResponse]) error {
	for {
		response, err := stream.Recv()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		c.heard.Store(int64(time.Since(c.began)))
		c.hear(response.Events)
	}
}

func (c *connection) hear(events []*pb.SchedulerEvent) {
	var rest []*pb.SchedulerEvent
	for _, one := range events {
		switch event := one.Event.(type) {
		case *pb.SchedulerEvent_Welcome:
			c.welcome(event.Welcome)
		case *pb.SchedulerEvent_Drain:
			if event.Drain.Reconnect {
				c.reconnect = event.Drain
			} else {
				c.hooks.drain(time.Duration(event.Drain.GraceMs)*time.Millisecond, event.Drain.Reason)
			}
		default:
			rest = append(rest, one)
		}
	}
	if len(rest) > 0 {
		c.session.hear(rest)
	}
}

func (c *connection) welcome(welcome *pb.Welcome) {
	if c.isWelcome {
		return
	}
	c.isWelcome = true
	c.out.limit(welcome.GetLimits().GetMaxMessageBytes())
	c.session.attach(c.out, welcome, c.offered)
	c.welcomes <- welcome
	c.hooks.welcomed(welcome)
}

// watch shows life, and gives the connection up when the scheduler shows none (P5).
func (c *connection) watch(ctx context.Context, giveUp context.CancelCauseFunc) {
	var welcome *pb.Welcome
	select {
	case welcome = <-c.welcomes:
	case <-time.After(welcomeTimeout):
		giveUp(errUnwelcome)
		return
	case <-ctx.Done():
		return
	}
	interval := time.Duration(max(1, welcome.HeartbeatIntervalMs)) * time.Millisecond
	ttl := time.Duration(welcome.TtlMs) * time.Millisecond
	timer := time.NewTimer(interval)
	defer timer.Stop()
	for nonce := uint64(1); ; nonce++ {
		planned := time.Now().Add(interval)
		select {
		case <-timer.C:
		case <-ctx.Done():
			return
		}
		// While this process stood still nothing could be heard: only time in which it listened counts.
		late := max(0, time.Since(planned))
		if silent := time.Since(c.began) - time.Duration(c.heard.Load()); silent-late > ttl {
			giveUp(errSilent)
			return
		}
		c.out.putBeat(&pb.HostEvent{Event: &pb.HostEvent_Heartbeat{Heartbeat: &pb.Heartbeat{Nonce: nonce, MainLoopLagMs: milliseconds(late)}}})
		timer.Reset(interval)
	}
}

// classify what the end of the stream means for the next one.
func (c *connection) classify(ctx context.Context, err error) ending {
	if cause := context.Cause(ctx); cause == errSilent || cause == errUnwelcome {
		return ending{err: cause, after: -1}
	}
	if c.reconnect != nil {
		after := time.Duration(c.reconnect.ReconnectAfterMs) * time.Millisecond
		return ending{err: errStreamEnded, after: after, address: elsewhere(c.address, c.reconnect.Address)}
	}
	if err == nil {
		c.session.lock()
		defer c.session.unlock()
		if c.out.isFinishing() && c.session.isIdle() {
			return ending{kind: finished}
		}
		return ending{err: errStreamEnded, after: -1}
	}
	remote := remoteError(err)
	switch {
	case remote.Code == codeResumeTokenInvalid || remote.Code == codeSessionNotFound:
		c.session.forgetToken()
	// A token that something on the way does not let through is as good as refused.
	case remote.Status == codes.PermissionDenied && c.session.forgetToken():
	case fatalCodes[remote.Code]:
		return ending{kind: fatal, err: remote}
	}
	return ending{err: remote, after: remote.retryAfter}
}
