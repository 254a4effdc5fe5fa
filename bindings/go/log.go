package b2auth

// #include "bridge.h"
import "C"

import (
	"context"
	"runtime/cgo"
)

// LogLevel says how much a message of the log matters.
type LogLevel int

const (
	LogError LogLevel = C.B2_LOG_ERROR // a call failed
	LogWarn  LogLevel = C.B2_LOG_WARN  // something went wrong that a call can live with
	LogInfo  LogLevel = C.B2_LOG_INFO  // what was asked of B2, and what it answered
	LogDebug LogLevel = C.B2_LOG_DEBUG // what was decided without asking
)

// String returns the level's name, as the option log_level takes it.
func (l LogLevel) String() string {
	switch l {
	case LogError:
		return "error"
	case LogWarn:
		return "warn"
	case LogInfo:
		return "info"
	default:
		return "debug"
	}
}

// WithLog has every decision of the call reported: cache hits, requests, waits and why. No message has a key or a token.
// The function runs while the call waits for it, on threads of the library's, and for calls on several goroutines at the
// same time. A panic in it is dropped.
func WithLog(log func(level LogLevel, message string)) Option {
	if log == nil {
		return func(c *config) { c.log = nil }
	}
	return func(c *config) {
		c.log = func(_ context.Context, level LogLevel, message string) { log(level, message) }
	}
}

type logger struct {
	ctx context.Context
	log func(context.Context, LogLevel, string)
}

// setLog gives C a handle to the log, which C releases with the last of these options.
func (c *config) setLog(ctx context.Context, options *C.b2_options) {
	if c.log != nil {
		C.bridge_set_log(options, C.uintptr_t(cgo.NewHandle(logger{ctx, c.log})))
	}
}

//export b2auth_go_log
func b2auth_go_log(log C.uintptr_t, level C.int, message *C.char) {
	defer func() { _ = recover() }() // there is C on the stack below
	l := cgo.Handle(log).Value().(logger)
	l.log(l.ctx, LogLevel(level), C.GoString(message))
}

//export b2auth_go_release
func b2auth_go_release(log C.uintptr_t) {
	cgo.Handle(log).Delete()
}
