// From an application key to a session. The key is taken from $B2_APPLICATION_KEY_ID and $B2_APPLICATION_KEY.
package main

import (
	"context"
	"fmt"
	"log"

	"b2auth"
)

func main() {
	session, err := b2auth.Authorize(context.Background(), "", "")
	if err != nil {
		log.Fatal(err)
	}
	defer session.Close()
	fmt.Println(session.AccountID(), session.APIURL())
}
