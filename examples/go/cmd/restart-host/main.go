// A host for tests that end a scheduler or a host: one task runs, and one is deferred, until a file is there; one comes last.
//
//	restart-host <address> <file>
package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"example.com/cloaca"
)

func main() {
	address, gate := os.Args[1], os.Args[2]
	isOpen := func(context.Context) (bool, error) {
		_, err := os.Stat(gate)
		return err == nil, nil
	}
	pair := cloaca.NewWorkflow("pair")
	pair.Task("running", func(ctx context.Context, t *cloaca.Task) error {
		executes(t)
		ticker := time.NewTicker(10 * time.Millisecond)
		defer ticker.Stop()
		for open, _ := isOpen(ctx); !open; open, _ = isOpen(ctx) {
			select {
			case <-ticker.C:
			case <-ctx.Done():
				return context.Cause(ctx)
			}
		}
		return t.Set("running", 1)
	})
	pair.Task("waiting", func(ctx context.Context, t *cloaca.Task) error {
		executes(t)
		local := "before"
		if err := t.DeferUntil(ctx, isOpen, cloaca.Deferral{Poll: 10 * time.Millisecond}); err != nil {
			return err
		}
		return t.Set("waiting", local+" and after")
	})
	pair.Task("last", func(_ context.Context, t *cloaca.Task) error {
		executes(t)
		return t.Set("last", 1)
	}, cloaca.After("running", "waiting"))

	host, err := cloaca.NewHost(cloaca.Options{Address: address, Slots: 2, DrainGrace: 100 * time.Millisecond})
	if err == nil {
		err = host.Register(pair)
	}
	if err == nil {
		err = host.RunUntilSignal(context.Background())
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// executes says so in one write: tasks run at the same time.
func executes(t *cloaca.Task) { fmt.Printf("executes %s\n", t.ID()) }
