package cloaca

import (
	"cmp"
	"slices"

	pb "example.com/cloaca/cloacav1"
)

// owedEvents numbers what a session says, and keeps it until its receipt (P4). It outlives connections: each new one hears
// all of it again. The session's lock guards it.
type owedEvents struct {
	seq uint64
	// By number, in order; those that are settled leave once they are the first.
	queue []*owedEvent
	count int
}

// owedEvent is one event without a receipt.
type owedEvent struct {
	event *pb.HostEvent
	// onReceipt may be nil.
	onReceipt func(*pb.Receipt)
	isSettled bool
}

// add gives an event its number.
func (o *owedEvents) add(event *pb.HostEvent, onReceipt func(*pb.Receipt)) *owedEvent {
	o.seq++
	event.Seq = o.seq
	owed := &owedEvent{event: event, onReceipt: onReceipt}
	o.queue = append(o.queue, owed)
	o.count++
	return owed
}

// all events, in their order.
func (o *owedEvents) all() []*pb.HostEvent {
	events := make([]*pb.HostEvent, 0, o.count)
	for _, owed := range o.queue {
		if !owed.isSettled {
			events = append(events, owed.event)
		}
	}
	return events
}

// any tells whether an event is owed that is of a kind.
func (o *owedEvents) any(is func(*pb.HostEvent) bool) bool {
	return slices.ContainsFunc(o.queue, func(owed *owedEvent) bool { return !owed.isSettled && is(owed.event) })
}

// settle what receipts speak for: everything up to a number is APPLIED, but for the exceptions, now and before. It returns
// the exceptions that were owed.
func (o *owedEvents) settle(receipts *pb.Receipts) []*pb.Receipt {
	var found []*pb.Receipt
	for _, receipt := range receipts.Exceptions {
		at, ok := slices.BinarySearchFunc(o.queue, receipt.Seq, func(owed *owedEvent, seq uint64) int { return cmp.Compare(owed.event.Seq, seq) })
		if ok && !o.queue[at].isSettled {
			o.settleOne(o.queue[at], receipt)
			found = append(found, receipt)
		}
	}
	// What is said in answer to a receipt comes after the ones that it speaks for.
	for i := 0; i < len(o.queue) && o.queue[i].event.Seq <= receipts.UpTo; i++ {
		if owed := o.queue[i]; !owed.isSettled {
			o.settleOne(owed, &pb.Receipt{Seq: owed.event.Seq, Result: pb.ReceiptResult_RECEIPT_RESULT_APPLIED})
		}
	}
	o.trim()
	return found
}

// drop what is owed about a lease that is not ours: it would only be answered STALE.
func (o *owedEvents) drop(about []*owedEvent) {
	for _, owed := range about {
		if !owed.isSettled {
			o.settleOne(owed, &pb.Receipt{
				Seq:    owed.event.Seq,
				Result: pb.ReceiptResult_RECEIPT_RESULT_STALE,
				Error:  &pb.Error{Code: "LEASE_STALE", Message: "the lease is not current"},
			})
		}
	}
	o.trim()
}

func (o *owedEvents) settleOne(owed *owedEvent, receipt *pb.Receipt) {
	owed.isSettled = true
	o.count--
	if owed.onReceipt != nil {
		owed.onReceipt(receipt)
	}
}

func (o *owedEvents) trim() {
	settled := 0
	for settled < len(o.queue) && o.queue[settled].isSettled {
		o.queue[settled] = nil
		settled++
	}
	o.queue = o.queue[settled:]
}
