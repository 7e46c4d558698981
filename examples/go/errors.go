package cloaca

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"google.golang.org/grpc/codes"
)

// Error is an error with a stable code in upper snake case: of this package, or of the scheduler. A task that fails with one,
// wrapped or not, fails with its code.
type Error struct {
	Code    string
	Message string
	// Everything that was wrong, with its place; empty where the message says it.
	Problems []string
	// Status of the call that failed; OK where there was none.
	Status codes.Code
	// final: another attempt would end the same.
	final bool
	// retryAfter: what the scheduler asks for; negative where it says nothing.
	retryAfter time.Duration
}

func (e *Error) Error() string {
	if len(e.Problems) == 0 {
		return e.Message
	}
	return e.Message + "\n  " + strings.Join(e.Problems, "\n  ")
}

// Codes of errors of this package.
const (
	CodeTaskFailed         = "TASK_FAILED"
	CodeTaskTimeout        = "TASK_TIMEOUT"
	CodeOptionsInvalid     = "OPTIONS_INVALID"
	CodeDefinitionInvalid  = "DEFINITION_INVALID"
	CodeKeyMissing         = "CONTEXT_KEY_MISSING"
	CodeKeyInvalid         = "CONTEXT_KEY_INVALID"
	CodeValueInvalid       = "CONTEXT_VALUE_INVALID"
	CodeNumberUnsafe       = "CONTEXT_NUMBER_UNSAFE"
	CodeContextTooLarge    = "CONTEXT_TOO_LARGE"
	CodeDeferTimeout       = "DEFER_TIMEOUT"
	CodeDeferralNotAwaited = "DEFERRAL_NOT_AWAITED"
	CodeTaskMisused        = "HANDLE_CONSUMED"
	CodeHostEnded          = "HOST_ENDED"
	CodeConnectionLost     = "UNAVAILABLE"
)

const (
	codeResumeTokenInvalid = "RESUME_TOKEN_INVALID"
	codeSessionNotFound    = "SESSION_NOT_FOUND"
)

// HasCode tells whether an error, or one that it wraps, is an [Error] with this code.
func HasCode(err error, code string) bool {
	var coded *Error
	return errors.As(err, &coded) && coded.Code == code
}

// ErrMaxWait is what a deferral ends with, wrapped, whose MaxWait is over. The task has its slot again.
var ErrMaxWait = errors.New("the longest wait is over")

// StopReason says why a task is to stop.
type StopReason string

// Why a task is to stop.
const (
	// The run was cancelled.
	RunCancelled StopReason = "RUN_CANCELLED"
	// The task held a slot for longer than its timeout.
	TimedOut StopReason = "TIMEOUT"
	// The run was not over within its own timeout.
	RunTimedOut StopReason = "RUN_TIMEOUT"
	// The lease is not this host's any more: the task is executed elsewhere.
	LeaseRevoked StopReason = "REVOKED"
	// This host drains and has handed the deferred task back: it is executed elsewhere.
	HandedBack StopReason = "HANDED_BACK"
	// The host was closed.
	HostClosed StopReason = "HOST_CLOSED"
)

// StopError is the cause of a task's context that has ended (context.Cause). It is also a context.Canceled.
type StopError struct {
	Reason StopReason
	Detail string
}

func (e *StopError) Error() string {
	if e.Detail == "" {
		return "the task is to stop: " + string(e.Reason)
	}
	return fmt.Sprintf("the task is to stop: %s (%s)", e.Reason, e.Detail)
}

// Is makes errors.Is(err, context.Canceled) true.
func (e *StopError) Is(target error) bool { return target == context.Canceled }

func newError(code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...), retryAfter: -1}
}

func finalError(code, format string, args ...any) *Error {
	err := newError(code, format, args...)
	err.final = true
	return err
}

func optionsError(what string, problems []string) error {
	if len(problems) == 0 {
		return nil
	}
	return &Error{Code: CodeOptionsInvalid, Message: what + " is not right:", Problems: problems, retryAfter: -1}
}
