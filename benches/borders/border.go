// The calls of border.c by cgo.
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
	"time"
)

func authorize(id, key *C.char) *C.b2_session {
	var session *C.b2_session
	if status := C.b2_authorize(id, key, &session); status != C.B2_OK {
		panic(C.GoString(C.b2_status_name(C.int(status))))
	}
	return session
}

func main() {
	id, key := C.CString(os.Getenv("B2_APPLICATION_KEY_ID")), C.CString(os.Getenv("B2_APPLICATION_KEY"))
	session := authorize(id, key)
	var what string
	var count int
	for {
		if n, _ := fmt.Scanln(&what, &count); n != 2 {
			return
		}
		begin := time.Now()
		if what == "call" {
			for i := 0; i < count; i++ {
				C.b2_session_free(authorize(id, key))
			}
		} else {
			for i := 0; i < count; i++ {
				if C.GoString(C.b2_session_api_url(session))[0] != 'h' {
					panic("no URL")
				}
			}
		}
		fmt.Printf("%.1f\n", float64(time.Since(begin).Nanoseconds())/float64(count))
	}
}
