//go:build !b2auth_static

package b2auth

// #cgo pkg-config: b2auth
import "C"
