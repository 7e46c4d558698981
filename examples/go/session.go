package cloaca

import (
	"context"
	"log/slog"
	"maps"
	"math"
	"sync"

	pb "example.com/cloaca/cloacav1"
)

// session is what a host holds and owes, beyond any one connection: its executions, and the events that have no receipt yet
// (P4, P6). A connection comes, hears what is owed again, and goes. One lock guards all of it; nothing is read, written or
// logged under it, and no task code runs.
type session struct {
	mu    sync.Mutex
	notes []note
	log   *slog.Logger

	identity identity
	code     codeBook
	// tasks run in goroutines of their own, in contexts under tasksCtx.
	tasks    sync.WaitGroup
	tasksCtx context.Context

	executions    map[string]*execution
	owed          owedEvents
	registrations map[uint64]*brought
	id, token     string
	// Limits that Welcome told (P10).
	maxPatchBytes, maxFailureBytes int
	// out is that of the connection that serves; nil while there is none.
	out         *outbox
	hasSaid     bool
	isDraining  bool
	drainReason string
	// isGraceOver: what is deferred goes back (P12.5).
	isGraceOver bool
}

// identity is what a host says of itself.
type identity struct {
	namespace, hostID, instanceID, buildID string
	slots, maxLeases                       uint32
	labels                                 map[string]string
}

// note is a line for the log, which is written once the lock is free.
type note struct {
	level slog.Level
	event string
	args  []any
}

func newSession(ctx context.Context, identity identity, log *slog.Logger) *session {
	return &session{
		log:             log,
		identity:        identity,
		code:            codeBook{anyVersion: map[string]map[string]TaskFunc{}},
		tasksCtx:        ctx,
		executions:      map[string]*execution{},
		registrations:   map[uint64]*brought{},
		maxPatchBytes:   math.MaxInt,
		maxFailureBytes: math.MaxInt,
	}
}

func (s *session) lock() { s.mu.Lock() }

func (s *session) unlock() {
	notes := s.notes
	s.notes = nil
	s.mu.Unlock()
	for _, n := range notes {
		s.log.Log(context.Background(), n.level, n.event, n.args...)
	}
}

func (s *session) note(event string, args ...any) {
	s.notes = append(s.notes, note{slog.LevelWarn, event, args})
}

// hello makes the events of a Hello, and tells which workflows it brings.
func (s *session) hello() ([]*pb.HostEvent, []*brought) {
	s.lock()
	defer s.unlock()
	s.hasSaid = true
	var held []*pb.HeldLease
	for id, e := range s.executions {
		// P6.3: what is settled is none of ours.
		if !e.isSettled {
			held = append(held, &pb.HeldLease{LeaseId: id, State: e.state(), Deferral: e.deferralNumber()})
		}
	}
	offered, implementations := s.code.offer()
	if s.isDraining {
		// Who drains offers nothing: a session that opens anew would get new leases before its HostDrain is read.
		implementations = nil
	}
	o := s.identity
	hello := &pb.Hello{
		ProtocolMin: protocolVersion,
		ProtocolMax: protocolVersion,
		Namespace:   o.namespace,
		HostId:      o.hostID,
		InstanceId:  o.instanceID,
		ResumeToken: s.token,
		Sdk:         &pb.Sdk{Name: "cloaca-go", Version: version, Language: "go"},
		BuildId:     o.buildID,
		Slots:       o.slots,
		MaxLeases:   o.maxLeases,
		Labels:      o.labels,
	}
	definitions := make([]*pb.WorkflowDefinition, len(offered))
	for i, b := range offered {
		definitions[i] = b.definition
	}
	return helloEvents(hello, definitions, implementations, held), offered
}

// attach a connection: verdicts are applied, then everything owed is said again, in its order (P4.6).
func (s *session) attach(out *outbox, welcome *pb.Welcome, offered []*brought) {
	s.lock()
	defer s.unlock()
	s.id, s.token = welcome.SessionId, welcome.ResumeToken
	s.maxPatchBytes = limitOf(welcome.GetLimits().GetMaxPatchBytes())
	s.maxFailureBytes = limitOf(welcome.GetLimits().GetMaxFailureBytes())
	for i, workflow := range welcome.Workflows {
		if i < len(offered) {
			offered[i].answer(workflow.Version, nil)
		}
	}
	maps.DeleteFunc(s.registrations, func(_ uint64, b *brought) bool { return b.version != "" })
	for _, verdict := range welcome.Verdicts {
		s.apply(verdict)
	}
	// P12.9: a session that was lost took with it that its host drains.
	if s.isDraining && !welcome.Resumed {
		s.sayDrain()
	}
	s.out = out
	out.put(s.owed.all()...)
	s.changed()
}

// limitOf a field of Limits. 0 is no limit that anybody would set: a field that is not there.
func limitOf(bytes uint32) int {
	if bytes == 0 {
		return math.MaxInt
	}
	return int(bytes)
}

