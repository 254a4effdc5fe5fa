package b2auth

// #include "bridge.h"
import "C"

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// Error is what went wrong in one call. No part of it holds a key, a token or the user part of a URL.
type Error struct {
	// Status is what to decide by.
	Status Status
	// Message says what happened, in one line.
	Message string
	// Hint says what the person can do about it; it may be empty.
	Hint string
	// Code is B2's own, such as "bad_auth_token"; it may be empty.
	Code string
	// HTTPStatus is that of the last response; 0 if there was none.
	HTTPStatus int
	// Retryable: the same call may succeed later.
	Retryable bool
	// RetryAfter is how long to wait before the next call; negative if that is not known.
	RetryAfter time.Duration
	// Attempts counts the requests that this call made.
	Attempts int
	// RequestID is the X-Bz-Request-Id of the last response; it may be empty.
	RequestID string
	// RunLog is a JSON object with all of the above and every attempt; nil if the call did not get that far.
	RunLog json.RawMessage

	cause error // why the context ended, if that was what ended the call
}

// Error returns the message, and the hint in brackets.
func (e *Error) Error() string {
	if e.Hint != "" {
		return fmt.Sprintf("b2auth: %s (%s)", e.Message, e.Hint)
	}
	return "b2auth: " + e.Message
}

// GoString is for %#v: nothing more than Error has.
func (e *Error) GoString() string {
	return fmt.Sprintf("&b2auth.Error{Status: %v, Message: %q, Hint: %q}", e.Status, e.Message, e.Hint)
}

// Is reports whether target is the error of this status, such as ErrBadCredentials.
func (e *Error) Is(target error) bool {
	status, ok := target.(sentinel)
	return ok && Status(status) == e.Status
}

// Unwrap returns context.Canceled or context.DeadlineExceeded if the context ended the call, else nil.
func (e *Error) Unwrap() error {
	return e.cause
}

// Timeout reports whether time ran out, as net.Error has it.
func (e *Error) Timeout() bool {
	return e.Status == StatusTimeout || errors.Is(e.cause, context.DeadlineExceeded)
}

// Temporary reports whether the same call may succeed later, as net.Error has it.
func (e *Error) Temporary() bool {
	return e.Retryable
}

// MarshalJSON returns the run log.
func (e *Error) MarshalJSON() ([]byte, error) {
	if e.RunLog != nil {
		return e.RunLog, nil
	}
	type failure struct {
		Status  string `json:"status"`
		Message string `json:"message"`
		Hint    string `json:"hint,omitempty"`
	}
	return json.Marshal(map[string]failure{"error": {e.Status.String(), e.Message, e.Hint}})
}

func newError(status Status, message string) *Error {
	return &Error{Status: status, Message: message, RetryAfter: -1}
}

// takeError copies an error of C's and frees it.
func takeError(status C.b2_status, raw *C.b2_error) *Error {
	if raw == nil {
		return newError(Status(status), Status(status).Message())
	}
	defer C.b2_error_free(raw)
	failure := &Error{
		Status:     Status(C.b2_error_status(raw)),
		Message:    C.GoString(C.b2_error_message(raw)),
		Hint:       C.GoString(C.b2_error_hint(raw)),
		Code:       C.GoString(C.b2_error_code(raw)),
		HTTPStatus: int(C.b2_error_http_status(raw)),
		Retryable:  C.b2_error_is_retryable(raw) == 1,
		RetryAfter: -1,
		Attempts:   int(C.b2_error_attempts(raw)),
		RequestID:  C.GoString(C.b2_error_request_id(raw)),
		RunLog:     json.RawMessage(C.GoString(C.b2_error_json(raw))),
	}
	if after := C.b2_error_retry_after_ms(raw); after >= 0 {
		failure.RetryAfter = time.Duration(after) * time.Millisecond
	}
	return failure
}

// contextError is the error of a call whose context had ended before it began.
func contextError(ctx context.Context) *Error {
	cause := ctx.Err()
	failure := newError(StatusCancelled, "the context was cancelled before the call began")
	if errors.Is(cause, context.DeadlineExceeded) {
		failure = newError(StatusTimeout, "the context's deadline had passed before the call began")
	}
	failure.cause = cause
	return failure
}

// blame notes that it was the context that ended the call, if it was.
func (e *Error) blame(ctx context.Context) *Error {
	if e.Status != StatusCancelled && e.Status != StatusTimeout {
		return e
	}
	// The library's clock is a coarse one, and may be some milliseconds ahead of the context's timer.
	const coarse = 20 * time.Millisecond
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) < coarse {
		<-ctx.Done()
	}
	e.cause = ctx.Err()
	return e
}
