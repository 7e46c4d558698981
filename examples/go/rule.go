package cloaca

import pb "example.com/cloaca/cloacav1"

// Rule decides whether a task starts once all its dependencies have ended; see [When]. A task that a rule names must be an
// ancestor of the task.
type Rule struct{ rule *pb.TriggerRule }

// AllSucceeded holds when every dependency succeeded, as without a rule.
func AllSucceeded() Rule {
	return Rule{&pb.TriggerRule{Rule: &pb.TriggerRule_AllSuccess{AllSuccess: true}}}
}

// Always holds.
func Always() Rule { return Rule{&pb.TriggerRule{Rule: &pb.TriggerRule_Always{Always: true}}} }

// Succeeded holds when that task succeeded.
func Succeeded(task string) Rule {
	return Rule{&pb.TriggerRule{Rule: &pb.TriggerRule_Succeeded{Succeeded: task}}}
}

// Failed holds when that task failed for good. When a task whose rule names a failure succeeds, the failure is handled.
func Failed(task string) Rule {
	return Rule{&pb.TriggerRule{Rule: &pb.TriggerRule_Failed{Failed: task}}}
}

// Skipped holds when that task was skipped.
func Skipped(task string) Rule {
	return Rule{&pb.TriggerRule{Rule: &pb.TriggerRule_Skipped{Skipped: task}}}
}

// All holds when every one of the rules does.
func All(rules ...Rule) Rule {
	return Rule{&pb.TriggerRule{Rule: &pb.TriggerRule_All{All: list(rules)}}}
}

// Any holds when at least one of the rules does.
func Any(rules ...Rule) Rule {
	return Rule{&pb.TriggerRule{Rule: &pb.TriggerRule_Any{Any: list(rules)}}}
}

// None holds when none of the rules does.
func None(rules ...Rule) Rule {
	return Rule{&pb.TriggerRule{Rule: &pb.TriggerRule_None{None: list(rules)}}}
}

// Operator compares a value of the context.
type Operator int32

// How a value of the context is compared. A Not is the exact negation: it holds for a key that is not there.
const (
	Equals      = Operator(pb.ContextOperator_CONTEXT_OPERATOR_EQUALS)
	NotEquals   = Operator(pb.ContextOperator_CONTEXT_OPERATOR_NOT_EQUALS)
	Greater     = Operator(pb.ContextOperator_CONTEXT_OPERATOR_GREATER)
	Less        = Operator(pb.ContextOperator_CONTEXT_OPERATOR_LESS)
	Contains    = Operator(pb.ContextOperator_CONTEXT_OPERATOR_CONTAINS)
	NotContains = Operator(pb.ContextOperator_CONTEXT_OPERATOR_NOT_CONTAINS)
)

// Value holds when a key of the task's input has a value that compares so. It panics when the value is none of JSON.
func Value(key string, operator Operator, value any) Rule {
	text, err := encodeValue(key, value)
	if err != nil {
		panic(err)
	}
	return onValue(key, pb.ContextOperator(operator), text)
}

// Exists holds when the key is there, whatever its value.
func Exists(key string) Rule { return onValue(key, pb.ContextOperator_CONTEXT_OPERATOR_EXISTS, "") }

func onValue(key string, operator pb.ContextOperator, text string) Rule {
	condition := &pb.ContextCondition{Key: key, Operator: operator, Value: text}
	return Rule{&pb.TriggerRule{Rule: &pb.TriggerRule_ContextValue{ContextValue: condition}}}
}

func list(rules []Rule) *pb.TriggerRules {
	all := &pb.TriggerRules{}
	for _, rule := range rules {
		all.Rules = append(all.Rules, rule.rule)
	}
	return all
}
