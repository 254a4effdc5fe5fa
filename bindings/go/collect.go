//go:build go1.24

package b2auth

import "runtime"

// hook has the garbage collector free a session that nobody closed.
type hook = runtime.Cleanup

func (s *Session) hookCollector() {
	s.hook = runtime.AddCleanup(s, collected, s.handle)
}

func (s *Session) unhookCollector() { s.hook.Stop() }
