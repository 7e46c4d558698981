package cloaca

import (
	"maps"
	"slices"

	pb "example.com/cloaca/cloacav1"
)

// codeBook is what a host has code for (P13). A workflow that it brings is bound to the version that the scheduler computes for
// it; code that it implements for a workflow of somebody else serves any version. The session's lock guards it.
type codeBook struct {
	// In the order in which they came.
	brought []*brought
	// Code for whatever version: workflow, then task.
	anyVersion map[string]map[string]TaskFunc
}

// brought is a workflow that the host brings, and what the scheduler says to it.
type brought struct {
	workflow   *Workflow
	definition *pb.WorkflowDefinition
	tasks      map[string]TaskFunc
	// isLate: a Hello was said before it came. The next one carries it only once it is registered, since a Hello is refused as
	// a whole.
	isLate       bool
	isRegistered bool
	version      string
	// answered is closed once version or err is there.
	answered chan struct{}
	err      error
}

func (b *brought) answer(version string, err error) {
	if err == nil {
		b.version, b.isRegistered = version, true
	}
	select {
	case <-b.answered:
	default:
		b.err = err
		close(b.answered)
	}
}

func (c *codeBook) bring(workflow *Workflow, isLate bool) *brought {
	b := &brought{
		workflow:   workflow,
		definition: workflow.definition(),
		tasks:      map[string]TaskFunc{},
		isLate:     isLate,
		answered:   make(chan struct{}),
	}
	for _, task := range workflow.tasks {
		b.tasks[task.definition.Id] = task.run
	}
	c.brought = append(c.brought, b)
	return b
}

func (c *codeBook) drop(b *brought) {
	c.brought = slices.DeleteFunc(c.brought, func(other *brought) bool { return other == b })
}

func (c *codeBook) named(name string) *brought {
	for _, b := range c.brought {
		if b.workflow.name == name {
			return b
		}
	}
	return nil
}

func (c *codeBook) implement(workflow, task string, run TaskFunc) *pb.Implementation {
	tasks, ok := c.anyVersion[workflow]
	if !ok {
		tasks = map[string]TaskFunc{}
		c.anyVersion[workflow] = tasks
	}
	tasks[task] = run
	return implementationOf(workflow, tasks)
}

func implementationOf(workflow string, tasks map[string]TaskFunc) *pb.Implementation {
	return &pb.Implementation{Workflow: workflow, Tasks: slices.Sorted(maps.Keys(tasks)), AnyVersion: true}
}

// offer is what a Hello says: the workflows, and the implementations that go with them.
func (c *codeBook) offer() ([]*brought, []*pb.Implementation) {
	var offered []*brought
	var implementations []*pb.Implementation
	for _, b := range c.brought {
		if b.isRegistered || !b.isLate {
			offered = append(offered, b)
			implementations = append(implementations, &pb.Implementation{Workflow: b.workflow.name})
		}
	}
	for _, workflow := range slices.Sorted(maps.Keys(c.anyVersion)) {
		implementations = append(implementations, implementationOf(workflow, c.anyVersion[workflow]))
	}
	return offered, implementations
}

// find the code for a lease; nil where there is none (P13.2).
func (c *codeBook) find(lease *pb.Lease) TaskFunc {
	// A lease may come before the version of its workflow, when the connection breaks that carried it.
	if b := c.named(lease.Workflow); b != nil && (b.version == lease.WorkflowVersion || b.version == "") {
		if run, ok := b.tasks[lease.Task]; ok {
			return run
		}
	}
	return c.anyVersion[lease.Workflow][lease.Task]
}
