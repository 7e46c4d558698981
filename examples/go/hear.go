package cloaca

import (
	"fmt"

	pb "example.com/cloaca/cloacav1"
)

// hear what one message brought, in its order (P7.1). An event that is not known comes from a newer scheduler: it is ignored
// (P1.6).
func (s *session) hear(events []*pb.SchedulerEvent) {
	s.lock()
	defer s.unlock()
	for _, event := range events {
		switch event := event.Event.(type) {
		case *pb.SchedulerEvent_Lease:
			s.begin(event.Lease)
		case *pb.SchedulerEvent_Deferred:
			s.deferred(event.Deferred.LeaseId, event.Deferred.Deferral)
		case *pb.SchedulerEvent_SlotGranted:
			s.granted(event.SlotGranted.LeaseId, event.SlotGranted.Deferral, event.SlotGranted.Outcome)
		case *pb.SchedulerEvent_Cancel:
			if e := s.executions[event.Cancel.LeaseId]; e != nil {
				e.fence(stopReason(event.Cancel.Reason), event.Cancel.Detail, event.Cancel.Failure)
			}
		case *pb.SchedulerEvent_Revoked:
			s.revoke(event.Revoked.LeaseId, event.Revoked.Detail)
		case *pb.SchedulerEvent_Receipts:
			s.settle(event.Receipts)
		case *pb.SchedulerEvent_Registered:
			if b := s.registrations[event.Registered.Seq]; b != nil && len(event.Registered.Workflows) == 1 {
				b.answer(event.Registered.Workflows[0].Version, nil)
				delete(s.registrations, event.Registered.Seq)
			}
		}
	}
}

func (s *session) begin(lease *pb.Lease) {
	// Sent again after a reconnect: it runs, or its end has no receipt yet (P3.5).
	if s.executions[lease.LeaseId] != nil {
		return
	}
	e := newExecution(s, lease, s.code.find(lease))
	s.executions[lease.LeaseId] = e
	if e.code != nil {
		s.tasks.Add(1)
		go e.run()
		return
	}
	// P12.1, P13.2
	reason := fmt.Sprintf("this host has no code for task %q of workflow %q, version %s", lease.Task, lease.Workflow, lease.WorkflowVersion)
	s.note("lease_declined", "lease", lease.LeaseId, "reason", reason)
	e.stop, e.isCodeOver = declined, true
	e.cancel(nil)
	e.sayDecline(nil, reason)
}

// deferred: the slot is free, and the condition is polled; or the lease goes back, when the grace time is over.
func (s *session) deferred(leaseID string, n uint32) {
	e := s.executions[leaseID]
	if e == nil || e.deferral == nil {
		return // P8.8
	}
	if s.isGraceOver && e.deferral.n == n && e.deferral.state == pb.LeaseState_LEASE_STATE_DEFERRING {
		e.decline(s.drainReason)
		return
	}
	e.deferral.deferred(n)
}

func (s *session) granted(leaseID string, n uint32, outcome pb.DeferralOutcome) {
	if e := s.executions[leaseID]; e != nil && e.deferral != nil {
		e.deferral.granted(n, outcome)
	}
}

func (s *session) revoke(leaseID, detail string) {
	e := s.executions[leaseID]
	// A fenced lease is answered so as well (P3). Its slot is free with Stopped alone, which is still owed.
	if e == nil || e.stop == fenced {
		return
	}
	e.revoke(detail)
	s.owed.drop(e.owed)
	s.changed()
}

func (s *session) settle(receipts *pb.Receipts) {
	for _, receipt := range s.owed.settle(receipts) {
		switch receipt.Result {
		case pb.ReceiptResult_RECEIPT_RESULT_REJECTED, pb.ReceiptResult_RECEIPT_RESULT_CONFLICT:
			s.note("event_refused", "code", receipt.Error.GetCode(), "message", receipt.Error.GetMessage())
		}
	}
	s.changed()
}

// apply what the books say about a lease that Hello listed (P6).
func (s *session) apply(verdict *pb.LeaseVerdict) {
	e := s.executions[verdict.LeaseId]
	if e == nil {
		return
	}
	switch verdict.State {
	case pb.LeaseState_LEASE_STATE_HELD:
		// A grant that was lost on the wire (P6.5).
		if verdict.Outcome != pb.DeferralOutcome_DEFERRAL_OUTCOME_UNSPECIFIED {
			s.granted(verdict.LeaseId, verdict.Deferral, verdict.Outcome)
		}
	case pb.LeaseState_LEASE_STATE_DEFERRED:
		s.deferred(verdict.LeaseId, verdict.Deferral)
	case pb.LeaseState_LEASE_STATE_RECLAIMING:
		if e.deferral != nil {
			e.deferral.reclaiming(verdict.Deferral)
		}
	case pb.LeaseState_LEASE_STATE_ENDING:
		e.fence(stopReason(verdict.CancelReason), verdict.Detail, verdict.Failure)
	case pb.LeaseState_LEASE_STATE_REVOKED:
		s.revoke(verdict.LeaseId, "the session was lost while the connection was away")
	}
	// FINISHED and DEFERRING: what is owed is said again, and is answered DUPLICATE.
}

func stopReason(reason pb.CancelReason) StopReason {
	switch reason {
	case pb.CancelReason_CANCEL_REASON_TIMEOUT:
		return TimedOut
	case pb.CancelReason_CANCEL_REASON_RUN_TIMEOUT:
		return RunTimedOut
	default:
		// RUN_CANCELLED, or a reason of a newer scheduler.
		return RunCancelled
	}
}
