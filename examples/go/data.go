package cloaca

import (
	"slices"
	"sync"

	pb "example.com/cloaca/cloacav1"
)

// data is the context of one execution: the JSON texts of its keys, what was committed before, and what is not yet. Safe for
// the goroutines of a task. Nothing else is locked under its lock.
type data struct {
	mu sync.Mutex
	// What the scheduler knows.
	base map[string]string
	// What the task did since.
	changes map[string]change
	// What all executions of this task have committed so far: it goes out again, whole, in the lease of the next one, so that
	// the limit for a patch holds for all of it (P10).
	committed map[string]change
}

// change of a key: a text, or its removal.
type change struct {
	text      string
	isRemoved bool
}

func newData(input map[string]string, checkpoint *pb.Patch) *data {
	d := &data{base: input, changes: map[string]change{}, committed: map[string]change{}}
	if d.base == nil {
		d.base = map[string]string{}
	}
	// P5.3: on top of the input.
	for key, text := range checkpoint.GetSet() {
		d.commit(key, change{text: text})
	}
	for _, key := range checkpoint.GetRemoved() {
		d.commit(key, change{isRemoved: true})
	}
	return d
}

func (d *data) text(key string) (string, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if made, ok := d.changes[key]; ok {
		return made.text, !made.isRemoved
	}
	text, ok := d.base[key]
	return text, ok
}

func (d *data) set(key, text string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.changes[key] = change{text: text}
}

func (d *data) remove(key string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	// What the scheduler does not know needs no mention in a patch.
	if _, isKnown := d.base[key]; isKnown {
		d.changes[key] = change{isRemoved: true}
	} else {
		delete(d.changes, key)
	}
}

func (d *data) keys() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	var keys []string
	for key := range d.base {
		if _, isChanged := d.changes[key]; !isChanged {
			keys = append(keys, key)
		}
	}
	for key, made := range d.changes {
		if !made.isRemoved {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return keys
}

// take takes what is not committed yet, for an event that commits it; nil where that is nothing. What is too large is not
// taken.
func (d *data) take(limit int) (*pb.Patch, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.changes) == 0 {
		return nil, nil
	}
	if size := d.sizeAfter(); size > limit {
		return nil, finalError(CodeContextTooLarge, "the task has set %d bytes of context; the scheduler takes %d. Store large data elsewhere and set where it is", size, limit)
	}
	patch := &pb.Patch{Set: make(map[string]string, len(d.changes))}
	for key, made := range d.changes {
		if made.isRemoved {
			patch.Removed = append(patch.Removed, key)
		} else {
			patch.Set[key] = made.text
		}
		d.commit(key, made)
	}
	// The same events have the same bytes, whatever the order of a map.
	slices.Sort(patch.Removed)
	clear(d.changes)
	return patch, nil
}

func (d *data) commit(key string, made change) {
	d.committed[key] = made
	if made.isRemoved {
		delete(d.base, key)
	} else {
		d.base[key] = made.text
	}
}

// What a key of a patch counts besides its text and that of its value (P10).
const keyOverhead = 16

// sizeAfter the changes are committed too, in bytes as the limit for patches counts them.
func (d *data) sizeAfter() int {
	size := 0
	for key, made := range d.changes {
		size += keyOverhead + len(key) + len(made.text)
	}
	for key, made := range d.committed {
		if _, isChanged := d.changes[key]; !isChanged {
			size += keyOverhead + len(key) + len(made.text)
		}
	}
	return size
}
