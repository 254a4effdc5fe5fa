//go:build go1.21

package b2auth

import "context"

// afterDone calls once the context has ended. stop takes that back, or waits until the call has returned.
func afterDone(ctx context.Context, call func()) (stop func()) {
	returned := make(chan struct{})
	cancel := context.AfterFunc(ctx, func() {
		defer close(returned)
		call()
	})
	return func() {
		if !cancel() {
			<-returned
		}
	}
}
