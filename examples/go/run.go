package cloaca

import (
	"context"
	"time"
)

// Run serves until the host is drained; it connects again for ever, with a growing wait, while the scheduler is away. When ctx
// ends, the host drains: work that holds a slot is finished. It returns nil once everything is done and said, and an error
// when the scheduler refuses the host for good, or after [Host.Close]. All goroutines of the host have ended by then. A host
// runs once.
func (h *Host) Run(ctx context.Context) error {
	if !h.isRun.CompareAndSwap(false, true) {
		return newError(CodeHostEnded, "host %q has run already; make another one", h.options.HostID)
	}
	stop := context.AfterFunc(ctx, func() { h.Drain(h.options.DrainGrace, "the host is told to end") })
	defer stop()
	err := h.serve()
	failure := err
	if failure == nil {
		failure = newError(CodeHostEnded, "host %q has ended", h.options.HostID)
	}
	if timer := h.grace.Load(); timer != nil {
		timer.Stop()
	}
	h.session.end(&StopError{HostClosed, ""}, failure)
	h.session.tasks.Wait()
	h.endLife(nil)
	return err
}

func (h *Host) serve() error {
	address := h.options.Address
	for {
		// A host that drains with nothing to do need not connect first.
		if h.isDraining() && h.mayGo() {
			return nil
		}
		c := newConnection(address, h.session, hooks{h.welcomed, h.Drain})
		end := c.serve(h.life, h.options.DialOptions)
		switch {
		case end.kind == finished:
			return nil
		case h.life.Err() != nil:
			return newError(CodeHostEnded, "host %q was closed", h.options.HostID)
		case end.kind == fatal:
			return end.err
		case h.isDraining() && h.mayGo():
			return nil
		}
		// P12.2: where the scheduler said; if nobody is there, back to where this host was told.
		if address = end.address; address == "" {
			address = h.options.Address
		}
		h.pause(end)
	}
}

func (h *Host) isDraining() bool {
	h.session.lock()
	defer h.session.unlock()
	return h.session.isDraining
}

// mayGo: a host that drains while the scheduler is away goes when it has nothing to say, or nobody waits for it any more.
func (h *Host) mayGo() bool {
	h.session.lock()
	defer h.session.unlock()
	deadline := h.deadline.Load()
	return !h.session.hasNews() || (deadline != nil && time.Now().After(*deadline))
}

// pause between two tries (P1.5).
func (h *Host) pause(end ending) {
	wait := end.after
	if wait < 0 {
		wait = h.backoff.next()
	}
	h.options.Logger.Warn("host_disconnected", "error", asError(end.err).Message, "retry_in", wait)
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-h.drains:
	case <-h.life.Done():
	}
}
