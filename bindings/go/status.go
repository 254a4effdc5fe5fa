package b2auth

// #include "bridge.h"
import "C"

import "fmt"

// Status says what became of a call. A number never changes its meaning; a later library may add some.
type Status int

const (
	StatusOK                 Status = C.B2_OK
	StatusInvalidArgument    Status = C.B2_INVALID_ARGUMENT
	StatusNoCredentials      Status = C.B2_NO_CREDENTIALS
	StatusBadCredentials     Status = C.B2_BAD_CREDENTIALS
	StatusKeyNotSupported    Status = C.B2_KEY_NOT_SUPPORTED
	StatusCapExceeded        Status = C.B2_CAP_EXCEEDED
	StatusAccessDenied       Status = C.B2_ACCESS_DENIED
	StatusRateLimited        Status = C.B2_RATE_LIMITED
	StatusServiceUnavailable Status = C.B2_SERVICE_UNAVAILABLE
	StatusNetworkError       Status = C.B2_NETWORK_ERROR
	StatusTLSError           Status = C.B2_TLS_ERROR
	StatusTimeout            Status = C.B2_TIMEOUT
	StatusCancelled          Status = C.B2_CANCELLED
	StatusProtocolError      Status = C.B2_PROTOCOL_ERROR
	StatusStoreError         Status = C.B2_STORE_ERROR
	StatusInternalError      Status = C.B2_INTERNAL_ERROR
)

// String returns the status's name in C, such as "B2_BAD_CREDENTIALS".
func (s Status) String() string {
	return C.GoString(C.b2_status_name(C.int(s)))
}

// Message returns what the status means, in a few words of English.
func (s Status) Message() string {
	return C.GoString(C.b2_status_message(C.int(s)))
}

// One error for each status, for errors.Is(err, b2auth.ErrBadCredentials).
var (
	ErrInvalidArgument    error = sentinel(StatusInvalidArgument)
	ErrNoCredentials      error = sentinel(StatusNoCredentials)
	ErrBadCredentials     error = sentinel(StatusBadCredentials)
	ErrKeyNotSupported    error = sentinel(StatusKeyNotSupported)
	ErrCapExceeded        error = sentinel(StatusCapExceeded)
	ErrAccessDenied       error = sentinel(StatusAccessDenied)
	ErrRateLimited        error = sentinel(StatusRateLimited)
	ErrServiceUnavailable error = sentinel(StatusServiceUnavailable)
	ErrNetwork            error = sentinel(StatusNetworkError)
	ErrTLS                error = sentinel(StatusTLSError)
	ErrTimeout            error = sentinel(StatusTimeout)
	ErrCancelled          error = sentinel(StatusCancelled)
	ErrProtocol           error = sentinel(StatusProtocolError)
	ErrStore              error = sentinel(StatusStoreError)
	ErrInternal           error = sentinel(StatusInternalError)
)

type sentinel Status

func (s sentinel) Error() string {
	return fmt.Sprintf("b2auth: %s", Status(s).Message())
}
