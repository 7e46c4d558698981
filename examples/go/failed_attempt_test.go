package cloaca

import (
	"context"
	"errors"
	"testing"
	"time"

	pb "example.com/cloaca/cloacav1"
)

func timeOut(id string, follows *pb.FailureVerdict) *pb.SchedulerEvent {
	return &pb.SchedulerEvent{Event: &pb.SchedulerEvent_Cancel{Cancel: &pb.Cancel{
		LeaseId: id, Reason: pb.CancelReason_CANCEL_REASON_TIMEOUT, Detail: "too slow", Failure: follows,
	}}}
}

func timedOut(failed FailedAttempt) bool {
	return HasCode(failed.Err, CodeTaskTimeout) && failed.Err.Error() == "too slow"
}

// P9: OnFailure is told at once, whether or not the code ever stops, and once.
func TestOnFailureOfTimeouts(t *testing.T) {
	told := make(chan FailedAttempt, 10)
	begun := make(chan struct{}, 10)
	goOn := make(chan struct{})
	host := runHost(t, map[string]TaskFunc{"deaf": func(_ context.Context, task *Task) error {
		task.OnFailure(func(failed FailedAttempt) { told <- failed })
		begun <- struct{}{}
		<-goOn
		return nil
	}})
	c := host.scheduler.welcomed()
	for _, id := range []string{"1", "2", "3", "4"} {
		c.lease(id, "deaf")
		within(t, "the task", begun)
	}
	final := &pb.FailureVerdict{Final: true}
	retried := &pb.FailureVerdict{RetryInMs: 250, NextAttempt: 2}
	c.say(timeOut("1", final))
	failed := within(t, "the first failure", told)
	must(t, timedOut(failed) && failed.Next == nil, "a final timeout", failed)
	c.say(timeOut("2", retried))
	failed = within(t, "the second failure", told)
	must(t, timedOut(failed) && *failed.Next == NextAttempt{2, 250 * time.Millisecond}, "a timeout that is retried", failed)
	// A scheduler that does not say what follows, and a run that was cancelled.
	c.say(timeOut("3", nil))
	c.breaks()
	ending := func(id string, reason pb.CancelReason, follows *pb.FailureVerdict) *pb.LeaseVerdict {
		state := pb.LeaseState_LEASE_STATE_ENDING
		return &pb.LeaseVerdict{LeaseId: id, State: state, CancelReason: reason, Detail: "too slow", Failure: follows}
	}
	c = host.scheduler.welcomed(
		ending("1", pb.CancelReason_CANCEL_REASON_TIMEOUT, final),
		ending("3", pb.CancelReason_CANCEL_REASON_RUN_CANCELLED, nil),
		ending("4", pb.CancelReason_CANCEL_REASON_TIMEOUT, retried),
	)
	failed = within(t, "the failure that came while the connection was away", told)
	must(t, timedOut(failed) && failed.Next.Attempt == 2, "the timeout of another lease", failed)
	close(goOn)
	for range 4 {
		must(t, c.settled().GetStopped() != nil, "Stopped", "something else")
	}
	must(t, len(told) == 0, "told more", len(told))
}

func TestOnFailureOfWhatTheCodeReturns(t *testing.T) {
	told := make(chan FailedAttempt, 10)
	boom := errors.New("boom")
	host := runHost(t, map[string]TaskFunc{
		"fails": func(_ context.Context, task *Task) error {
			task.OnFailure(func(FailedAttempt) { panic("what a callback does is its own") })
			task.OnFailure(func(failed FailedAttempt) { told <- failed })
			return boom
		},
		"works": func(_ context.Context, task *Task) error {
			task.OnFailure(func(failed FailedAttempt) { told <- failed })
			return nil
		},
	})
	c := host.scheduler.welcomed()
	c.lease("1", "fails")
	seq := c.next().Seq
	c.receipts(seq, &pb.Receipt{Seq: seq, Result: pb.ReceiptResult_RECEIPT_RESULT_APPLIED, Failure: &pb.FailureVerdict{Final: true}})
	failed := within(t, "the failure", told)
	must(t, failed.Err == boom && failed.Next == nil, "a final failure", failed)
	c.lease("2", "works")
	must(t, c.settled().GetComplete() != nil, "Complete", "something else")
	// It did not count: a timeout came first.
	c.lease("3", "fails")
	seq = c.next().Seq
	c.say(timeOut("3", &pb.FailureVerdict{Final: true}))
	c.receipts(seq, &pb.Receipt{Seq: seq, Result: pb.ReceiptResult_RECEIPT_RESULT_STALE})
	failed = within(t, "the timeout", told)
	must(t, timedOut(failed), "not what the code returned", failed)
	must(t, len(told) == 0, "told more", len(told))
}
