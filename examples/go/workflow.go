package cloaca

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	pb "example.com/cloaca/cloacav1"
)

// TaskFunc is the code of a task. ctx ends when the task is to stop: then it should return soon, and what it returns counts no
// more. An error fails the attempt; see [Transient], [Permanent] and [RetryAfter]. A panic fails it as well.
type TaskFunc func(ctx context.Context, task *Task) error

// Workflow is a named graph of tasks, with their code.
type Workflow struct {
	name        string
	description string
	tags        map[string]string
	tasks       []*taskEntry
}

type taskEntry struct {
	definition *pb.TaskDefinition
	run        TaskFunc
	problems   []string
}

// NewWorkflow begins a workflow. What is wrong with it is told by [Host.Register].
func NewWorkflow(name string) *Workflow { return &Workflow{name: name} }

// Name of the workflow.
func (w *Workflow) Name() string { return w.name }

// Describe sets a text for people.
func (w *Workflow) Describe(text string) *Workflow {
	w.description = text
	return w
}

// Tag sets a free label, for people.
func (w *Workflow) Tag(key, value string) *Workflow {
	if w.tags == nil {
		w.tags = map[string]string{}
	}
	w.tags[key] = value
	return w
}

// Task adds a task. The order matters where contexts are merged.
func (w *Workflow) Task(id string, run TaskFunc, options ...TaskOption) *Workflow {
	entry := &taskEntry{definition: &pb.TaskDefinition{Id: id}, run: run}
	for _, option := range options {
		option(entry)
	}
	w.tasks = append(w.tasks, entry)
	return w
}

// TaskOption says more of a task than its id and its code.
type TaskOption func(*taskEntry)

// After names the tasks that must have ended before this one starts; without [When] they must have succeeded. Their contexts
// are folded in this order.
func After(ids ...string) TaskOption {
	return func(t *taskEntry) { t.definition.Dependencies = append(t.definition.Dependencies, ids...) }
}

// WithTimeout limits how long an attempt may hold a slot; the time of a deferral does not count. The scheduler keeps it.
func WithTimeout(limit time.Duration) TaskOption {
	return func(t *taskEntry) {
		t.needs(limit > 0, "timeout is %v; allowed is more than 0", limit)
		t.definition.TimeoutMs = milliseconds(limit)
	}
}

// Backoff says how the delay grows from the first failure's, d, to the n-th failure's.
type Backoff int32

// How the delay between attempts grows.
const (
	// d · 2^(n−1)
	Exponential = Backoff(pb.RetryBackoff_RETRY_BACKOFF_UNSPECIFIED)
	// d
	Fixed = Backoff(pb.RetryBackoff_RETRY_BACKOFF_FIXED)
	// d · n
	Linear = Backoff(pb.RetryBackoff_RETRY_BACKOFF_LINEAR)
)

// Failures that are retried.
type Failures int32

// Which failures are retried. One of [Permanent] never is.
const (
	AllFailures       = Failures(pb.RetryCondition_RETRY_CONDITION_UNSPECIFIED)
	NoFailures        = Failures(pb.RetryCondition_RETRY_CONDITION_NEVER)
	TransientFailures = Failures(pb.RetryCondition_RETRY_CONDITION_TRANSIENT)
)

// Retry is what follows from a failed attempt. The scheduler does it, so it survives this process.
type Retry struct {
	// Retries after the first failure, 0 to 1,000.
	Attempts int
	Backoff  Backoff
	// Delay after the first failure; 1 s where it is 0.
	Delay time.Duration
	// No delay is ever longer; 60 s where it is 0.
	MaxDelay time.Duration
	On       Failures
	// NoJitter: delays are not spread by chance.
	NoJitter bool
}

// The defaults of the scheduler: what is as by default is not said, so that a workflow has the same version in every language.
const (
	defaultDelay    = time.Second
	defaultMaxDelay = time.Minute
	maxRetries      = 1000
)

// WithRetry says what follows from a failed attempt; without it the first failure is final.
func WithRetry(retry Retry) TaskOption {
	return func(t *taskEntry) {
		t.needs(retry.Attempts >= 0 && retry.Attempts <= maxRetries, "retry: Attempts is %d; allowed are 0 to %d", retry.Attempts, maxRetries)
		t.needs(retry.Delay >= 0 && retry.MaxDelay >= 0, "retry: a delay is negative")
		if retry == (Retry{}) {
			return
		}
		policy := &pb.RetryPolicy{
			Attempts:  uint32(max(0, retry.Attempts)),
			Backoff:   pb.RetryBackoff(retry.Backoff),
			Condition: pb.RetryCondition(retry.On),
		}
		if retry.Delay > 0 && retry.Delay != defaultDelay {
			policy.DelayMs = new(milliseconds(retry.Delay))
		}
		if retry.MaxDelay > 0 && retry.MaxDelay != defaultMaxDelay {
			policy.MaxDelayMs = new(milliseconds(retry.MaxDelay))
		}
		if retry.NoJitter {
			policy.Jitter = new(false)
		}
		t.definition.Retry = policy
	}
}

// When decides, once all dependencies have ended, whether the task starts or is skipped.
func When(rule Rule) TaskOption {
	return func(t *taskEntry) { t.definition.TriggerRule = rule.rule }
}

func (t *taskEntry) needs(holds bool, format string, args ...any) {
	if !holds {
		t.problems = append(t.problems, fmt.Sprintf("task %q: ", t.definition.Id)+fmt.Sprintf(format, args...))
	}
}

var namePattern = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.-]{0,127}$`)

const nameForm = "allowed are a letter or underscore, then up to 127 letters, digits, `_`, `.` or `-`"

func nameProblem(what, name string) []string {
	if namePattern.MatchString(name) {
		return nil
	}
	return []string{fmt.Sprintf("%s is %q; %s", what, cut(name, 150), nameForm)}
}

// problems that need no scheduler to be seen; it finds the others, all at once.
func (w *Workflow) problems() []string {
	problems := nameProblem("name of the workflow", w.name)
	var ids []string
	for _, task := range w.tasks {
		id := task.definition.Id
		problems = append(problems, nameProblem("id of a task", id)...)
		problems = append(problems, task.problems...)
		if slices.Contains(ids, id) {
			problems = append(problems, fmt.Sprintf("task %q: is there twice", id))
		}
		if task.run == nil {
			problems = append(problems, fmt.Sprintf("task %q: has no code", id))
		}
		ids = append(ids, id)
	}
	for _, task := range w.tasks {
		for _, dependency := range task.definition.Dependencies {
			if !slices.Contains(ids, dependency) {
				problems = append(problems, fmt.Sprintf("task %q: comes after %q, which is none of %s", task.definition.Id, dependency, strings.Join(ids, ", ")))
			}
		}
	}
	if len(w.tasks) == 0 {
		problems = append(problems, "the workflow has no tasks")
	}
	return problems
}

func (w *Workflow) definition() *pb.WorkflowDefinition {
	definition := &pb.WorkflowDefinition{Name: w.name, Description: w.description, Tags: w.tags}
	for _, task := range w.tasks {
		definition.Tasks = append(definition.Tasks, task.definition)
	}
	return definition
}
