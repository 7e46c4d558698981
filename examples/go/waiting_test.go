package cloaca

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	pb "example.com/cloaca/cloacav1"
)

const (
	met     = pb.DeferralOutcome_DEFERRAL_OUTCOME_MET
	maxWait = pb.DeferralOutcome_DEFERRAL_OUTCOME_MAX_WAIT
)

// waiter is a task that defers until a test lets it go on.
type waiter struct {
	polls   atomic.Int32
	holds   atomic.Bool
	fails   error
	results chan error
}

func (w *waiter) run(ctx context.Context, task *Task) error {
	if err := task.Set("before", 1); err != nil {
		return err
	}
	found, err := Await(ctx, task, func(ctx context.Context) (string, bool, error) {
		w.polls.Add(1)
		return "found", w.holds.Load(), w.fails
	}, Deferral{Poll: time.Millisecond, MaxWait: time.Hour, Description: "a test"})
	w.results <- err
	return errors.Join(err, task.Set("found", found))
}

func newWaiter() *waiter { return &waiter{results: make(chan error, 1)} }

// P8: a slot is given back, and the task goes on with what its condition found.
func TestDeferral(t *testing.T) {
	w := newWaiter()
	host := runHost(t, map[string]TaskFunc{"wait": w.run, "quick": nothing})
	c := host.scheduler.welcomed()
	c.lease("1", "wait")
	asked := c.settled().GetDeferUntil()
	must(t, asked.GetDeferral() == 1 && asked.PollIntervalMs == 1 && asked.MaxWaitMs == 3_600_000 && asked.Description == "a test", "asked", asked)
	must(t, asked.Checkpoint.Set["before"] == "1", "committed", asked.Checkpoint)
	// P8.2, P8.8: of another deferral, and of another lease.
	c.deferred("1", 2)
	c.deferred("2", 1)
	c.lease("3", "quick")
	c.settled()
	must(t, w.polls.Load() == 0, "polls before Deferred", w.polls.Load())
	w.holds.Store(true)
	c.deferred("1", 1)
	must(t, c.settled().GetReclaim().GetDeferral() == 1, "Reclaim", "something else")
	polls := w.polls.Load()
	c.grant("1", 2, maxWait)
	c.grant("1", 1, met)
	if err := within(t, "the task", w.results); err != nil {
		t.Fatal(err)
	}
	patch := c.settled().GetComplete().GetPatch().GetSet()
	must(t, len(patch) == 1 && patch["found"] == `"found"`, "patch", patch)
	must(t, polls == 1 && w.polls.Load() == 1, "polls", w.polls.Load())
}

// P8.6: whatever the host thinks, the grant tells how it ended.
func TestDeferralThatTakesTooLong(t *testing.T) {
	w := newWaiter()
	host := runHost(t, map[string]TaskFunc{"wait": w.run})
	c := host.scheduler.welcomed()
	c.lease("1", "wait")
	c.settled()
	c.deferred("1", 1)
	c.grant("1", 1, maxWait)
	err := within(t, "the task", w.results)
	must(t, errors.Is(err, ErrMaxWait) && HasCode(err, CodeDeferTimeout), "error", err)
	must(t, c.settled().GetFail().GetFailure().GetCode() == CodeDeferTimeout, "Fail", "something else")
	w.holds.Store(true)
	c.lease("2", "wait")
	c.settled()
	c.deferred("2", 1)
	c.settled()
	c.grant("2", 1, maxWait)
	err = within(t, "the task", w.results)
	must(t, errors.Is(err, ErrMaxWait), "in place of MET", err)
}

func TestConditionThatFails(t *testing.T) {
	w := newWaiter()
	w.fails = errors.New("no such bucket")
	host := runHost(t, map[string]TaskFunc{"wait": w.run})
	c := host.scheduler.welcomed()
	c.lease("1", "wait")
	c.settled()
	c.deferred("1", 1)
	// It needs its slot to go on.
	must(t, c.settled().GetReclaim() != nil, "Reclaim", "something else")
	c.grant("1", 1, met)
	err := within(t, "the task", w.results)
	must(t, errors.Is(err, w.fails), "error", err)
}

// A context of the task's own may end; the task then takes its slot back like any other.
func TestContextThatEndsWhileDeferred(t *testing.T) {
	results := make(chan error, 1)
	mine, cancel := context.WithCancelCause(context.Background())
	host := runHost(t, map[string]TaskFunc{"wait": func(ctx context.Context, task *Task) error {
		err := task.DeferUntil(mine, func(ctx context.Context) (bool, error) { return false, nil }, Deferral{})
		results <- err
		return nil
	}})
	c := host.scheduler.welcomed()
	c.lease("1", "wait")
	c.settled()
	c.deferred("1", 1)
	enough := errors.New("enough")
	cancel(enough)
	must(t, c.settled().GetReclaim() != nil, "Reclaim", "something else")
	c.grant("1", 1, met)
	err := within(t, "the task", results)
	must(t, err == enough, "error", err)
	must(t, c.settled().GetComplete() != nil, "Complete", "something else")
}

