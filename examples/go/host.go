package cloaca

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"regexp"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	pb "example.com/cloaca/cloacav1"
	"google.golang.org/grpc"
)

const (
	defaultAddress    = "127.0.0.1:7233"
	defaultSlots      = 8
	defaultDrainGrace = 10 * time.Second
	defaultMaxBackoff = 10 * time.Second
	maxSlots          = 100_000
	// Of a session that no Welcome has told its own.
	defaultTTL = 15 * time.Second
)

// Options of a host. The zero value of each field stands for its default.
type Options struct {
	// Address of the scheduler: host:port, grpc://host:port, or grpcs://host:port with TLS. $CLOACA_ADDRESS by default, else
	// 127.0.0.1:7233.
	Address string
	// HostID is the operator's name for the host, unique within the namespace; the machine's name and the process's id by
	// default.
	HostID string
	// Namespace; "default" by default.
	Namespace string
	// Slots is the number of leases that may hold a slot at once; 8 by default.
	Slots int
	// MaxLeases, held and deferred together; no limit by default.
	MaxLeases int
	// Labels and BuildID are for people.
	Labels  map[string]string
	BuildID string
	// DrainGrace is the time after which a host that drains hands its deferred tasks back; 10 s by default.
	DrainGrace time.Duration
	// MaxBackoff is the longest wait between two tries to connect; 10 s by default.
	MaxBackoff time.Duration
	// Logger; slog.Default() by default.
	Logger *slog.Logger
	// DialOptions go to grpc-go, for TLS of your own and the like.
	DialOptions []grpc.DialOption
}

// Host serves a scheduler. All methods are safe for goroutines.
type Host struct {
	options  Options
	session  *session
	backoff  *backoff
	life     context.Context
	endLife  context.CancelCauseFunc
	isRun    atomic.Bool
	ready    chan struct{}
	isReady  sync.Once
	drains   chan struct{}
	ttl      atomic.Int64
	deadline atomic.Pointer[time.Time]
	grace    atomic.Pointer[time.Timer]
}

// NewHost checks the options, and says all that is wrong with them. Nothing happens yet.
func NewHost(options Options) (*Host, error) {
	o := options.withDefaults()
	problems := append(nameProblem("HostID", o.HostID), nameProblem("Namespace", o.Namespace)...)
	if !addressPattern.MatchString(o.Address) {
		problems = append(problems, fmt.Sprintf("Address is %q; %s", o.Address, addressForm))
	}
	for name, value := range map[string]int{"Slots": o.Slots, "MaxLeases": o.MaxLeases} {
		if value < 0 || value > maxSlots {
			problems = append(problems, fmt.Sprintf("%s is %d; allowed are 0 to %d", name, value, maxSlots))
		}
	}
	for name, value := range map[string]time.Duration{"DrainGrace": o.DrainGrace, "MaxBackoff": o.MaxBackoff} {
		if value < 0 {
			problems = append(problems, fmt.Sprintf("%s is %v; allowed is more than 0", name, value))
		}
	}
	if err := optionsError("the host's options", problems); err != nil {
		return nil, err
	}
	h := &Host{options: o, backoff: newBackoff(o.MaxBackoff), ready: make(chan struct{}), drains: make(chan struct{}, 1)}
	h.life, h.endLife = context.WithCancelCause(context.Background())
	h.ttl.Store(int64(defaultTTL))
	h.session = newSession(h.life, identity{
		namespace:  o.Namespace,
		hostID:     o.HostID,
		instanceID: rand.Text(),
		buildID:    o.BuildID,
		slots:      uint32(o.Slots),
		maxLeases:  uint32(o.MaxLeases),
		labels:     o.Labels,
	}, o.Logger)
	return h, nil
}

