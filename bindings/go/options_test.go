package b2auth_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"b2auth"
)

// Each option with a value that the library takes, by the name that it has there.
var everyOption = map[string]b2auth.Option{
	"realm":                 b2auth.WithRealm(os.Getenv("B2_ENVIRONMENT")),
	"profile":               b2auth.WithProfile(""),
	"account_info":          b2auth.WithAccountInfo("/no/such/database"),
	"cache":                 b2auth.WithCache(b2auth.CacheRefresh),
	"min_remaining_s":       b2auth.WithMinRemaining(time.Minute),
	"store":                 b2auth.WithStore("none"),
	"store_required":        b2auth.WithStoreRequired(false),
	"credentials":           b2auth.WithCredentials(b2auth.CredentialsAny),
	"log_level":             b2auth.WithLogLevel(b2auth.LogWarn),
	"max_attempts":          b2auth.WithMaxAttempts(3),
	"initial_backoff_ms":    b2auth.WithInitialBackoff(time.Second),
	"max_backoff_ms":        b2auth.WithMaxBackoff(2 * time.Second),
	"connect_timeout_ms":    b2auth.WithConnectTimeout(time.Microsecond), // rounded up to 1: 0 is refused
	"attempt_timeout_ms":    b2auth.WithAttemptTimeout(10 * time.Second),
	"total_timeout_ms":      b2auth.WithTotalTimeout(0),
	"batch_timeout_ms":      b2auth.WithBatchTimeout(24 * time.Hour),
	"negative_ttl_s":        b2auth.WithNegativeTTL(1500 * time.Millisecond),
	"rate_limit_per_minute": b2auth.WithRateLimitPerMinute(0),
	"proxy":                 b2auth.WithProxy("none"),
	"ca_file":               b2auth.WithCAFile(os.Getenv("B2_SANDBOX_CA")),
	"user_agent":            b2auth.WithUserAgent("example/1.0"),
	"concurrency":           b2auth.WithConcurrency(2),
	"diagnose":              b2auth.WithDiagnose(b2auth.DiagnoseStore), // this call takes no notice of it
}

func TestEveryOption(t *testing.T) {
	sandbox(t)
	authorize(t) // the options are looked at, and none needs a request
	for name, option := range everyOption {
		if name == "cache" {
			continue
		}
		session, err := b2auth.Authorize(background, "", "", option)
		newer := name == "store_required" || name == "credentials" || name == "log_level" || name == "diagnose"
		if newer && b2auth.ABIVersion() < 2 && errors.Is(err, b2auth.ErrInvalidArgument) {
			continue // this library does not know it
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		session.Close()
	}
	if n := requests(func() { authorize(t, everyOption["cache"]) }); n != 1 {
		t.Error("cache: refresh: requests:", n)
	}
}

func TestRefusedOptions(t *testing.T) {
	sandbox(t)
	for name, option := range map[string]b2auth.Option{
		"max_attempts":       b2auth.WithMaxAttempts(6),
		"total_timeout_ms":   b2auth.WithTotalTimeout(time.Hour + time.Nanosecond), // rounded up
		"min_remaining_s":    b2auth.WithMinRemaining(-time.Nanosecond),
		"cache":              b2auth.WithCache("never"),
		"connect_timeout_ms": b2auth.WithOption("connect_timeout_ms", "soon"),
	} {
		_, err := b2auth.Authorize(background, "", "", option)
		if !errors.Is(err, b2auth.ErrInvalidArgument) || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
	_, err := b2auth.Authorize(background, "", "", b2auth.WithOption("max_attemps", "3"))
	if !errors.Is(err, b2auth.ErrInvalidArgument) || !strings.Contains(err.Error(), "max_attempts") {
		t.Error("a misspelt name:", err)
	}
	// Where two set the same one the later one counts, also beside a deadline.
	ctx, cancel := context.WithTimeout(background, time.Minute)
	defer cancel()
	session, err := b2auth.Authorize(ctx, "", "", b2auth.WithMaxAttempts(6), nil, b2auth.WithTotalTimeout(-1),
		b2auth.WithMaxAttempts(2), b2auth.WithTotalTimeout(time.Hour))
	if !errors.Is(err, b2auth.ErrInvalidArgument) {
		t.Error("each value is looked at:", session, err)
	}
}

func TestLog(t *testing.T) {
	sandbox(t)
	var lines []string
	levels := map[b2auth.LogLevel]int{}
	log := b2auth.WithLog(func(level b2auth.LogLevel, message string) {
		lines = append(lines, message)
		levels[level]++
	})
	session := authorize(t, log)
	all := strings.Join(lines, "\n")
	if levels[b2auth.LogInfo] == 0 || levels[b2auth.LogDebug] == 0 {
		t.Error("levels:", levels, all)
	}
	if strings.Contains(all, key()) || strings.Contains(all, session.AuthorizationToken()) {
		t.Error("the log has a secret")
	}
	lines = nil
	authorize(t, log, b2auth.WithLog(nil))
	if lines != nil {
		t.Error("after WithLog(nil):", lines)
	}
	for level, want := range map[b2auth.LogLevel]string{b2auth.LogError: "error", b2auth.LogWarn: "warn", b2auth.LogInfo: "info", b2auth.LogDebug: "debug"} {
		if fmt.Sprint(level) != want {
			t.Error(level)
		}
	}
}

func TestLogThatPanics(t *testing.T) {
	sandbox(t)
	called := 0
	session := authorize(t, b2auth.WithLog(func(b2auth.LogLevel, string) {
		called++
		panic("from the log")
	}))
	if called == 0 || session.AccountID() != account {
		t.Error("called", called, "times:", session)
	}
}

// What a log function holds can be collected after the call: C has released it.
func TestLogIsReleased(t *testing.T) {
	sandbox(t)
	var released int32
	func() {
		held := &struct{ text [64]byte }{}
		runtime.SetFinalizer(held, func(any) { atomic.StoreInt32(&released, 1) })
		authorize(t, b2auth.WithLog(func(b2auth.LogLevel, string) { held.text[0]++ }))
	}()
	eventually(t, "the log is released", func() bool {
		runtime.GC()
		return atomic.LoadInt32(&released) == 1
	})
}

// eventually waits for what the runtime does in its own time.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !holds(); runtime.Gosched() {
		if time.Now().After(deadline) {
			t.Fatal("not so after half a minute: ", what)
		}
	}
}
