package cloaca

import (
	"time"

	pb "example.com/cloaca/cloacav1"
)

// FailedAttempt is an execution that has failed, as the scheduler has it.
type FailedAttempt struct {
	// Err is what the code returned. A timeout is an [Error] with CodeTaskTimeout, what the scheduler did not take one with its
	// code.
	Err error
	// Next is the attempt that follows; nil where the task has failed for good.
	Next *NextAttempt
}

// NextAttempt is the one that follows on an attempt that has failed.
type NextAttempt struct {
	// Attempt is its number.
	Attempt int
	// Delay is how long after the failure it begins.
	Delay time.Duration
}

// OnFailure calls back when this execution has failed, once the scheduler has said so, with what follows; at most once. It says
// so of a timeout while the code still runs, whether or not that heeds its context. A run that was cancelled is no failure.
// call has a goroutine of its own, for which [Host.Run] waits; where it panics, that is logged.
func (t *Task) OnFailure(call func(FailedAttempt)) {
	e := t.execution
	e.session.lock()
	defer e.session.unlock()
	e.onFailure = append(e.onFailure, call)
}

// failed tells of a failure; nil where the scheduler does not say what follows. It may be heard of twice: with Cancel, and again
// with the verdict of the next Welcome (P6). Under the session's lock.
func (e *execution) failed(err error, verdict *pb.FailureVerdict) {
	if verdict == nil || e.isTold {
		return
	}
	e.isTold = true
	failure := FailedAttempt{Err: err}
	if !verdict.Final {
		failure.Next = &NextAttempt{int(verdict.NextAttempt), time.Duration(verdict.RetryInMs) * time.Millisecond}
	}
	for _, call := range e.onFailure {
		e.session.tasks.Add(1)
		go e.callBack(call, failure)
	}
}

func (e *execution) callBack(call func(FailedAttempt), failure FailedAttempt) {
	defer e.session.tasks.Done()
	err := protect(func() error {
		call(failure)
		return nil
	})
	if err != nil {
		e.session.lock()
		defer e.session.unlock()
		e.session.note("callback_failed", "task", e.lease.Task, "error", err.Error())
	}
}
