package b2auth

// #include "bridge.h"
import "C"

import (
	"encoding/json"
	"unsafe"
)

// ShouldReauthorize reports, after B2 refused another call, whether a new token is the cure. code is that of B2's error
// body, or empty.
func ShouldReauthorize(httpStatus int, code string) bool {
	text := C.CString(code)
	defer C.free(unsafe.Pointer(text))
	return !hasNUL(code) && C.b2_should_reauthorize(C.int(httpStatus), text) == 1
}

// ShouldReauthorizeBody is ShouldReauthorize with B2's error body itself, which may be cut or no JSON at all.
func ShouldReauthorizeBody(httpStatus int, body []byte) bool {
	var first *C.char
	if len(body) > 0 {
		first = (*C.char)(unsafe.Pointer(&body[0]))
	}
	if told := C.bridge_should_reauthorize_body(C.int(httpStatus), first, C.size_t(len(body))); told >= 0 {
		return told == 1
	}
	var failure struct {
		Code string `json:"code"`
	}
	if json.Unmarshal(body, &failure) != nil {
		failure.Code = ""
	}
	return ShouldReauthorize(httpStatus, failure.Code)
}

// AuthorizeJSON is the whole job as text: a JSON object, or an array of them, in; JSON out, failures included. What it
// returns is a secret: it may hold a token.
func AuthorizeJSON(request string) (response string, status Status) {
	if hasNUL(request) {
		request = "\x01" // no JSON either, and C sees all of it
	}
	in := secretText{C.CString(request), C.size_t(len(request))}
	defer in.wipe()
	var out *C.char
	status = Status(C.b2_authorize_json(in.text, &out))
	defer C.b2_string_free(out)
	return C.GoString(out), status
}

// CacheClear drops and wipes every cached token. Live sessions stay.
func CacheClear() { C.b2_cache_clear() }

// Counter returns how often something happened in this process, such as "requests" or "cache_hits"; 0 for a name that
// the library does not know.
func Counter(name string) uint64 {
	text := C.CString(name)
	defer C.free(unsafe.Pointer(text))
	if hasNUL(name) {
		return 0
	}
	return uint64(C.b2_counter(text))
}

// LibraryVersion returns the version of the C library, such as "0.1.0".
func LibraryVersion() string { return C.GoString(C.b2_library_version()) }

// ABIVersion returns the version of the C library's border.
func ABIVersion() uint32 { return uint32(C.b2_abi_version()) }
