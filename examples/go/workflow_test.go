package cloaca

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	pb "example.com/cloaca/cloacav1"
	"google.golang.org/protobuf/proto"
)

func nothing(context.Context, *Task) error { return nil }

func TestDefinition(t *testing.T) {
	w := NewWorkflow("etl").Describe("for people").Tag("team", "data")
	w.Task("fetch", nothing, WithRetry(Retry{Attempts: 3, Backoff: Linear, Delay: 2 * time.Second, On: TransientFailures, NoJitter: true}))
	w.Task("load", nothing, After("fetch"), WithTimeout(time.Minute), When(Any(Failed("fetch"), Value("n", Greater, 3))))
	want := &pb.WorkflowDefinition{Name: "etl", Description: "for people", Tags: map[string]string{"team": "data"}, Tasks: []*pb.TaskDefinition{
		{Id: "fetch", Retry: &pb.RetryPolicy{
			Attempts: 3, Backoff: pb.RetryBackoff_RETRY_BACKOFF_LINEAR, DelayMs: new(uint32(2000)),
			Condition: pb.RetryCondition_RETRY_CONDITION_TRANSIENT, Jitter: new(false),
		}},
		{Id: "load", Dependencies: []string{"fetch"}, TimeoutMs: 60_000, TriggerRule: &pb.TriggerRule{Rule: &pb.TriggerRule_Any{Any: &pb.TriggerRules{
			Rules: []*pb.TriggerRule{
				{Rule: &pb.TriggerRule_Failed{Failed: "fetch"}},
				{Rule: &pb.TriggerRule_ContextValue{ContextValue: &pb.ContextCondition{Key: "n", Operator: pb.ContextOperator_CONTEXT_OPERATOR_GREATER, Value: "3"}}},
			},
		}}}},
	}}
	if got := w.definition(); !proto.Equal(got, want) {
		t.Errorf("%v\nnot\n%v", got, want)
	}
	// What is as by default is not said: the version is the same in every language.
	plain := NewWorkflow("w").Task("t", nothing, WithRetry(Retry{Attempts: 1, Delay: time.Second, MaxDelay: time.Minute})).definition()
	if retry := plain.Tasks[0].Retry; !proto.Equal(retry, &pb.RetryPolicy{Attempts: 1}) {
		t.Errorf("%v", retry)
	}
}

func TestProblemsAreToldAllAtOnce(t *testing.T) {
	host := newTestHost(t, "127.0.0.1:1")
	w := NewWorkflow("no name").Task("a", nothing, After("b"), WithTimeout(-1)).Task("a", nil, WithRetry(Retry{Attempts: 2000}))
	err := host.Register(w)
	var coded *Error
	if !errors.As(err, &coded) || coded.Code != CodeDefinitionInvalid {
		t.Fatal(err)
	}
	for _, want := range []string{`"no name"`, `"b", which is none of a, a`, "timeout", "twice", "no code", "2000"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%s is not told in %v", want, err)
		}
	}
	if err := host.Register(NewWorkflow("empty")); !HasCode(err, CodeDefinitionInvalid) {
		t.Error(err)
	}
	if err := errors.Join(host.Register(NewWorkflow("w").Task("t", nothing)), host.Register(NewWorkflow("v").Task("t", nothing))); err != nil {
		t.Error(err)
	}
	if err := host.Register(NewWorkflow("w").Task("t", nothing)); !HasCode(err, CodeDefinitionInvalid) {
		t.Errorf("another workflow of the same name: %v", err)
	}
	_, err = NewHost(Options{Address: "nowhere", HostID: "a b", Slots: -1, DrainGrace: -1})
	for _, want := range []string{"nowhere", `"a b"`, "Slots is -1", "DrainGrace"} {
		if !HasCode(err, CodeOptionsInvalid) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s is not told in %v", want, err)
		}
	}
}
