//go:build !go1.21

package b2auth

import "context"

// afterDone calls once the context has ended. stop takes that back, or waits until the call has returned.
func afterDone(ctx context.Context, call func()) (stop func()) {
	stopped := make(chan struct{})
	returned := make(chan struct{})
	go func() {
		defer close(returned)
		select {
		case <-ctx.Done():
			call()
		case <-stopped:
		}
	}()
	return func() {
		close(stopped)
		<-returned
	}
}
