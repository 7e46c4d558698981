package cloaca

import (
	"context"
	"fmt"
	"reflect"
)

// Typed makes a task of a function from a struct to a struct. The fields of In are read from the keys that their json tags
// name; one that is a pointer, or has omitempty or omitzero, may be missing. The fields of Out are set likewise; zero ones
// with omitempty or omitzero are not. [FromContext] gives the task. It panics when In or Out is no struct.
func Typed[In, Out any](run func(ctx context.Context, in In) (Out, error)) TaskFunc {
	for _, structure := range []reflect.Type{reflect.TypeFor[In](), reflect.TypeFor[Out]()} {
		if structure.Kind() != reflect.Struct {
			panic(fmt.Sprintf("cloaca.Typed: %s is no struct", structure))
		}
	}
	inputs, outputs := fieldsOf(reflect.TypeFor[In]()), fieldsOf(reflect.TypeFor[Out]())
	return func(ctx context.Context, task *Task) error {
		var in In
		if err := readFields(task, inputs, reflect.ValueOf(&in).Elem()); err != nil {
			return err
		}
		out, err := run(ctx, in)
		if err != nil {
			return err
		}
		return writeFields(task, outputs, reflect.ValueOf(out))
	}
}

func readFields(task *Task, fields []field, into reflect.Value) error {
	for _, field := range fields {
		text, ok := task.execution.data.text(field.key)
		if !ok && field.isOptional {
			continue
		}
		if !ok {
			return newError(CodeKeyMissing, "context key %q is not there; there are %q", field.key, task.Keys())
		}
		if err := decodeValue(field.key, text, into.FieldByIndex(field.index).Addr().Interface()); err != nil {
			return err
		}
	}
	return nil
}

func writeFields(task *Task, fields []field, from reflect.Value) error {
	for _, field := range fields {
		value := from.FieldByIndex(field.index)
		if field.isOptional && value.IsZero() {
			continue
		}
		if err := task.Set(field.key, value.Interface()); err != nil {
			return err
		}
	}
	return nil
}
