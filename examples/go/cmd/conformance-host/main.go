// The host that the conformance kit drives: the fixed tasks of docs/PROTOCOL.md.
//
//	npx cloaca-conformance --host examples/go/bin/conformance-host --level drain
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"example.com/cloaca"
)

const look = 10 * time.Millisecond

func main() {
	host, err := cloaca.NewHost(cloaca.Options{
		HostID:     os.Getenv("CLOACA_HOST_ID"),
		Slots:      4,
		DrainGrace: 300 * time.Millisecond,
		MaxBackoff: time.Second,
	})
	if err == nil {
		err = host.Register(conformance())
	}
	if err == nil {
		err = host.RunUntilSignal(context.Background())
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func conformance() *cloaca.Workflow {
	workflow := cloaca.NewWorkflow("conformance")
	for _, task := range []struct {
		id  string
		run cloaca.TaskFunc
	}{
		{"echo", echo},
		{"edit", edit},
		{"fail", failing(func(err error) error { return err })},
		{"fail_transient", failing(cloaca.Transient)},
		{"fail_final", failing(cloaca.Permanent)},
		{"large", large},
		{"slow", slow},
		{"checkpoint", checkpoint},
		{"defer", deferred},
	} {
		workflow.Task(task.id, func(ctx context.Context, t *cloaca.Task) error {
			if err := trace(t, "start"); err != nil {
				return err
			}
			return task.run(ctx, t)
		})
	}
	return workflow
}

func echo(_ context.Context, t *cloaca.Task) error {
	value, err := cloaca.GetOr[any](t, "value", nil)
	if err != nil {
		return err
	}
	return t.Set("echoed", value)
}

func edit(_ context.Context, t *cloaca.Task) error {
	set, err := cloaca.GetOr(t, "set", map[string]json.RawMessage{})
	if err != nil {
		return err
	}
	remove, err := cloaca.GetOr(t, "remove", []string{})
	if err != nil {
		return err
	}
	for key, value := range set {
		if err := t.Set(key, value); err != nil {
			return err
		}
	}
	for _, key := range remove {
		t.Remove(key)
	}
	return nil
}

func failing(kind func(error) error) cloaca.TaskFunc {
	return func(_ context.Context, t *cloaca.Task) error {
		message, err := cloaca.GetOr(t, "message", "failed")
		if err != nil {
			return err
		}
		return kind(errors.New(message))
	}
}

func large(_ context.Context, t *cloaca.Task) error {
	bytes, err := cloaca.GetOr(t, "bytes", 0)
	if err != nil {
		return err
	}
	return t.Set("large", strings.Repeat("x", bytes))
}

func slow(ctx context.Context, t *cloaca.Task) error {
	if err := holdSlot(ctx, t); err != nil {
		cleanup, _ := cloaca.GetOr(t, "cleanup_ms", 0)
		// Cleaning up takes its time, and nothing cuts it short.
		time.Sleep(time.Duration(cleanup) * time.Millisecond)
		return errors.Join(err, trace(t, "stopped"))
	}
	return t.Set("waited", true)
}

func checkpoint(ctx context.Context, t *cloaca.Task) error {
	if t.Has("step") {
		step, err := cloaca.Get[json.RawMessage](t, "step")
		if err != nil {
			return err
		}
		return errors.Join(t.Set("resumed_at", step), t.Set("done", true))
	}
	if err := errors.Join(t.Set("step", 1), t.Checkpoint(ctx)); err != nil {
		return err
	}
	if t.Has("file") {
		if err := holdSlot(ctx, t); err != nil {
			return err
		}
	}
	return t.Set("done", true)
}

func deferred(ctx context.Context, t *cloaca.Task) error {
	files, err := cloaca.Get[[]string](t, "files")
	if err != nil {
		return err
	}
	outcomes := []string{}
	for i, path := range files {
		if err := t.Set("waiting", i+1); err != nil {
			return err
		}
		outcome, err := deferFor(ctx, t, path)
		var stop *cloaca.StopError
		if errors.As(err, &stop) {
			return errors.Join(err, trace(t, "stopped"))
		}
		if err != nil {
			return err
		}
		outcomes = append(outcomes, outcome)
	}
	t.Remove("waiting")
	return t.Set("outcomes", outcomes)
}

func deferFor(ctx context.Context, t *cloaca.Task, path string) (string, error) {
	poll, err := cloaca.GetOr(t, "poll_ms", 20)
	if err != nil {
		return "", err
	}
	maxWait, err := cloaca.GetOr(t, "max_wait_ms", 0)
	if err != nil {
		return "", err
	}
	err = t.DeferUntil(ctx, func(context.Context) (bool, error) {
		if err := trace(t, "poll"); err != nil {
			return false, err
		}
		return exists(path), nil
	}, cloaca.Deferral{
		Poll:        time.Duration(poll) * time.Millisecond,
		MaxWait:     time.Duration(maxWait) * time.Millisecond,
		Description: "a file",
	})
	if errors.Is(err, cloaca.ErrMaxWait) {
		return "MAX_WAIT", nil
	}
	return "MET", err
}

// holdSlot until the input's file exists, or the task is to stop.
func holdSlot(ctx context.Context, t *cloaca.Task) error {
	path, err := cloaca.GetOr(t, "file", "")
	if err != nil {
		return err
	}
	ticker := time.NewTicker(look)
	defer ticker.Stop()
	for path == "" || !exists(path) {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// trace appends one line in one write.
func trace(t *cloaca.Task, word string) error {
	path, err := cloaca.GetOr(t, "trace", "")
	if err != nil || path == "" {
		return err
	}
	file, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(file, "%s %s\n", word, t.LeaseID())
	return errors.Join(err, file.Close())
}