// P8.7: in any state of a deferral.
func TestCancelWhileDeferred(t *testing.T) {
	for name, reach := range map[string]func(*scriptedStream, *waiter){
		"asked":      func(c *scriptedStream, _ *waiter) { c.settled() },
		"polling":    func(c *scriptedStream, _ *waiter) { c.settled(); c.deferred("1", 1) },
		"reclaiming": func(c *scriptedStream, w *waiter) { w.holds.Store(true); c.settled(); c.deferred("1", 1); c.settled() },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWaiter()
			host := runHost(t, map[string]TaskFunc{"wait": w.run})
			c := host.scheduler.welcomed()
			c.lease("1", "wait")
			reach(c, w)
			c.cancel("1", pb.CancelReason_CANCEL_REASON_RUN_CANCELLED)
			must(t, stopOf(within(t, "the task", w.results)) == RunCancelled, "stopped", "by something else")
			must(t, c.settled().GetStopped().GetLeaseId() == "1", "Stopped", "something else")
		})
	}
}

// P6.4 to P6.6: what was lost on the wire.
func TestVerdictsOfDeferrals(t *testing.T) {
	w := newWaiter()
	host := runHost(t, map[string]TaskFunc{"wait": w.run})
	c := host.scheduler.welcomed()
	c.lease("1", "wait")
	c.settled()
	c.breaks()
	c = host.scheduler.welcomed(&pb.LeaseVerdict{LeaseId: "1", State: pb.LeaseState_LEASE_STATE_DEFERRED, Deferral: 1})
	held := c.hello.HeldLeases[0]
	must(t, held.State == pb.LeaseState_LEASE_STATE_DEFERRING && held.Deferral == 1, "held", held)
	for w.polls.Load() == 0 {
		time.Sleep(time.Millisecond)
	}
	c.breaks()
	c = host.scheduler.welcomed(&pb.LeaseVerdict{LeaseId: "1", State: pb.LeaseState_LEASE_STATE_RECLAIMING, Deferral: 1})
	must(t, c.hello.HeldLeases[0].State == pb.LeaseState_LEASE_STATE_DEFERRED, "held", c.hello.HeldLeases[0])
	c.breaks()
	c = host.scheduler.welcomed(&pb.LeaseVerdict{LeaseId: "1", State: pb.LeaseState_LEASE_STATE_HELD, Deferral: 1, Outcome: maxWait})
	must(t, c.hello.HeldLeases[0].State == pb.LeaseState_LEASE_STATE_RECLAIMING, "held", c.hello.HeldLeases[0])
	err := within(t, "the task", w.results)
	must(t, errors.Is(err, ErrMaxWait), "error", err)
	must(t, c.settled().GetFail() != nil, "Fail", "something else")
}

// P10: a refusal may have failed the task there and then.
func TestRefusedDeferral(t *testing.T) {
	w := newWaiter()
	host := runHost(t, map[string]TaskFunc{"wait": w.run, "quick": nothing})
	c := host.scheduler.welcomed()
	c.lease("1", "wait")
	asked := c.next()
	c.receipts(asked.Seq, &pb.Receipt{
		Seq: asked.Seq, Result: pb.ReceiptResult_RECEIPT_RESULT_REJECTED,
		Error: &pb.Error{Code: "CONTEXT_TOO_LARGE", Message: "too large"}, Failure: &pb.FailureVerdict{Final: true},
	})
	err := within(t, "the task", w.results)
	must(t, HasCode(err, "CONTEXT_TOO_LARGE"), "error", err)
	c.lease("2", "quick")
	must(t, c.settled().GetComplete().GetLeaseId() == "2", "next", "something of a lease that has failed")
}

func TestTasksAreMisused(t *testing.T) {
	left := make(chan *Task, 1)
	host := runHost(t, map[string]TaskFunc{
		"forgets": func(ctx context.Context, task *Task) error {
			go task.DeferUntil(ctx, func(context.Context) (bool, error) { return false, nil }, Deferral{})
			for task.IsSlotHeld() {
				time.Sleep(time.Millisecond)
			}
			return task.DeferUntil(ctx, nil, Deferral{Poll: -1})
		},
		"leaves": func(_ context.Context, task *Task) error {
			left <- task
			return nil
		},
	})
	c := host.scheduler.welcomed()
	c.lease("1", "forgets")
	c.settled()
	c.deferred("1", 1)
	fail := c.settled().GetFail()
	must(t, fail.GetFinal() && fail.Failure.Code == CodeDeferralNotAwaited, "Fail", fail)
	c.lease("2", "leaves")
	c.settled()
	task := within(t, "a task", left)
	for _, err := range []error{task.Checkpoint(t.Context()), task.DeferUntil(t.Context(), nil, Deferral{})} {
		must(t, HasCode(err, CodeTaskMisused), "after its end", err)
	}
}
