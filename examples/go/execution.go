package cloaca

import (
	"context"
	"runtime/debug"

	pb "example.com/cloaca/cloacav1"
)

// stop says why nothing counts any more that the code of a lease returns.
type stop int

const (
	goesOn stop = iota
	// fenced: Stopped is owed once the code has stopped (P3).
	fenced
	// revoked: nothing is owed.
	revoked
	// declined: said already, and its receipt is awaited (P12).
	declined
)

// execution is one lease in this process: the task's code while it runs, its deferral, and what is still to be said of it.
//
// Two things end apart: the code, and what is owed. The session forgets the lease when both have.
//
//	what ends it        says, and when                       is settled
//	the code returned   Complete or Fail, at once            with the receipt
//	Cancel (P3)         Stopped, once the code has stopped   with the receipt
//	Decline (P12)       Decline, at once                     with the receipt
//	Revoked             nothing                              at once
//
// The session's lock guards all but the data, which has its own.
type execution struct {
	session *session
	lease   *pb.Lease
	code    TaskFunc
	data    *data
	ctx     context.Context
	cancel  context.CancelCauseFunc

	stop       stop
	isCodeOver bool
	isSettled  bool
	// isTold: onFailure has been called, or there was nothing to call.
	isTold    bool
	onFailure []func(FailedAttempt)
	// deferral is the last one; nil where the lease never deferred.
	deferral *deferral
	owed     []*owedEvent
}

func newExecution(s *session, lease *pb.Lease, code TaskFunc) *execution {
	e := &execution{session: s, lease: lease, code: code, data: newData(lease.Input, lease.Checkpoint)}
	e.ctx, e.cancel = context.WithCancelCause(s.tasksCtx)
	return e
}

// What the session asks, under its lock.

// state of the lease as this host sees it (P6.2).
func (e *execution) state() pb.LeaseState {
	switch {
	case e.isCodeOver || e.stop == declined:
		return pb.LeaseState_LEASE_STATE_FINISHED
	case e.deferral == nil:
		return pb.LeaseState_LEASE_STATE_HELD
	default:
		return e.deferral.state
	}
}

func (e *execution) deferralNumber() uint32 {
	if e.deferral == nil {
		return 0
	}
	return e.deferral.n
}

// fence the lease: the code is told, and Stopped is said once it has stopped (P3.1, P3.2).
func (e *execution) fence(reason StopReason, detail string, follows *pb.FailureVerdict) {
	// The attempt has failed, whatever became of its code here. That may never stop, so nobody waits for it (P9).
	e.failed(newError(CodeTaskTimeout, "%s", detail), follows)
	// What has ended is on its way, or was refused: its slot is free with it (P3.3).
	if !e.isCodeOver && e.stop == goesOn {
		e.stop = fenced
		e.tell(&StopError{reason, detail})
	}
}

// revoke the lease: the code is told, and nothing more is said (P3.4).
func (e *execution) revoke(detail string) {
	if !e.isCodeOver && e.stop == goesOn {
		e.stop = revoked
		e.tell(&StopError{LeaseRevoked, detail})
	}
	e.settle()
}

// decline hands the lease back, to be executed elsewhere (P12).
func (e *execution) decline(reason string) {
	if e.isCodeOver || e.stop != goesOn {
		return
	}
	e.stop = declined
	patch, err := e.data.take(e.session.maxPatchBytes)
	if err != nil {
		// What is too large is lost with this execution.
		e.session.note("patch_dropped", "lease", e.lease.LeaseId, "reason", err.Error())
	}
	e.sayDecline(patch, reason)
	e.tell(&StopError{HandedBack, reason})
}

func (e *execution) sayDecline(patch *pb.Patch, reason string) {
	event := &pb.Decline{LeaseId: e.lease.LeaseId, Checkpoint: patch, Reason: reason}
	e.say(&pb.HostEvent{Event: &pb.HostEvent_Decline{Decline: event}}, func(*pb.Receipt) { e.settle() })
}

func (e *execution) tell(cause *StopError) {
	e.cancel(cause)
	if e.deferral != nil {
		e.deferral.end(cause)
	}
}

// The code, in a goroutine of its own.

func (e *execution) run() {
	defer e.session.tasks.Done()
	// That is what is left of code that ends its goroutine (runtime.Goexit).
	err := error(finalError(CodeTaskFailed, "the task ended its goroutine"))
	defer func() {
		e.finish(err)
		e.cancel(nil)
	}()
	err = protect(func() error {
		task := &Task{e}
		return e.code(context.WithValue(e.ctx, taskKey{}, task), task)
	})
}

// protect turns a panic into an error.
func protect(code func() error) (err error) {
	defer func() {
		if value := recover(); value != nil {
			err = &panicked{value, debug.Stack()}
		}
	}()
	return code()
}

func (e *execution) finish(err error) {
	e.session.lock()
	defer e.session.unlock()
	if e.deferral.isOpen() && e.stop == goesOn {
		err = finalError(CodeDeferralNotAwaited, "task %q ended while it was deferred", e.lease.Task)
		e.deferral.end(err)
	}
	e.isCodeOver = true
	switch e.stop {
	case fenced:
		event := &pb.HostEvent{Event: &pb.HostEvent_Stopped{Stopped: &pb.Stopped{LeaseId: e.lease.LeaseId}}}
		e.say(event, func(*pb.Receipt) { e.settle() })
	case goesOn:
		var patch *pb.Patch
		if err == nil {
			// P10.1
			patch, err = e.data.take(e.session.maxPatchBytes)
		}
		if err != nil {
			e.sayFail(failEvent(e.lease.LeaseId, err, e.session.maxFailureBytes), err)
		} else {
			complete := &pb.Complete{LeaseId: e.lease.LeaseId, Patch: patch}
			e.say(&pb.HostEvent{Event: &pb.HostEvent_Complete{Complete: complete}}, e.completeReceipted)
		}
	}
	e.forgetWhenOver()
}

