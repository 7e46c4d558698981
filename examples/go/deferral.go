package cloaca

import (
	"context"
	"fmt"
	"time"

	pb "example.com/cloaca/cloacav1"
)

// Deferral says how a task waits.
type Deferral struct {
	// Poll is the time between two calls of the condition; 1 s where it is 0.
	Poll time.Duration
	// MaxWait is the longest wait, until the deferral ends with [ErrMaxWait]. 0 means no limit.
	MaxWait time.Duration
	// Description of what is waited for, for people.
	Description string
}

const defaultPoll = time.Second

func (d Deferral) checked() (Deferral, error) {
	var problems []string
	if d.Poll < 0 {
		problems = append(problems, fmt.Sprintf("Poll is %v; allowed is more than 0, and 0 for %v", d.Poll, defaultPoll))
	}
	if d.MaxWait < 0 {
		problems = append(problems, fmt.Sprintf("MaxWait is %v; allowed is more than 0, and 0 for no limit", d.MaxWait))
	}
	if d.Poll == 0 {
		d.Poll = defaultPoll
	}
	return d, optionsError("the deferral", problems)
}

// deferral of a lease (P8): asked for, granted, polled, reclaimed, over.
//
//	DEFERRING → DEFERRED → RECLAIMING → HELD
//
// The slot counts as held until `Deferred` is heard, and only from then on the task's goroutine polls. The session's lock
// guards the state; channels tell the goroutine.
type deferral struct {
	n     uint32
	spec  Deferral
	state pb.LeaseState
	// polls is closed when polling begins, over when the task goes on.
	polls chan struct{}
	over  chan struct{}
	// pollCtx ends with the task's context, and when polling is to end.
	pollCtx  context.Context
	stopPoll context.CancelFunc
	// isDecided: the condition holds, or failed with err.
	isDecided bool
	err       error
}

func newDeferral(ctx context.Context, n uint32, spec Deferral) *deferral {
	d := &deferral{n: n, spec: spec, state: pb.LeaseState_LEASE_STATE_DEFERRING, polls: make(chan struct{}), over: make(chan struct{})}
	d.pollCtx, d.stopPoll = context.WithCancel(ctx)
	return d
}

func (d *deferral) isOpen() bool { return d != nil && d.state != pb.LeaseState_LEASE_STATE_HELD }

// deferred: it was heard, or the books say so. The slot is free.
func (d *deferral) deferred(n uint32) {
	if n == d.n && d.state == pb.LeaseState_LEASE_STATE_DEFERRING {
		d.state = pb.LeaseState_LEASE_STATE_DEFERRED
		close(d.polls)
	}
}

// decide that the condition holds, or failed; false when somebody else has ended the wait. The task reclaims.
func (d *deferral) decide(err error) bool {
	if d.state != pb.LeaseState_LEASE_STATE_DEFERRED {
		return false
	}
	d.isDecided, d.err = true, err
	d.state = pb.LeaseState_LEASE_STATE_RECLAIMING
	return true
}

// reclaiming: the books say that the lease waits for a slot, whoever ended the wait (P6.6).
func (d *deferral) reclaiming(n uint32) {
	if n == d.n && d.isOpen() {
		d.state = pb.LeaseState_LEASE_STATE_RECLAIMING
		d.stopPoll()
	}
}

// granted: the task has a slot again (P8.6).
func (d *deferral) granted(n uint32, outcome pb.DeferralOutcome) {
	if n != d.n || !d.isOpen() {
		return
	}
	err := d.err
	if outcome == pb.DeferralOutcome_DEFERRAL_OUTCOME_MAX_WAIT || !d.isDecided {
		err = d.tooLong()
	}
	d.end(err)
}

// end the wait with a result: the task goes on with it.
func (d *deferral) end(err error) {
	if d.isOpen() {
		d.err = err
		d.state = pb.LeaseState_LEASE_STATE_HELD
		d.stopPoll()
		close(d.over)
	}
}

func (d *deferral) tooLong() error {
	coded := newError(CodeDeferTimeout, "waited for %v", d.spec.MaxWait)
	if d.spec.Description != "" {
		coded.Message += " for " + d.spec.Description
	}
	return fmt.Errorf("%w: %w", ErrMaxWait, coded)
}
