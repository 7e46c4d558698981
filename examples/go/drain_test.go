package cloaca

import (
	"context"
	"testing"

	pb "example.com/cloaca/cloacav1"
)

// P12: what holds a slot goes on to its end, what is deferred goes back after the grace time, and the host ends its side once
// everything has its receipt.
func TestDrain(t *testing.T) {
	w := newWaiter()
	goOn := make(chan struct{})
	host := runHost(t, map[string]TaskFunc{"wait": w.run, "slow": func(context.Context, *Task) error {
		<-goOn
		return nil
	}})
	c := host.scheduler.welcomed()
	c.lease("1", "wait")
	c.settled()
	c.deferred("1", 1)
	c.lease("2", "slow")
	host.drain()
	must(t, c.settled().GetDrain() != nil, "HostDrain", "something else")
	decline := c.settled().GetDecline()
	must(t, decline.GetLeaseId() == "1", "Decline", decline)
	must(t, stopOf(within(t, "the task", w.results)) == HandedBack, "stopped", "by something else")
	close(goOn)
	complete := c.next()
	must(t, complete.GetComplete().GetLeaseId() == "2", "Complete", complete)
	must(t, len(host.ended) == 0, "left before the receipt", "")
	c.receipts(complete.Seq)
	must(t, c.next() == nil, "the host's side", "goes on")
	c.ends <- nil
	if err := within(t, "the host's end", host.ended); err != nil {
		t.Error(err)
	}
}

// P12.3, P12.9: asked by the scheduler, and again in a session that opens anew.
func TestDrainThatTheSchedulerAsksFor(t *testing.T) {
	goOn := make(chan struct{})
	host := runHost(t, map[string]TaskFunc{"slow": func(context.Context, *Task) error {
		<-goOn
		return nil
	}})
	c := host.scheduler.welcomed()
	c.lease("1", "slow")
	c.say(&pb.SchedulerEvent{Event: &pb.SchedulerEvent_Drain{Drain: &pb.SchedulerDrain{GraceMs: 1, Reason: "upgrade"}}})
	must(t, c.settled().GetDrain().GetReason() == "upgrade", "HostDrain", "something else")
	c.breaks()
	c = host.scheduler.connection()
	must(t, len(c.hello.Implementations) == 0, "who drains offers nothing", c.hello.Implementations)
	c.welcome(&pb.Welcome{Verdicts: []*pb.LeaseVerdict{{LeaseId: "1", State: pb.LeaseState_LEASE_STATE_REVOKED}}})
	must(t, c.settled().GetDrain().GetReason() == "upgrade", "HostDrain again", "something else")
	close(goOn)
	must(t, c.next() == nil, "the host's side", "goes on")
	c.ends <- nil
	if err := within(t, "the host's end", host.ended); err != nil {
		t.Error(err)
	}
}

func TestDrainBeforeAnythingBegan(t *testing.T) {
	host := newTestHost(t, "127.0.0.1:1")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	ended := make(chan error, 1)
	go func() { ended <- host.Run(ctx) }()
	if err := within(t, "the host's end", ended); err != nil {
		t.Error(err)
	}
}

// Close tells all code to stop, deferred or not, and leaves nothing running: TestMain looks.
func TestClose(t *testing.T) {
	w := newWaiter()
	causes := make(chan error, 1)
	host := runHost(t, map[string]TaskFunc{"wait": w.run, "slow": func(ctx context.Context, _ *Task) error {
		<-ctx.Done()
		causes <- context.Cause(ctx)
		return nil
	}})
	c := host.scheduler.welcomed()
	c.lease("1", "wait")
	c.settled()
	c.deferred("1", 1)
	c.lease("2", "slow")
	c.lease("3", "unknown")
	c.settled()
	host.Close()
	must(t, stopOf(within(t, "a task", causes)) == HostClosed, "cause", "something else")
	must(t, stopOf(within(t, "a deferred task", w.results)) == HostClosed, "cause", "something else")
	err := within(t, "the host's end", host.ended)
	must(t, HasCode(err, CodeHostEnded), "ended with", err)
}

// P12.2: not before its time, and where the scheduler says.
func TestSchedulerThatGoesAway(t *testing.T) {
	host := runHost(t, map[string]TaskFunc{"quick": nothing})
	other := newScriptedScheduler(t)
	c := host.scheduler.welcomed()
	c.say(&pb.SchedulerEvent{Event: &pb.SchedulerEvent_Drain{Drain: &pb.SchedulerDrain{Reconnect: true, Address: other.address, ReconnectAfterMs: 1}}})
	c.ends <- nil
	c = other.welcomed()
	must(t, c.hello.ResumeToken == "token", "token", c.hello.ResumeToken)
	// Whoever is there no more is not asked again.
	c.breaks()
	must(t, host.scheduler.connection().hello.ResumeToken == "token", "back", "without its token")
}

// P12.5: also what defers only after the grace time.
func TestDeferralAfterTheGraceTime(t *testing.T) {
	w := newWaiter()
	goOn := make(chan struct{})
	host := runHost(t, map[string]TaskFunc{"wait": w.run, "slow": func(ctx context.Context, task *Task) error {
		<-goOn
		return w.run(ctx, task)
	}})
	c := host.scheduler.welcomed()
	c.lease("1", "wait")
	c.settled()
	c.lease("2", "slow")
	host.drain()
	must(t, c.settled().GetDrain() != nil, "HostDrain", "something else")
	must(t, c.settled().GetDecline().GetLeaseId() == "1", "Decline", "something else")
	within(t, "the task", w.results)
	close(goOn)
	must(t, c.settled().GetDeferUntil().GetLeaseId() == "2", "DeferUntil", "something else")
	c.deferred("2", 1)
	must(t, c.settled().GetDecline().GetLeaseId() == "2", "Decline", "something else")
	must(t, stopOf(within(t, "the task", w.results)) == HandedBack, "stopped", "by something else")
	must(t, w.polls.Load() == 0, "polls", w.polls.Load())
}
