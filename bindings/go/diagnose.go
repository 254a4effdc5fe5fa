package b2auth

// #include "bridge.h"
import "C"

import (
	"context"
	"encoding/json"
	"time"
)

// Outcome says how a step of a diagnosis went.
type Outcome string

const (
	OutcomeOK      Outcome = "ok"
	OutcomeWarning Outcome = "warning" // it works, and somebody should look at it
	OutcomeFailed  Outcome = "failed"
	OutcomeSkipped Outcome = "skipped" // there was nothing to do, or the way ended before it
)

// Report is what a diagnosis found. No part of it holds a key, a token or the user part of a URL.
type Report struct {
	// Result is the worst of the steps.
	Result Outcome
	// Status is what Authorize would say now: StatusOK also if there are warnings.
	Status Status
	// Err is what Authorize would fail with now, an *Error; nil if Status is StatusOK. errors.Is tells whether the context
	// ended the call.
	Err error
	// Steps are in the order in which the way was walked. A later library may have more of them.
	Steps []Step
	// Requests counts the authorize requests: one at most.
	Requests int
	// Version is that of the library.
	Version string
	// StartedAt and Duration are of the whole diagnosis.
	StartedAt time.Time
	Duration  time.Duration
	// JSON is all of the above, as for a ticket.
	JSON json.RawMessage
}

// Step is one step of a diagnosis.
type Step struct {
	// Name is such as "credentials", "lookUp", "connect", "tls" or "authorize".
	Name   string
	Result Outcome
	// Summary says in one line what was found.
	Summary string
	// Advice says what the person can do about it; it may be empty.
	Advice string
	// Duration is negative if the step takes no time of its own.
	Duration time.Duration
	// Details are as encoding/json makes them of an object. A later library may have more of them.
	Details map[string]any
}

// MarshalJSON returns the library's own report.
func (r Report) MarshalJSON() ([]byte, error) { return r.JSON, nil }

// Diagnose walks the way to B2 step by step, for a "test connection" button: credentials, environment, proxy, name look-up,
// connect, TLS, clock, B2's verdict, what the key may do. It sends one authorize request at most, and neither reads nor
// writes the cache. Key and options are those of Authorize.
//
// What fails on the way is in the report, as is the end of the context during the call. An error means that there is no
// report: an option or a key was refused, or the context had ended before the call.
//
// With WithDiagnose it looks through the token store instead, for which it needs no key and sends nothing.
func Diagnose(ctx context.Context, keyID, key string, options ...Option) (*Report, error) {
	var out *C.char
	var status C.b2_status
	err := forKey(ctx, keyID, key, options, func(id, key *C.char, o *C.b2_options) {
		status = C.bridge_diagnose_json(id, key, o, &out)
	})
	if err != nil {
		return nil, err
	}
	defer C.b2_string_free(out)
	if out == nil {
		return nil, newError(Status(status), "there is no report: the library has no memory for it, or is too old")
	}
	return readReport(ctx, Status(status), C.GoString(out))
}

// readReport makes a report of the library's JSON. What it cannot read it leaves to the caller, beside the error.
func readReport(ctx context.Context, status Status, text string) (*Report, error) {
	report := &Report{Status: status, JSON: json.RawMessage(text)}
	var raw struct {
		Version    string
		StartedAt  string
		DurationMs int64
		Result     Outcome
		Requests   int
		Error      json.RawMessage
		Steps      []struct {
			Name       string
			Result     Outcome
			Summary    string
			Advice     string
			DurationMs *int64
			Details    map[string]any
		}
	}
	if err := json.Unmarshal(report.JSON, &raw); err != nil {
		return report, newError(StatusInternalError, "the report cannot be read: "+err.Error())
	}
	report.Version, report.Result, report.Requests = raw.Version, raw.Result, raw.Requests
	report.StartedAt, _ = time.Parse(time.RFC3339, raw.StartedAt) // none in the report of a bug in the library
	report.Duration = time.Duration(raw.DurationMs) * time.Millisecond
	for _, step := range raw.Steps {
		took := time.Duration(-1)
		if step.DurationMs != nil {
			took = time.Duration(*step.DurationMs) * time.Millisecond
		}
		report.Steps = append(report.Steps, Step{step.Name, step.Result, step.Summary, step.Advice, took, step.Details})
	}
	if status != StatusOK {
		report.Err = reportedError(status, raw.Requests, raw.Error).blame(ctx)
	}
	return report, nil
}

// reportedError makes an error of the object that stands in a report.
func reportedError(status Status, requests int, text json.RawMessage) *Error {
	var raw struct {
		Message      string
		Hint         string
		Code         string
		HTTPStatus   int
		RequestID    string
		Retryable    bool
		RetryAfterMs *int64
	}
	failure := newError(status, status.Message())
	if json.Unmarshal(text, &raw) != nil {
		return failure
	}
	failure.Message, failure.Hint, failure.Code = raw.Message, raw.Hint, raw.Code
	failure.HTTPStatus, failure.RequestID = raw.HTTPStatus, raw.RequestID
	failure.Retryable, failure.Attempts = raw.Retryable, requests
	if raw.RetryAfterMs != nil {
		failure.RetryAfter = time.Duration(*raw.RetryAfterMs) * time.Millisecond
	}
	failure.RunLog = json.RawMessage(`{"error":` + string(text) + `}`)
	return failure
}
