package cloaca

import (
	"context"
	"time"

	pb "example.com/cloaca/cloacav1"
)

// Task is one execution of a task: the data of its run, and what it can do with its slot. Safe for the goroutines of the task,
// until it has ended.
type Task struct{ execution *execution }

type taskKey struct{}

// FromContext is the task that runs in a context; nil outside one.
func FromContext(ctx context.Context) *Task {
	task, _ := ctx.Value(taskKey{}).(*Task)
	return task
}

// ID of the task within its workflow.
func (t *Task) ID() string { return t.execution.lease.Task }

// Workflow is the name of the workflow.
func (t *Task) Workflow() string { return t.execution.lease.Workflow }

// RunID is the id of the run.
func (t *Task) RunID() string { return t.execution.lease.RunId }

// LeaseID is unique for ever: no other execution has it.
func (t *Task) LeaseID() string { return t.execution.lease.LeaseId }

// Attempt is the counted execution: 1, and more after retries.
func (t *Task) Attempt() int { return int(t.execution.lease.Attempt) }

// Recovery counts the executions of this attempt that ended because a host was lost.
func (t *Task) Recovery() int { return int(t.execution.lease.Recovery) }

// Fence only grows for a task of a run: systems outside can refuse effects of an older execution.
func (t *Task) Fence() uint64 { return t.execution.lease.Fence }

// TaskRunID is unique for ever, the same for all attempts: a key for effects outside that must happen once.
func (t *Task) TaskRunID() string { return t.execution.lease.TaskRunId }

// Label of the run; "" where it has none of that name.
func (t *Task) Label(name string) string { return t.execution.lease.Labels[name] }

// Traceparent is the W3C trace context of the run; "" where it has none.
func (t *Task) Traceparent() string { return t.execution.lease.Traceparent }

// Get reads a key of the context. Integers that T cannot hold are refused with CONTEXT_NUMBER_UNSAFE rather than rounded; with
// T = json.RawMessage the text comes as it is. A key that is not there is an [Error] with code CONTEXT_KEY_MISSING.
func Get[T any](t *Task, key string) (T, error) {
	var value T
	text, ok := t.execution.data.text(key)
	if !ok {
		return value, newError(CodeKeyMissing, "context key %q is not there; there are %q", key, t.Keys())
	}
	err := decodeValue(key, text, &value)
	return value, err
}

// GetOr reads a key of the context, or gives the fallback when it is not there.
func GetOr[T any](t *Task, key string, fallback T) (T, error) {
	if !t.Has(key) {
		return fallback, nil
	}
	return Get[T](t, key)
}

// Has tells whether a key is there.
func (t *Task) Has(key string) bool {
	_, ok := t.execution.data.text(key)
	return ok
}

// Keys of the context, sorted.
func (t *Task) Keys() []string { return t.execution.data.keys() }

// Set writes a key, as encoding/json writes the value. It goes to the tasks that come after when this one has ended well, or
// has committed it with [Task.Checkpoint] or a deferral.
func (t *Task) Set(key string, value any) error {
	text, err := encodeValue(key, value)
	if err == nil {
		t.execution.data.set(key, text)
	}
	return err
}

// Remove takes a key out.
func (t *Task) Remove(key string) { t.execution.data.remove(key) }

// Checkpoint commits what was set and removed so far, and returns once it is durable. It stays, whatever becomes of the
// attempt: the next execution of the task starts from there.
func (t *Task) Checkpoint(ctx context.Context) error {
	result, err := t.execution.checkpoint()
	if result == nil {
		return err
	}
	select {
	case err := <-result:
		return err
	case <-t.execution.ctx.Done():
		return context.Cause(t.execution.ctx)
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// DeferUntil gives the slot to other work until the condition holds, and takes a slot again. Local variables stay as they are;
// what was set until then is committed. The condition is asked at once and then every Deferral.Poll, never twice at a time; its
// context ends when the wait does. When it fails, the task takes a slot again and gets the error. ErrMaxWait says that
// Deferral.MaxWait is over, a [StopError] that the task is to stop. When ctx ends, the task takes a slot again too.
func (t *Task) DeferUntil(ctx context.Context, condition func(ctx context.Context) (bool, error), how Deferral) error {
	how, err := how.checked()
	if err != nil {
		return err
	}
	d, err := t.execution.beginDeferral(ctx, how)
	if err != nil {
		return err
	}
	defer d.stopPoll()
	select {
	case <-d.polls:
		t.poll(ctx, d, condition)
	case <-d.over:
	}
	<-d.over
	return d.err
}

// Await is [Task.DeferUntil] with a value: the condition tells it when it holds.
func Await[T any](ctx context.Context, t *Task, condition func(ctx context.Context) (T, bool, error), how Deferral) (T, error) {
	var found T
	err := t.DeferUntil(ctx, func(ctx context.Context) (bool, error) {
		value, holds, err := condition(ctx)
		if holds && err == nil {
			found = value
		}
		return holds, err
	}, how)
	return found, err
}

// poll until the condition holds, or somebody else ends the wait (P8.3).
func (t *Task) poll(ctx context.Context, d *deferral, condition func(ctx context.Context) (bool, error)) {
	timer := time.NewTimer(d.spec.Poll)
	defer timer.Stop()
	for {
		if ctx.Err() != nil {
			// The task's own context, not the end of the wait: it needs its slot to go on.
			t.execution.reclaim(d, context.Cause(ctx))
			return
		}
		if d.pollCtx.Err() != nil {
			return
		}
		holds := false
		err := protect(func() (err error) {
			holds, err = condition(d.pollCtx)
			return err
		})
		if d.pollCtx.Err() != nil {
			continue
		}
		if holds || err != nil {
			t.execution.reclaim(d, err)
			return
		}
		timer.Reset(d.spec.Poll)
		select {
		case <-timer.C:
		case <-d.pollCtx.Done():
		}
	}
}

// IsSlotHeld tells whether the task holds a slot: it does, but for the time in a deferral.
func (t *Task) IsSlotHeld() bool {
	t.execution.session.lock()
	defer t.execution.session.unlock()
	d := t.execution.deferral
	return !d.isOpen() || d.state == pb.LeaseState_LEASE_STATE_DEFERRING
}
