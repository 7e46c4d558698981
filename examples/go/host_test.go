package cloaca

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	pb "example.com/cloaca/cloacav1"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

type sum struct {
	A    int    `json:"a"`
	B    *int   `json:"b"`
	Note string `json:"note,omitempty"`
}

type total struct {
	Total int    `json:"total"`
	Note  string `json:"note,omitempty"`
}

func add(ctx context.Context, in sum) (total, error) {
	if FromContext(ctx).LeaseID() != "1" {
		return total{}, errors.New("another task")
	}
	return total{Total: in.A + *in.B}, nil
}

func TestExecutesTypedTasks(t *testing.T) {
	host := runHost(t, map[string]TaskFunc{"add": Typed(add)})
	c := host.scheduler.welcomed()
	within(t, "ready", host.Ready())
	c.lease("1", "add", "a", "2", "b", "3")
	complete := c.settled().GetComplete()
	must(t, complete.GetLeaseId() == "1" && len(complete.Patch.Set) == 1 && complete.Patch.Set["total"] == "5", "complete", complete)
	c.lease("2", "add", "a", `"two"`)
	fail := c.settled().GetFail()
	must(t, fail.GetFinal() && fail.Failure.Code == CodeValueInvalid, "a text for a number", fail)
	c.lease("3", "add")
	fail = c.settled().GetFail()
	must(t, fail != nil && fail.Failure.Code == CodeKeyMissing, "a missing key", fail)
}

func TestFailures(t *testing.T) {
	host := runHost(t, map[string]TaskFunc{
		"fails":  func(context.Context, *Task) error { return Transient(errors.New("busy")) },
		"panics": func(context.Context, *Task) error { panic("over") },
		"goes": func(context.Context, *Task) error {
			runtime.Goexit()
			return nil
		},
	})
	c := host.scheduler.welcomed()
	c.lease("1", "fails")
	fail := c.settled().GetFail()
	must(t, fail.GetTransient() && !fail.Final && fail.Failure.Message == "busy", "fail", fail)
	c.lease("2", "panics")
	fail = c.settled().GetFail()
	must(t, fail != nil && !fail.Final && strings.Contains(fail.Failure.Stack, "host_test.go"), "panic", fail)
	c.lease("3", "goes")
	must(t, c.settled().GetFail().GetLeaseId() == "3", "Goexit", "no Fail")
	c.lease("4", "unknown")
	must(t, c.settled().GetDecline().GetLeaseId() == "4", "a task without code", "no Decline")
}

// P3.1, P3.2: the context ends at once, and Stopped is said once the code has stopped.
func TestCancel(t *testing.T) {
	causes := make(chan error, 1)
	cleanUp := make(chan struct{})
	host := runHost(t, map[string]TaskFunc{"slow": func(ctx context.Context, _ *Task) error {
		<-ctx.Done()
		causes <- context.Cause(ctx)
		<-cleanUp
		return nil
	}})
	c := host.scheduler.welcomed()
	c.lease("1", "slow")
	began := time.Now()
	c.cancel("1", pb.CancelReason_CANCEL_REASON_TIMEOUT)
	cause := within(t, "the end of the context", causes)
	must(t, stopOf(cause) == TimedOut && errors.Is(cause, context.Canceled), "cause", cause)
	must(t, time.Since(began) < 5*time.Second, "it took", time.Since(began))
	must(t, len(c.heard) == 0, "said before the code has stopped", len(c.heard))
	close(cleanUp)
	must(t, c.settled().GetStopped().GetLeaseId() == "1", "Stopped", "something else")
}

// P4.6, P6.2: what has no receipt is said again, with its numbers, in its order; and no more than that.
func TestReconnect(t *testing.T) {
	goOn := make(chan struct{})
	host := runHost(t, map[string]TaskFunc{
		"quick": nothing,
		"slow": func(ctx context.Context, task *Task) error {
			if err := errors.Join(task.Set("step", 1), task.Checkpoint(ctx)); err != nil {
				return err
			}
			<-goOn
			return task.Set("done", true)
		},
	})
	c := host.scheduler.welcomed()
	c.lease("1", "slow")
	must(t, c.settled().GetCheckpoint().GetPatch().GetSet()["step"] == "1", "checkpoint", "something else")
	var said []uint64
	for _, id := range []string{"2", "3"} {
		c.lease(id, "quick")
		said = append(said, c.next().Seq)
	}
	c.breaks()

	c = host.scheduler.connection()
	must(t, c.hello.ResumeToken == "token", "token", c.hello.ResumeToken)
	slices.SortFunc(c.hello.HeldLeases, func(a, b *pb.HeldLease) int { return strings.Compare(a.LeaseId, b.LeaseId) })
	held := c.hello.HeldLeases
	must(t, len(held) == 3 && held[0].State == pb.LeaseState_LEASE_STATE_HELD && held[1].State == pb.LeaseState_LEASE_STATE_FINISHED, "held", held)
	c.welcome(&pb.Welcome{Resumed: true})
	// One that is known already is not executed again (P3.5).
	c.lease("2", "quick")
	for i, id := range []string{"2", "3"} {
		event := c.next()
		must(t, event.Seq == said[i] && event.GetComplete().GetLeaseId() == id, "said again", event)
	}
	c.receipts(said[1])
	close(goOn)
	event := c.next()
	patch := event.GetComplete().GetPatch().GetSet()
	must(t, event.Seq > said[1] && len(patch) == 1 && patch["done"] == "true", "after the checkpoint", event)
	c.receipts(event.Seq)
	c.lease("4", "quick")
	last := c.next()
	must(t, last.GetComplete().GetLeaseId() == "4", "next", last)
	c.breaks()

	c = host.scheduler.welcomed(&pb.LeaseVerdict{LeaseId: "4", State: pb.LeaseState_LEASE_STATE_REVOKED})
	must(t, len(c.hello.HeldLeases) == 1, "held", c.hello.HeldLeases)
	c.lease("5", "quick")
	must(t, c.settled().GetComplete().GetLeaseId() == "5", "what is revoked is not said again", "something else")
}

