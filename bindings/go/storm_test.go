//go:build unix

package b2auth_test

import (
	"bytes"
	"context"
	"os"
	"os/signal"
	"runtime"
	"runtime/pprof"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"b2auth"
)

// disturb has everything at once that the Go runtime does to a thread in C: SIGPROF a thousand times a second, SIGUSR1,
// one collection after another, and goroutines that move between threads.
func disturb(t *testing.T) (stop func()) {
	t.Helper()
	runtime.SetCPUProfileRate(1000)
	var profile bytes.Buffer
	if err := pprof.StartCPUProfile(&profile); err != nil { // at the rate set above, of which it complains on standard error
		t.Fatal(err)
	}
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGUSR1)
	var stopped int32
	var delivered int64
	var wait sync.WaitGroup
	run := func(do func()) {
		wait.Add(1)
		go func() {
			defer wait.Done()
			for atomic.LoadInt32(&stopped) == 0 {
				do()
				time.Sleep(time.Millisecond) // the calls are what the processor is for
			}
		}()
	}
	run(runtime.GC)
	run(func() { _ = syscall.Kill(os.Getpid(), syscall.SIGUSR1) })
	run(func() {
		select {
		case <-signals:
			atomic.AddInt64(&delivered, 1)
		default:
		}
	})
	return func() {
		eventually(t, "SIGUSR1 is delivered", func() bool { return atomic.LoadInt64(&delivered) > 0 })
		atomic.StoreInt32(&stopped, 1)
		wait.Wait()
		signal.Stop(signals)
		pprof.StopCPUProfile()
		if profile.Len() == 0 {
			t.Error("there is no profile")
		}
	}
}

func TestStorm(t *testing.T) {
	sandbox(t)
	defer disturb(t)()
	ctx, cancel := context.WithCancel(background)
	defer cancel()
	var heard int64
	options := [][]b2auth.Option{
		nil,
		{b2auth.WithLog(func(b2auth.LogLevel, string) { atomic.AddInt64(&heard, 1); runtime.Gosched() })},
		{b2auth.WithMaxAttempts(2), b2auth.WithTotalTimeout(50 * time.Second)},
	}
	n := requests(func() {
		var wait sync.WaitGroup
		for i := 0; i < 500; i++ {
			wait.Add(1)
			go func(i int) {
				defer wait.Done()
				for j := 0; j < 20; j++ {
					session, err := b2auth.Authorize(ctx, "", "", options[(i+j)%len(options)]...)
					if err != nil {
						t.Error(err)
						return
					}
					runtime.Gosched()
					if session.AccountID() != account || session.KeyID() != keyID() {
						t.Error("another session:", session)
					}
					if j%2 == 0 { // the others are the collector's
						session.Close()
					}
				}
			}(i)
		}
		wait.Wait()
	})
	if n != 1 {
		t.Error("requests for 10000 calls:", n)
	}
	if atomic.LoadInt64(&heard) == 0 {
		t.Error("no log")
	}
}

// Sessions that the cache does not hold as well: freed too early, they are gone, and their token is wiped.
var alone = []b2auth.Option{b2auth.WithCache(b2auth.CacheBypass), b2auth.WithRateLimitPerMinute(0)}

// A session is used for the last time by the call that it is given to, while the collector runs.
func TestCollectedWhileInUse(t *testing.T) {
	sandbox(t)
	defer disturb(t)()
	for i := 0; i < 300; i++ {
		session, err := b2auth.Authorize(background, "", "", alone...)
		if err != nil {
			t.Fatal(err)
		}
		if i%3 != 0 {
			if token := session.AuthorizationToken(); !strings.HasPrefix(token, "4_") {
				t.Fatalf("a token that is gone: %d bytes", len(token))
			}
			continue
		}
		session, err = b2auth.Reauthorize(background, "", "", session, alone...)
		if err != nil || session.AccountID() != account {
			t.Fatal(session, err)
		}
	}
}

// Close frees a session for good, also while others use it.
func TestClosedWhileInUse(t *testing.T) {
	sandbox(t)
	for i := 0; i < 100; i++ {
		session := authorize(t, alone...)
		var wait sync.WaitGroup
		for j := 0; j < 4; j++ {
			wait.Add(1)
			go func() {
				defer wait.Done()
				if id := session.AccountID(); id != account && id != "" {
					t.Errorf("another account: %q", id)
				}
				session.Close()
			}()
		}
		wait.Wait()
	}
}

func TestForgottenSessionsAreFreed(t *testing.T) {
	sandbox(t)
	before := b2auth.Collections()
	for i := 0; i < 100; i++ {
		session, err := b2auth.Authorize(background, "", "")
		if err != nil || session.AccountID() != account {
			t.Fatal(session, err)
		}
		if i%2 == 0 {
			session.Close()
		}
	}
	eventually(t, "most of the 50 that nobody closed are collected", func() bool {
		runtime.GC()
		return b2auth.Collections()-before >= 40
	})
}

func BenchmarkHit(b *testing.B) {
	if os.Getenv("B2_SANDBOX") == "" {
		b.Skip("there is no sandbox")
	}
	cancellable, cancel := context.WithCancel(background)
	defer cancel()
	for name, ctx := range map[string]context.Context{"background": background, "cancellable": cancellable} {
		b.Run(name, func(b *testing.B) {
			for i := 0; i < b.N; i++ {
				session, err := b2auth.Authorize(ctx, "", "")
				if err != nil {
					b.Fatal(err)
				}
				session.Close()
			}
		})
	}
}
