package b2auth_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"b2auth"
)

// The sandbox holds its response back, so a call ends only by what the test does.

func TestCancelInFlight(t *testing.T) {
	sandbox(t)
	latch := hold(t)
	ctx, cancel := context.WithCancel(background)
	ended := make(chan error)
	go func() {
		_, err := b2auth.Authorize(ctx, "", "")
		ended <- err
	}()
	held(t, latch)
	cancel()
	err := <-ended
	if !errors.Is(err, context.Canceled) || !errors.Is(err, b2auth.ErrCancelled) || errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
}

func TestDeadlineInFlight(t *testing.T) {
	sandbox(t)
	for _, options := range [][]b2auth.Option{
		nil,
		{b2auth.WithTotalTimeout(0)},
		{b2auth.WithOption("total_timeout_ms", "1"), b2auth.WithOption("total_timeout_ms", "")},
	} {
		b2auth.CacheClear()
		hold(t)
		ctx, cancel := context.WithTimeout(background, 300*time.Millisecond)
		_, err := b2auth.Authorize(ctx, "", "", options...)
		if !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, b2auth.ErrTimeout) || errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		if ctx.Err() == nil {
			t.Error("it ended before its deadline")
		}
		var failure *b2auth.Error
		if errors.As(err, &failure) && !failure.Timeout() {
			t.Error("no time-out:", err)
		}
		results, err := b2auth.AuthorizeMany(ctx, []b2auth.Credentials{{}})
		if !errors.Is(err, context.DeadlineExceeded) || len(results) != 1 {
			t.Error(results, err)
		}
		cancel()
	}
}

func TestBatchDeadline(t *testing.T) {
	sandbox(t)
	hold(t)
	ctx, cancel := context.WithTimeout(background, 300*time.Millisecond)
	defer cancel()
	results, err := b2auth.AuthorizeMany(ctx, []b2auth.Credentials{{}})
	if len(results) != 1 || !errors.Is(err, context.DeadlineExceeded) {
		t.Error(results, err)
	}
}

// A deadline of its own is the library's business: the context did not end the call.
func TestTotalTimeout(t *testing.T) {
	sandbox(t)
	hold(t)
	ctx, cancel := context.WithTimeout(background, time.Minute)
	defer cancel()
	_, err := b2auth.Authorize(ctx, "", "", b2auth.WithTotalTimeout(300*time.Millisecond))
	if !errors.Is(err, b2auth.ErrTimeout) || errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
}

// A call that knows its deadline does not begin a wait that cannot end before it.
func TestWaitLongerThanTheDeadline(t *testing.T) {
	sandbox(t)
	faults(t, map[string]any{"status": 500, "retryAfter": 600, "times": 0})
	ctx, cancel := context.WithTimeout(background, 50*time.Second)
	defer cancel()
	_, err := b2auth.Authorize(ctx, "", "")
	var failure *b2auth.Error
	if !errors.As(err, &failure) || failure.Status != b2auth.StatusServiceUnavailable || failure.RetryAfter < 9*time.Minute {
		t.Error(err)
	}
	if ctx.Err() != nil || errors.Is(err, context.DeadlineExceeded) || !failure.Retryable {
		t.Error("it waited for the deadline:", err)
	}
}

func TestContextThatHasEnded(t *testing.T) {
	sandbox(t)
	authorize(t)
	cancelled, cancel := context.WithCancel(background)
	cancel()
	late, cancel := context.WithDeadline(background, time.Now().Add(-time.Second))
	defer cancel()
	for ctx, want := range map[context.Context][2]error{
		cancelled: {context.Canceled, b2auth.ErrCancelled},
		late:      {context.DeadlineExceeded, b2auth.ErrTimeout},
	} {
		_, err := b2auth.Authorize(ctx, "", "")
		if !errors.Is(err, want[0]) || !errors.Is(err, want[1]) {
			t.Error(err)
		}
		if _, err = b2auth.Reauthorize(ctx, "", "", nil); !errors.Is(err, want[0]) {
			t.Error(err)
		}
	}
}