func TestRefusals(t *testing.T) {
	host := runHost(t, map[string]TaskFunc{"quick": nothing})
	host.scheduler.welcomed().breaks()
	c := host.scheduler.connection()
	must(t, c.hello.ResumeToken == "token", "token", c.hello.ResumeToken)
	c.ends <- refusal(t, codes.PermissionDenied, &errdetails.ErrorInfo{Reason: "RESUME_TOKEN_INVALID"})
	c = host.scheduler.connection()
	must(t, c.hello.ResumeToken == "", "a refused token", c.hello.ResumeToken)
	violation := &errdetails.BadRequest_FieldViolation{Field: "definitions[0].name", Description: "is odd"}
	c.ends <- refusal(t, codes.InvalidArgument, &errdetails.ErrorInfo{Reason: "DEFINITION_INVALID"}, &errdetails.BadRequest{FieldViolations: []*errdetails.BadRequest_FieldViolation{violation}})
	err := within(t, "the host's end", host.ended)
	must(t, HasCode(err, "DEFINITION_INVALID") && strings.Contains(err.Error(), "definitions[0].name: is odd"), "refused with", err)
	_, err = host.Registered(t.Context(), "w")
	must(t, err == nil, "it was registered before", err)
	err = host.Run(t.Context())
	must(t, HasCode(err, CodeHostEnded), "a host runs once", err)
}

func TestLateWorkflows(t *testing.T) {
	host := runHost(t, map[string]TaskFunc{"quick": nothing})
	c := host.scheduler.welcomed()
	version, err := host.Registered(t.Context(), "w")
	must(t, err == nil && version == "v1", "version", err)
	if err := host.Register(NewWorkflow("late").Task("quick", nothing), NewWorkflow("odd").Task("quick", nothing)); err != nil {
		t.Fatal(err)
	}
	late, odd := c.next(), c.next()
	must(t, late.GetRegister().GetDefinitions()[0].Name == "late" && odd.GetRegister().GetImplementations()[0].Workflow == "odd", "registered", late)
	refused := &pb.Receipt{Seq: odd.Seq, Result: pb.ReceiptResult_RECEIPT_RESULT_REJECTED, Error: &pb.Error{Code: "DEFINITION_INVALID", Message: "odd"}}
	answered := make(chan error, 1)
	go func() {
		_, err := host.Registered(context.Background(), "odd")
		answered <- err
	}()
	registered := &pb.Registered{Seq: late.Seq, Workflows: []*pb.RegisteredWorkflow{{Name: "late", Version: "v7"}}}
	c.say(&pb.SchedulerEvent{Event: &pb.SchedulerEvent_Registered{Registered: registered}})
	version, err = host.Registered(t.Context(), "late")
	must(t, err == nil && version == "v7", "version", version)
	c.receipts(late.Seq, refused)
	// Whether it was asked for before or after the refusal.
	must(t, within(t, "a refusal", answered) != nil, "odd", "was registered")
	c.lease("1", "quick")
	must(t, c.settled().GetComplete() != nil, "goes on", "no Complete")
	c.breaks()
	c = host.scheduler.connection()
	names := []string{}
	for _, definition := range c.hello.Definitions {
		names = append(names, definition.Name)
	}
	must(t, slices.Equal(names, []string{"w", "late"}), "workflows of the next Hello", names)
}

func TestSlotsAndImplementations(t *testing.T) {
	host := runHost(t, map[string]TaskFunc{"quick": nothing})
	c := host.scheduler.welcomed()
	within(t, "ready", host.Ready())
	if err := errors.Join(host.SetSlots(3), host.Implement("other", "task", func(_ context.Context, task *Task) error { return task.Set("by", task.Workflow()) })); err != nil {
		t.Fatal(err)
	}
	must(t, c.settled().GetSetSlots().GetSlots() == 3, "slots", "something else")
	implementation := c.settled().GetRegister().GetImplementations()[0]
	must(t, implementation.AnyVersion && implementation.Workflow == "other" && slices.Equal(implementation.Tasks, []string{"task"}), "implementation", implementation)
	lease := &pb.Lease{LeaseId: "1", Workflow: "other", WorkflowVersion: "whatever", Task: "task"}
	c.say(&pb.SchedulerEvent{Event: &pb.SchedulerEvent_Lease{Lease: lease}})
	must(t, c.settled().GetComplete().GetPatch().GetSet()["by"] == `"other"`, "its code", "something else")
	// P13.2: code that came with a definition is for its version alone.
	lease = &pb.Lease{LeaseId: "2", Workflow: "w", WorkflowVersion: "v2", Task: "quick"}
	c.say(&pb.SchedulerEvent{Event: &pb.SchedulerEvent_Lease{Lease: lease}})
	must(t, c.settled().GetDecline().GetLeaseId() == "2", "another version", "no Decline")
	c.breaks()
	must(t, host.scheduler.connection().hello.Slots == 3, "slots of the next Hello", "others")
}

func refusal(t *testing.T, code codes.Code, details ...interface {
	Reset()
	String() string
	ProtoMessage()
}) error {
	t.Helper()
	refused := status.New(code, "refused")
	for _, detail := range details {
		with, err := refused.WithDetails(detail)
		if err != nil {
			t.Fatal(err)
		}
		refused = with
	}
	return refused.Err()
}
