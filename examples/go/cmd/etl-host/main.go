package main

import (
	"context"
	"errors"
	"log"
	"os"
	"time"

	"example.com/cloaca"
)

func fetch(ctx context.Context, t *cloaca.Task) error {
	if t.Attempt() == 1 {
		return cloaca.Transient(errors.New("busy")) // the scheduler tries again
	}
	return t.Set("raw", []int{1, 2, 3})
}

type loaded struct {
	Sum int `json:"sum"`
}

func load(ctx context.Context, in struct {
	Raw []int `json:"raw"`
}) (out loaded, err error) {
	// The slot is given back until the file is there. Local variables stay as they are.
	size, err := cloaca.Await(ctx, cloaca.FromContext(ctx), func(context.Context) (int64, bool, error) {
		file, err := os.Stat("the-file-of-the-day")
		if err != nil {
			return 0, false, nil
		}
		return file.Size(), true, nil
	}, cloaca.Deferral{Poll: time.Second, MaxWait: time.Hour, Description: "the file of the day"})
	if errors.Is(err, cloaca.ErrMaxWait) {
		return out, cloaca.Permanent(err)
	}
	for _, n := range in.Raw {
		out.Sum += n * int(size)
	}
	return out, err
}

func main() {
	etl := cloaca.NewWorkflow("etl")
	etl.Task("fetch", fetch, cloaca.WithRetry(cloaca.Retry{Attempts: 3, On: cloaca.TransientFailures}))
	etl.Task("load", cloaca.Typed(load), cloaca.After("fetch"), cloaca.WithTimeout(time.Minute))

	host, err := cloaca.NewHost(cloaca.Options{Address: "127.0.0.1:7233", Slots: 8})
	if err != nil {
		log.Fatal(err)
	}
	if err := host.Register(etl); err != nil {
		log.Fatal(err)
	}
	// SIGTERM drains: what runs is finished, what is deferred is handed back.
	if err := host.RunUntilSignal(context.Background()); err != nil {
		log.Fatal(err)
	}
}
