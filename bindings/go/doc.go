// Package b2auth turns a Backblaze B2 application key into a session: account ID, API and download URLs and a token,
// cached for the process. It is a thin layer over the C library of the same name, by cgo.
//
//	session, err := b2auth.Authorize(ctx, "", "") // the key is taken from the environment
//	if err != nil {
//		return err
//	}
//	defer session.Close()
//
// B2 gives a session for 24 hours and bills the call that asks for it, so ask this package wherever a session is needed
// and keep none: a call that is answered from the cache takes some microseconds. Calls for one key that meet share one
// request.
//
// Errors are of the type *Error. Compare them with errors.Is and ErrBadCredentials and its like, or with context.Canceled
// and context.DeadlineExceeded where the context ended the call.
//
// Transport is an http.RoundTripper that adds the token to requests to B2 and replaces one that B2 no longer accepts.
//
// Diagnose tests the connection, and says what to do about what fails.
//
// By default the shared library is linked, found by pkg-config; the build tag b2auth_static links libb2auth.a instead.
package b2auth
