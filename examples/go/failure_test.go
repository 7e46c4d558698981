package cloaca

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

type httpError int

func (e httpError) Error() string   { return "http" }
func (e httpError) StatusCode() int { return int(e) }

func TestJudgement(t *testing.T) {
	plain := errors.New("plain")
	for name, one := range map[string]struct {
		err  error
		want verdict
	}{
		"plain":            {plain, unknown},
		"marked transient": {Transient(plain), transient},
		"marked permanent": {fmt.Errorf("load: %w", Permanent(plain)), final},
		"the outer mark":   {Permanent(Transient(plain)), final},
		"refused":          {fmt.Errorf("get: %w", &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}), transient},
		"no such file":     {fmt.Errorf("open: %w", syscall.ENOENT), unknown},
		"a deadline":       {context.DeadlineExceeded, transient},
		"a cancelled one":  {context.Canceled, unknown},
		"no such name":     {&net.DNSError{Err: "no such host", IsNotFound: true}, transient},
		"unavailable":      {status.Error(codes.Unavailable, ""), transient},
		"not found":        {status.Error(codes.NotFound, ""), unknown},
		"http 503":         {httpError(503), transient},
		"http 429":         {httpError(429), transient},
		"http 501":         {httpError(501), unknown},
		"http 404":         {httpError(404), unknown},
		"one of two":       {errors.Join(plain, io.EOF, Transient(plain)), transient},
		"a value":          {finalError(CodeValueInvalid, "no JSON"), final},
	} {
		if got := judgementOf(one.err); got != one.want {
			t.Errorf("%s: %v, not %v", name, got, one.want)
		}
	}
	if Transient(nil) != nil || Permanent(nil) != nil || RetryAfter(nil, time.Second) != nil {
		t.Error("no error has become one")
	}
}

func TestFail(t *testing.T) {
	fail := failEvent("lease", fmt.Errorf("load: %w", RetryAfter(errors.New("busy"), 1500*time.Microsecond)), 1000)
	if !fail.Transient || fail.Final || fail.GetNextDelayMs() != 2 || fail.Failure.Message != "load: busy" || fail.Failure.Code != CodeTaskFailed {
		t.Errorf("%v", fail)
	}
	if fail.Failure.Type != "*errors.errorString" {
		t.Errorf("type is %s", fail.Failure.Type)
	}
	fail = failEvent("lease", fmt.Errorf("read: %w", finalError(CodeValueInvalid, "no JSON")), 1000)
	if !fail.Final || fail.NextDelayMs != nil || fail.Failure.Code != CodeValueInvalid {
		t.Errorf("%v", fail)
	}
	panicking := protect(func() error { panic("over") })
	failure := failureOf(panicking, 400)
	if failure.Type != "panic" || failure.Message != "panic: over" || !strings.Contains(failure.Stack, "goroutine") {
		t.Errorf("%v", failure)
	}
	if bytes := len(failure.Message) + len(failure.Stack); bytes > 400 {
		t.Errorf("%d bytes, of 400 at most", bytes)
	}
	if message := failureOf(errors.New("a\xff"), 100).Message; message != "a\ufffd" {
		t.Errorf("%q", message)
	}
}

func TestBackoff(t *testing.T) {
	b := newBackoff(time.Second)
	for _, share := range []float64{0, 0.999} {
		b.uniform = func() float64 { return share }
		for i, step := range []time.Duration{100, 200, 400, 800, 1000, 1000} {
			step *= time.Millisecond
			if wait := b.next(); wait < step/2 || wait > step {
				t.Errorf("wait %d is %v, of a step of %v", i, wait, step)
			}
		}
		b.reset()
	}
	for range 1000 {
		if wait := b.next(); wait <= 0 || wait > time.Second {
			t.Fatalf("a wait of %v", wait)
		}
	}
}