func (e *execution) sayFail(fail *pb.Fail, err error) {
	e.say(&pb.HostEvent{Event: &pb.HostEvent_Fail{Fail: fail}}, func(receipt *pb.Receipt) {
		e.failed(err, receipt.Failure)
		e.settle()
	})
}

func (e *execution) completeReceipted(receipt *pb.Receipt) {
	// What the scheduler cannot take from a task is that task's failure: a lease must not stay for ever (P4.4).
	if receipt.Result == pb.ReceiptResult_RECEIPT_RESULT_REJECTED && receipt.Failure == nil {
		failure := &pb.Failure{Code: receipt.Error.GetCode(), Message: receipt.Error.GetMessage()}
		e.sayFail(&pb.Fail{LeaseId: e.lease.LeaseId, Failure: failure, Final: true}, errorOf(receipt.Error))
		return
	}
	// Its patch was too large, and the scheduler has made a failure of it (P10).
	e.failed(errorOf(receipt.Error), receipt.Failure)
	e.settle()
}

// What a task asks, in its goroutines.

// beginDeferral asks for the slot to be given back (P8.1, P8.4).
func (e *execution) beginDeferral(ctx context.Context, spec Deferral) (*deferral, error) {
	e.session.lock()
	defer e.session.unlock()
	if err := e.usable(); err != nil {
		return nil, err
	}
	patch, err := e.data.take(e.session.maxPatchBytes)
	if err != nil {
		return nil, err
	}
	d := newDeferral(ctx, e.deferralNumber()+1, spec)
	e.deferral = d
	event := &pb.DeferUntil{
		LeaseId:        e.lease.LeaseId,
		Deferral:       d.n,
		PollIntervalMs: milliseconds(spec.Poll),
		MaxWaitMs:      milliseconds(spec.MaxWait),
		Description:    cut(validText(spec.Description), 1024),
		Checkpoint:     patch,
	}
	e.say(&pb.HostEvent{Event: &pb.HostEvent_DeferUntil{DeferUntil: event}}, func(receipt *pb.Receipt) {
		// STALE comes with Revoked. A refusal ends the deferral with its reason; the task still has its slot.
		if receipt.Result == pb.ReceiptResult_RECEIPT_RESULT_REJECTED {
			d.end(errorOf(receipt.Error))
			e.refused(receipt)
		}
	})
	return d, nil
}

// reclaim asks for a slot: the condition holds, or failed.
func (e *execution) reclaim(d *deferral, err error) {
	e.session.lock()
	defer e.session.unlock()
	if d.decide(err) {
		event := &pb.Reclaim{LeaseId: e.lease.LeaseId, Deferral: d.n}
		e.say(&pb.HostEvent{Event: &pb.HostEvent_Reclaim{Reclaim: event}}, nil)
	}
}

// checkpoint commits what was set so far (P5.4); the channel has its result. It is nil where nothing is to commit.
func (e *execution) checkpoint() (<-chan error, error) {
	e.session.lock()
	defer e.session.unlock()
	if err := e.usable(); err != nil {
		return nil, err
	}
	patch, err := e.data.take(e.session.maxPatchBytes)
	if err != nil || patch == nil {
		return nil, err
	}
	result := make(chan error, 1)
	event := &pb.Checkpoint{LeaseId: e.lease.LeaseId, Patch: patch}
	e.say(&pb.HostEvent{Event: &pb.HostEvent_Checkpoint{Checkpoint: event}}, func(receipt *pb.Receipt) {
		switch receipt.Result {
		case pb.ReceiptResult_RECEIPT_RESULT_APPLIED, pb.ReceiptResult_RECEIPT_RESULT_DUPLICATE:
			result <- nil
		default:
			result <- errorOf(receipt.Error)
			e.refused(receipt)
		}
	})
	return result, nil
}

func (e *execution) usable() error {
	switch {
	case e.isCodeOver:
		return newError(CodeTaskMisused, "task %q has ended", e.lease.Task)
	case e.ctx.Err() != nil:
		return context.Cause(e.ctx)
	case e.deferral.isOpen():
		return newError(CodeTaskMisused, "task %q is deferred already; its deferrals come one by one", e.lease.Task)
	}
	return nil
}

// refused: what cannot be taken may have failed the task there and then; nothing that its code says counts any more (P10).
func (e *execution) refused(receipt *pb.Receipt) {
	if receipt.Failure.GetFinal() {
		e.revoke(receipt.Error.GetMessage())
		e.failed(errorOf(receipt.Error), receipt.Failure)
	}
}

func (e *execution) say(event *pb.HostEvent, onReceipt func(*pb.Receipt)) {
	e.owed = append(e.owed, e.session.say(event, onReceipt))
}

func (e *execution) settle() {
	e.isSettled = true
	e.forgetWhenOver()
}

func (e *execution) forgetWhenOver() {
	if e.isSettled && e.isCodeOver {
		e.session.forget(e)
	}
}