func (o Options) withDefaults() Options {
	if o.Address == "" {
		o.Address = os.Getenv("CLOACA_ADDRESS")
	}
	if o.Address == "" {
		o.Address = defaultAddress
	}
	if o.HostID == "" {
		o.HostID = ownName()
	}
	if o.Namespace == "" {
		o.Namespace = "default"
	}
	if o.Slots == 0 {
		o.Slots = defaultSlots
	}
	if o.DrainGrace == 0 {
		o.DrainGrace = defaultDrainGrace
	}
	if o.MaxBackoff == 0 {
		o.MaxBackoff = defaultMaxBackoff
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	return o
}

func ownName() string {
	name, _ := os.Hostname()
	name = regexp.MustCompile(`[^A-Za-z0-9_.-]`).ReplaceAllString(name, "-")
	return fmt.Sprintf("go-%s-%d", name[:min(len(name), 100)], os.Getpid())
}

// Register brings workflows: their graphs, and the code of all their tasks. While the host runs, the scheduler is told at
// once; [Host.Registered] tells what it says.
func (h *Host) Register(workflows ...*Workflow) error {
	for _, workflow := range workflows {
		if problems := workflow.problems(); len(problems) > 0 {
			what := fmt.Sprintf("workflow %q is not right:", cut(workflow.name, 150))
			return &Error{Code: CodeDefinitionInvalid, Message: what, Problems: problems, retryAfter: -1}
		}
		if err := h.session.bring(workflow); err != nil {
			return err
		}
	}
	return nil
}

// Registered waits until the scheduler has answered a workflow that this host brings, and tells its version; or why the
// scheduler refused it, or why the host ended before.
func (h *Host) Registered(ctx context.Context, name string) (version string, err error) {
	h.session.lock()
	b := h.session.code.named(name)
	h.session.unlock()
	if b == nil {
		return "", newError(CodeDefinitionInvalid, "this host brings no workflow %q", name)
	}
	select {
	case <-b.answered:
		return b.version, b.err
	case <-ctx.Done():
		return "", context.Cause(ctx)
	}
}

// Implement brings the code of one task of a workflow that another host brings, for whatever version of it.
func (h *Host) Implement(workflow, task string, run TaskFunc) error {
	problems := append(nameProblem("name of the workflow", workflow), nameProblem("id of the task", task)...)
	if run == nil {
		problems = append(problems, "the task has no code")
	}
	if err := optionsError("the implementation", problems); err != nil {
		return err
	}
	h.session.implement(workflow, task, run)
	return nil
}

// SetSlots offers more slots, or fewer. Nothing is taken away from tasks that hold one.
func (h *Host) SetSlots(slots int) error {
	if slots < 0 || slots > maxSlots {
		return optionsError("the number of slots", []string{fmt.Sprintf("is %d; allowed are 0 to %d", slots, maxSlots)})
	}
	h.session.setSlots(uint32(slots))
	return nil
}

// Ready is closed once the host is registered and can get leases.
func (h *Host) Ready() <-chan struct{} { return h.ready }

// RunUntilSignal is [Host.Run] until SIGTERM or an interrupt drains the host. A second one ends the process as always.
func (h *Host) RunUntilSignal(ctx context.Context) error {
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGTERM, os.Interrupt)
	defer stop()
	context.AfterFunc(ctx, stop)
	return h.Run(ctx)
}

// Drain takes no new work, finishes what runs, and hands deferred tasks back after the grace time. Run returns when it is
// done.
func (h *Host) Drain(grace time.Duration, reason string) {
	if !h.session.drain(reason) {
		return
	}
	h.options.Logger.Info("host_draining", "reason", reason, "grace", grace)
	deadline := time.Now().Add(grace + time.Duration(h.ttl.Load()))
	h.deadline.Store(&deadline)
	h.grace.Store(time.AfterFunc(grace, h.session.declineDeferred))
	select {
	case h.drains <- struct{}{}:
	default:
	}
}

// Close ends the host at once: tasks are told to stop, with [HostClosed], and nothing more is said to the scheduler, which
// leases them again once the session's TTL is over. Run returns when their code has stopped.
func (h *Host) Close() {
	h.endLife(&StopError{HostClosed, ""})
}

func (h *Host) welcomed(welcome *pb.Welcome) {
	h.backoff.reset()
	if welcome.TtlMs > 0 {
		h.ttl.Store(int64(welcome.TtlMs) * int64(time.Millisecond))
	}
	h.options.Logger.Info("host_connected", "session", welcome.SessionId, "generation", welcome.Generation, "resumed", welcome.Resumed)
	h.isReady.Do(func() { close(h.ready) })
}
