//go:build !go1.24

package b2auth

import "runtime"

// hook has the garbage collector free a session that nobody closed.
type hook = struct{}

func (s *Session) hookCollector() {
	handle := s.handle // a finalizer that held the session would keep it from being collected
	runtime.SetFinalizer(s, func(*Session) { collected(handle) })
}

func (s *Session) unhookCollector() { runtime.SetFinalizer(s, nil) }
