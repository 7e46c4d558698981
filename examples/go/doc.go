// Package cloaca is a task host: a process that executes tasks of workflows whose graph a scheduler drives, and that gives a
// task's slot to other work while the task waits.
//
//	etl := cloaca.NewWorkflow("etl")
//	etl.Task("fetch", fetch, cloaca.WithRetry(cloaca.Retry{Attempts: 3, On: cloaca.TransientFailures}))
//	etl.Task("load", load, cloaca.After("fetch"), cloaca.WithTimeout(time.Minute))
//
//	host, err := cloaca.NewHost(cloaca.Options{Address: "127.0.0.1:7233", Slots: 8})
//	…
//	host.Register(etl)
//	host.RunUntilSignal(context.Background()) // SIGTERM drains
//
// A task is a function of a context and its [Task]. The context ends when the task is to stop; its cause is a [StopError].
// [Get] and [Task.Set] read and write the data that flows along the graph, [Task.DeferUntil] and [Await] wait without a slot,
// [Transient] and [Permanent] say of an error what another attempt would find.
//
// Rules P1 to P14, which the comments cite, are those of docs/PROTOCOL.md.
package cloaca
