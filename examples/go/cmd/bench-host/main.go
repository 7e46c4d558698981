// A host for measuring: brings one workflow with one task, which sets a value, and serves until SIGTERM. Prints one line of JSON
// once it is registered.
//
//	bench-host --address 127.0.0.1:7233 [--slots 1000]
package main

import (
	"context"
	"flag"
	"fmt"
	"os"

	"example.com/cloaca"
)

const workflow = "go-bench"

func main() {
	address := flag.String("address", "", "of the scheduler")
	slots := flag.Int("slots", 1000, "leases that may hold a slot at once")
	flag.Parse()
	bench := cloaca.NewWorkflow(workflow).Task("work", func(_ context.Context, t *cloaca.Task) error { return t.Set("out", 1) })
	host, err := cloaca.NewHost(cloaca.Options{Address: *address, HostID: "go-bench", Slots: *slots})
	if err == nil {
		err = host.Register(bench)
	}
	if err == nil {
		go func() {
			<-host.Ready()
			fmt.Printf("{\"event\":\"host_started\",\"workflow\":%q,\"task\":\"work\"}\n", workflow)
		}()
		err = host.RunUntilSignal(context.Background())
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
