package cloaca

import (
	"errors"
	"fmt"
	"math"
	"net"
	"reflect"
	"syscall"
	"time"

	pb "example.com/cloaca/cloacav1"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// verdict is what an error says about another attempt.
type verdict int

const (
	unknown verdict = iota
	// It passes by itself.
	transient
	// Another attempt would end the same.
	final
)

// judged is an error with the author's own word on it.
type judged struct {
	error
	verdict verdict
	// after: delay before the next attempt; negative where the task's policy decides.
	after time.Duration
}

func (e *judged) Unwrap() error { return e.error }

// Transient says of an error that it passes by itself: another attempt may well succeed. nil stays nil.
func Transient(err error) error { return judge(err, transient, -1) }

// Permanent says of an error that another attempt would end the same: the task is never retried. nil stays nil.
func Permanent(err error) error { return judge(err, final, -1) }

// RetryAfter says of an error that it passes by itself, and when to try again, in place of the policy's delay (its MaxDelay
// caps it). nil stays nil.
func RetryAfter(err error, delay time.Duration) error { return judge(err, transient, max(0, delay)) }

func judge(err error, verdict verdict, after time.Duration) error {
	if err == nil {
		return nil
	}
	return &judged{err, verdict, after}
}

// IsTransient tells whether an error is of a kind that passes by itself: one of [Transient] or [RetryAfter], timeouts, broken
// and refused connections, names that do not resolve, gRPC UNAVAILABLE, RESOURCE_EXHAUSTED, DEADLINE_EXCEEDED and ABORTED,
// and errors with a method StatusCode() int that says 408, 429 or 5xx (but for 501 and 505). By types and codes, never by a
// message's text; where an error says nothing, those that it wraps are asked.
func IsTransient(err error) bool { return judgementOf(err) == transient }

func judgementOf(err error) verdict {
	if err == nil {
		return unknown
	}
	if found := ownJudgement(err); found != unknown {
		return found
	}
	switch wrapper := err.(type) {
	case interface{ Unwrap() error }:
		return judgementOf(wrapper.Unwrap())
	case interface{ Unwrap() []error }:
		for _, one := range wrapper.Unwrap() {
			if found := judgementOf(one); found != unknown {
				return found
			}
		}
	}
	return unknown
}

func ownJudgement(err error) verdict {
	switch err := err.(type) {
	case *judged:
		return err.verdict
	case *Error:
		if err.final {
			return final
		}
		return ofStatus(err.Status)
	case syscall.Errno:
		return ofErrno(err)
	case *net.DNSError:
		return transient
	case interface{ GRPCStatus() *status.Status }:
		return ofStatus(err.GRPCStatus().Code())
	case interface{ StatusCode() int }:
		code := err.StatusCode()
		if code == 408 || code == 429 || (code >= 500 && code < 600 && code != 501 && code != 505) {
			return transient
		}
		return unknown
	case interface{ Timeout() bool }:
		if err.Timeout() {
			return transient
		}
	}
	return unknown
}

func ofErrno(errno syscall.Errno) verdict {
	switch errno {
	case syscall.ETIMEDOUT, syscall.ECONNABORTED, syscall.ECONNRESET, syscall.ECONNREFUSED, syscall.EPIPE, syscall.EHOSTUNREACH,
		syscall.ENETUNREACH, syscall.ENETDOWN, syscall.ENETRESET, syscall.EADDRNOTAVAIL:
		return transient
	}
	return unknown
}

func ofStatus(code codes.Code) verdict {
	switch code {
	case codes.Unavailable, codes.ResourceExhausted, codes.DeadlineExceeded, codes.Aborted:
		return transient
	}
	return unknown
}

// failEvent is the failure as it travels (P4.5); message and stack together at most so many bytes, the stack cut first (P10).
func failEvent(leaseID string, err error, maxBytes int) *pb.Fail {
	found := judgementOf(err)
	fail := &pb.Fail{LeaseId: leaseID, Transient: found == transient, Final: found == final, Failure: failureOf(err, maxBytes)}
	var own *judged
	if errors.As(err, &own) && own.after >= 0 && found == transient {
		ms := milliseconds(own.after)
		fail.NextDelayMs = &ms
	}
	return fail
}

func failureOf(err error, maxBytes int) *pb.Failure {
	message := cut(validText(err.Error()), maxBytes)
	failure := &pb.Failure{Code: CodeTaskFailed, Type: cut(validText(typeName(err)), 256), Message: message}
	var coded *Error
	if errors.As(err, &coded) {
		failure.Code = cut(validText(coded.Code), 256)
	}
	stack := fmt.Sprintf("%+v", err)
	var panicked *panicked
	if errors.As(err, &panicked) {
		stack = string(panicked.stack)
	}
	if stack = validText(stack); stack != message {
		failure.Stack = cut(stack, maxBytes-len(message))
	}
	return failure
}

// typeName of the first error that says more than that it wraps another.
func typeName(err error) string {
	for {
		switch wrapper := err.(type) {
		case *judged:
			err = wrapper.error
			continue
		case *panicked:
			return "panic"
		}
		inner := errors.Unwrap(err)
		if inner == nil || reflect.TypeOf(err) != reflect.TypeOf(fmt.Errorf("%w", inner)) {
			return fmt.Sprintf("%T", err)
		}
		err = inner
	}
}

// panicked is what code panicked with.
type panicked struct {
	value any
	stack []byte
}

func (e *panicked) Error() string { return fmt.Sprintf("panic: %v", e.value) }

// Unwrap: code may panic with an error.
func (e *panicked) Unwrap() error {
	err, _ := e.value.(error)
	return err
}

// milliseconds of a duration as the protocol has them: whole, and never 0 for more than nothing.
func milliseconds(d time.Duration) uint32 {
	if d <= 0 {
		return 0
	}
	ms := (d + time.Millisecond - 1) / time.Millisecond
	return uint32(min(ms, math.MaxInt32))
}
