//go:build b2auth_static

package b2auth

// The linker prefers a shared library where it finds both, so the archive is named first; what pkg-config says of the
// shared one is then no longer needed.

// #cgo linux LDFLAGS: -Wl,--as-needed -l:libb2auth.a
// #cgo pkg-config: --static b2auth
import "C"
