// Links the library through cgo: a session, its fields, an error with its message, and everything freed.
package main

/*
#cgo pkg-config: b2auth
#include <stdlib.h>
#include <b2auth.h>
*/
import "C"

import (
	"fmt"
	"os"
	"strings"
	"unsafe"
)

func main() {
	var session *C.b2_session
	var failure *C.b2_error

	if status := C.b2_authorize_with(nil, nil, nil, &session, &failure); status != C.B2_OK {
		fail("authorize: " + C.GoString(C.b2_error_message(failure)))
	}
	account := C.GoString(C.b2_session_account_id(session))
	api := C.GoString(C.b2_session_api_url(session))
	token := C.GoString(C.b2_session_authorization_token(session))
	C.b2_session_free(session)
	if account != "4aa9865d6f00" || api != os.Getenv("B2_ENVIRONMENT") || !strings.HasPrefix(token, "4_") {
		fail("the fields are not the sandbox's")
	}
	fmt.Println("ok go: a session and its fields")

	id, key := C.CString(os.Getenv("B2_APPLICATION_KEY_ID")), C.CString("K001wrong")
	defer C.free(unsafe.Pointer(id))
	defer C.free(unsafe.Pointer(key))
	status := C.b2_authorize_with(id, key, nil, &session, &failure)
	message := C.GoString(C.b2_error_message(failure))
	C.b2_error_free(failure)
	if status != C.B2_BAD_CREDENTIALS || session != nil || message == "" || strings.Contains(message, "K001wrong") {
		fail("a wrong key: " + message)
	}
	fmt.Println("ok go: an error and its message")
}

func fail(why string) {
	fmt.Println("not ok go: " + why)
	os.Exit(1)
}