// detach the connection: it is gone, and tasks go on (P6.1).
func (s *session) detach() {
	s.lock()
	defer s.unlock()
	s.out = nil
}

// forgetToken that is not taken any more: the next Hello opens a session of its own (P1.8). It tells whether there was one.
func (s *session) forgetToken() bool {
	s.lock()
	defer s.unlock()
	had := s.token != ""
	s.id, s.token = "", ""
	return had
}

// say something that needs a receipt. Under the lock.
func (s *session) say(event *pb.HostEvent, onReceipt func(*pb.Receipt)) *owedEvent {
	owed := s.owed.add(event, onReceipt)
	if s.out != nil {
		s.out.put(event)
	}
	return owed
}

// bring a workflow; the scheduler is told at once when a Hello was said.
func (s *session) bring(workflow *Workflow) error {
	s.lock()
	defer s.unlock()
	if other := s.code.named(workflow.name); other != nil {
		if other.workflow == workflow {
			return nil
		}
		return newError(CodeDefinitionInvalid, "this host brings another workflow %q already", workflow.name)
	}
	b := s.code.bring(workflow, s.hasSaid)
	if b.isLate {
		register := &pb.Register{
			Definitions:     []*pb.WorkflowDefinition{b.definition},
			Implementations: []*pb.Implementation{{Workflow: workflow.name}},
		}
		owed := s.say(&pb.HostEvent{Event: &pb.HostEvent_Register{Register: register}}, func(receipt *pb.Receipt) { s.registered(b, receipt) })
		s.registrations[owed.event.Seq] = b
	}
	return nil
}

func (s *session) registered(b *brought, receipt *pb.Receipt) {
	switch receipt.Result {
	case pb.ReceiptResult_RECEIPT_RESULT_APPLIED, pb.ReceiptResult_RECEIPT_RESULT_DUPLICATE:
		// Its version comes with Registered, or with the next Welcome when that is lost.
		b.isRegistered = true
	default:
		s.code.drop(b)
		b.answer("", errorOf(receipt.Error))
	}
}

// implement a task of a workflow that another brings.
func (s *session) implement(workflow, task string, run TaskFunc) {
	s.lock()
	defer s.unlock()
	implementation := s.code.implement(workflow, task, run)
	if s.hasSaid {
		register := &pb.Register{Implementations: []*pb.Implementation{implementation}}
		s.say(&pb.HostEvent{Event: &pb.HostEvent_Register{Register: register}}, nil)
	}
}

func (s *session) setSlots(slots uint32) {
	s.lock()
	defer s.unlock()
	s.identity.slots = slots
	if s.hasSaid {
		s.say(&pb.HostEvent{Event: &pb.HostEvent_SetSlots{SetSlots: &pb.SetSlots{Slots: slots}}}, nil)
	}
}

// drain takes no new leases from here on (P12.3). False when it drains already.
func (s *session) drain(reason string) bool {
	s.lock()
	defer s.unlock()
	if s.isDraining {
		return false
	}
	s.isDraining, s.drainReason = true, reason
	s.sayDrain()
	s.changed()
	return true
}

func (s *session) sayDrain() {
	if !s.owed.any(isDrain) {
		s.say(&pb.HostEvent{Event: &pb.HostEvent_Drain{Drain: &pb.HostDrain{Reason: s.drainReason}}}, nil)
	}
}

func isDrain(event *pb.HostEvent) bool { return event.GetDrain() != nil }

// declineDeferred hands back what is deferred, now and from here on: the grace time of a drain is over (P12.5).
func (s *session) declineDeferred() {
	s.lock()
	defer s.unlock()
	s.isGraceOver = true
	for _, e := range s.executions {
		if e.deferral.isOpen() {
			e.decline(s.drainReason)
		}
	}
}

// end stops all code, whatever the scheduler says.
func (s *session) end(why *StopError, failure error) {
	s.lock()
	defer s.unlock()
	for _, e := range s.executions {
		if e.stop == goesOn {
			e.stop = revoked
		}
		e.tell(why)
	}
	for _, b := range s.code.brought {
		b.answer("", failure)
	}
}

// Under the lock.

func (s *session) forget(e *execution) {
	if s.executions[e.lease.LeaseId] == e {
		delete(s.executions, e.lease.LeaseId)
	}
	s.changed()
}

// changed is called when isIdle may have become true: a host that drains then ends its side (P12.6).
func (s *session) changed() {
	if s.out != nil && s.isDraining && s.isIdle() {
		s.out.finish()
	}
}

// isIdle: nothing runs, and everything that was said has its receipt.
func (s *session) isIdle() bool { return len(s.executions) == 0 && s.owed.count == 0 }

// hasNews: something runs, or is owed that the scheduler would miss. That the host drains it learns from its silence too.
func (s *session) hasNews() bool {
	return len(s.executions) > 0 || s.owed.any(func(event *pb.HostEvent) bool { return !isDrain(event) })
}
