package cloaca

import (
	"maps"
	"slices"
	"testing"

	pb "example.com/cloaca/cloacav1"
)

func TestCheckpointIsAppliedOnTopOfTheInput(t *testing.T) {
	d := newData(map[string]string{"kept": "1", "set": "1", "removed": "1"}, &pb.Patch{Set: map[string]string{"set": "2", "new": "3"}, Removed: []string{"removed"}})
	if keys := d.keys(); !slices.Equal(keys, []string{"kept", "new", "set"}) {
		t.Errorf("keys are %v", keys)
	}
	if text, _ := d.text("set"); text != "2" {
		t.Errorf("set is %s", text)
	}
	if patch, err := d.take(100); patch != nil || err != nil {
		t.Errorf("what was committed is said again: %v, %v", patch, err)
	}
}

// P5.4, P8.4, C.1: a patch has what was done since the last commit, and no more.
func TestPatches(t *testing.T) {
	d := newData(map[string]string{"a": "1", "b": "1"}, nil)
	d.set("a", "2")
	d.remove("b")
	d.set("c", "3")
	d.set("gone", "4")
	d.remove("gone")
	patch := taken(t, d)
	if !maps.Equal(patch.Set, map[string]string{"a": "2", "c": "3"}) || !slices.Equal(patch.Removed, []string{"b"}) {
		t.Errorf("the first patch is %v", patch)
	}
	d.remove("c")
	d.set("b", "5")
	patch = taken(t, d)
	if !maps.Equal(patch.Set, map[string]string{"b": "5"}) || !slices.Equal(patch.Removed, []string{"c"}) {
		t.Errorf("the second patch is %v", patch)
	}
	if patch, err := d.take(100); patch != nil || err != nil {
		t.Errorf("the third patch is %v, %v", patch, err)
	}
}

// P10: the limit is for all that a task has committed, and what is too large is not taken.
func TestPatchLimit(t *testing.T) {
	d := newData(nil, &pb.Patch{Set: map[string]string{"old": "12345"}})
	d.set("key", `"1234"`)
	if _, err := d.take(48); !HasCode(err, CodeContextTooLarge) || judgementOf(err) != final {
		t.Errorf("49 bytes passed a limit of 48: %v", err)
	}
	d.set("old", "1")
	if patch, err := d.take(45); err != nil || len(patch.Set) != 2 {
		t.Errorf("45 bytes did not pass: %v, %v", patch, err)
	}
}

func taken(t *testing.T, d *data) *pb.Patch {
	t.Helper()
	patch, err := d.take(1000)
	if err != nil {
		t.Fatal(err)
	}
	return patch
}
