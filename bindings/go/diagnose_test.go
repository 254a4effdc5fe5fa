package b2auth_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"b2auth"
)

func diagnose(t *testing.T, options ...b2auth.Option) *b2auth.Report {
	t.Helper()
	report, err := b2auth.Diagnose(background, "", "", options...)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

// step returns a step by its name.
func step(t *testing.T, report *b2auth.Report, name string) b2auth.Step {
	t.Helper()
	for _, step := range report.Steps {
		if step.Name == name {
			return step
		}
	}
	t.Fatalf("no step %s in %s", name, report.JSON)
	return b2auth.Step{}
}

// steps returns the names of the steps with that result.
func steps(report *b2auth.Report, result b2auth.Outcome) (names []string) {
	for _, step := range report.Steps {
		if step.Result == result {
			names = append(names, step.Name)
		}
	}
	return names
}

func equal(t *testing.T, what string, got, want any) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s: %v, not %v", what, got, want)
	}
}

func TestDiagnose(t *testing.T) {
	sandbox(t)
	before := time.Now()
	var report *b2auth.Report
	equal(t, "requests", requests(func() { report = diagnose(t) }), uint64(1))
	if report.Status != b2auth.StatusOK || report.Result != b2auth.OutcomeOK || report.Err != nil || report.Requests != 1 {
		t.Fatalf("%s", report.JSON)
	}
	equal(t, "steps that are ok", steps(report, b2auth.OutcomeOK), []string{"credentials", "environment", "realm", "proxy",
		"lookUp", "connect", "clock", "authorize", "key", "token"})
	equal(t, "steps that are skipped", steps(report, b2auth.OutcomeSkipped), []string{"roots", "tunnel", "tls", "store"})
	equal(t, "the source of the key", step(t, report, "credentials").Details["source"], any("the environment"))
	equal(t, "the HTTP status", step(t, report, "authorize").Details["httpStatus"], any(200.0))
	equal(t, "capabilities", step(t, report, "key").Details["capabilities"], any([]any{"listBuckets", "readFiles"}))
	if authorize := step(t, report, "authorize"); !strings.Contains(authorize.Summary, account) || authorize.Advice != "" || authorize.Duration < 0 {
		t.Error(authorize)
	}
	if took := step(t, report, "environment").Duration; took >= 0 {
		t.Error("what takes no time took", took)
	}
	if report.Version != b2auth.LibraryVersion() || report.Duration > time.Since(before)+time.Second {
		t.Error(report.Version, report.Duration)
	}
	// The library's clock is a coarse one.
	if report.StartedAt.Before(before.Add(-time.Second)) || report.StartedAt.After(time.Now()) {
		t.Error("started at", report.StartedAt, "after", before)
	}
	for _, value := range []any{report, *report} {
		if text := marshal(t, value); !bytes.Equal(text, report.JSON) {
			t.Errorf("%s", text)
		}
	}
	equal(t, "requests of a call afterwards", requests(func() { authorize(t) }), uint64(1)) // it has cached nothing
}

func TestDiagnoseWrongKey(t *testing.T) {
	sandbox(t)
	report, err := b2auth.Diagnose(background, keyID(), wrongKey)
	if err != nil || report.Status != b2auth.StatusBadCredentials || report.Result != b2auth.OutcomeFailed {
		t.Fatal(err, report)
	}
	equal(t, "steps that failed", steps(report, b2auth.OutcomeFailed), []string{"authorize"})
	if authorize := step(t, report, "authorize"); authorize.Advice == "" || authorize.Details["httpStatus"] != 401.0 {
		t.Error(authorize)
	}
	if strings.Contains(string(report.JSON), wrongKey) || strings.Contains(string(report.JSON), key()) {
		t.Error("the report has a key")
	}
	// The error is that of the call.
	var failure *b2auth.Error
	if _, err := b2auth.Authorize(background, keyID(), wrongKey, b2auth.WithCache(b2auth.CacheBypass)); !errors.As(err, &failure) {
		t.Fatal(err)
	}
	var found *b2auth.Error
	if !errors.As(report.Err, &found) {
		t.Fatal(report.Err)
	}
	if !errors.Is(found, b2auth.ErrBadCredentials) || found.Message != failure.Message || found.Hint != failure.Hint || found.Code != failure.Code ||
		found.HTTPStatus != 401 || found.RequestID == "" || found.Retryable || found.RetryAfter >= 0 || found.Attempts != 1 {
		t.Errorf("%#v", found)
	}
	var log struct{ Error struct{ Attempts []any } }
	if json.Unmarshal(found.RunLog, &log) != nil || len(log.Error.Attempts) != 1 {
		t.Error("run log:", string(found.RunLog))
	}
	faults(t, map[string]any{"status": 503, "retryAfter": 600})
	report = diagnose(t)
	if !errors.As(report.Err, &found) || found.Status != b2auth.StatusServiceUnavailable || !found.Retryable || found.RetryAfter < 9*time.Minute {
		t.Errorf("%s", report.JSON)
	}
}

func TestDiagnoseWithoutAReport(t *testing.T) {
	sandbox(t)
	n := requests(func() {
		for _, refused := range []struct {
			key    string
			option b2auth.Option
		}{{key() + "\x00", nil}, {key(), b2auth.WithDiagnose("everything")}, {key(), b2auth.WithMaxAttempts(6)}} {
			if report, err := b2auth.Diagnose(background, keyID(), refused.key, refused.option); report != nil || !errors.Is(err, b2auth.ErrInvalidArgument) {
				t.Error(report, err)
			}
		}
		ctx, cancel := context.WithCancel(background)
		cancel()
		if report, err := b2auth.Diagnose(ctx, "", ""); report != nil || !errors.Is(err, context.Canceled) {
			t.Error(report, err)
		}
	})
	equal(t, "requests", n, uint64(0))
}

// What ends the call in its middle is told by the report, with all steps before it.
func TestDiagnoseThatIsEnded(t *testing.T) {
	sandbox(t)
	latch := hold(t)
	ctx, cancel := context.WithCancel(background)
	ended := make(chan *b2auth.Report)
	go func() {
		report, err := b2auth.Diagnose(ctx, "", "")
		if err != nil {
			t.Error(err)
		}
		ended <- report
	}()
	held(t, latch)
	cancel()
	report := <-ended
	if report == nil || report.Status != b2auth.StatusCancelled || !errors.Is(report.Err, context.Canceled) || !errors.Is(report.Err, b2auth.ErrCancelled) {
		t.Fatal(report)
	}
	equal(t, "steps that failed", steps(report, b2auth.OutcomeFailed), []string{"authorize"})
	equal(t, "the step before", step(t, report, "connect").Result, b2auth.OutcomeOK)

	hold(t)
	late, cancel := context.WithTimeout(background, 300*time.Millisecond)
	defer cancel()
	report, err := b2auth.Diagnose(late, "", "")
	if err != nil || report.Status != b2auth.StatusTimeout || !errors.Is(report.Err, context.DeadlineExceeded) {
		t.Fatal(err, report)
	}
	hold(t)
	report = diagnose(t, b2auth.WithTotalTimeout(300*time.Millisecond))
	if report.Status != b2auth.StatusTimeout || errors.Is(report.Err, context.DeadlineExceeded) {
		t.Fatalf("%s", report.JSON)
	}
	equal(t, "steps that failed", steps(report, b2auth.OutcomeFailed), []string{"authorize"})
}

func TestDiagnoseStore(t *testing.T) {
	sandbox(t)
	dir := filepath.Join(t.TempDir(), "tokens")
	store := b2auth.WithStore("file:" + dir)
	authorize(t, store)
	look := func(mode b2auth.DiagnoseMode) (details map[string]any) {
		n := requests(func() {
			// It needs no key.
			report := diagnose(t, store, b2auth.WithDiagnose(mode), b2auth.WithCredentials(b2auth.CredentialsGiven))
			if report.Status != b2auth.StatusOK || len(report.Steps) != 1 {
				t.Fatalf("%s", report.JSON)
			}
			details = step(t, report, "store").Details
		})
		equal(t, "requests", n, uint64(0))
		return details
	}
	found := look(b2auth.DiagnoseStore)
	if found["records"] != 1.0 || found["dead"] != 0.0 || !strings.Contains(found["place"].(string), dir) {
		t.Error(found)
	}
	// A record whose token ended two hours ago.
	dead, old := filepath.Join(dir, "0123456789abcdef0123456789abcdef"), time.Now().Add(-26*time.Hour)
	if err := os.WriteFile(dead, make([]byte, 1000), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(dead, old, old); err != nil {
		t.Fatal(err)
	}
	found = look(b2auth.DiagnoseStore)
	equal(t, "records", []any{found["records"], found["dead"], found["removed"]}, []any{2.0, 1.0, 0.0})
	found = look(b2auth.DiagnosePurge)
	equal(t, "removed", found["removed"], any(1.0))
	if _, err := os.Stat(dead); !os.IsNotExist(err) {
		t.Error("it is still there:", err)
	}
	equal(t, "records", look(b2auth.DiagnoseStore)["records"], any(1.0))

	report := diagnose(t, b2auth.WithStore("none"), b2auth.WithDiagnose(b2auth.DiagnoseStore))
	if report.Status != b2auth.StatusInvalidArgument || step(t, report, "store").Result != b2auth.OutcomeFailed {
		t.Errorf("%s", report.JSON)
	}
}

func TestDiagnoseLogs(t *testing.T) {
	sandbox(t)
	var lines []string
	diagnose(t, b2auth.WithLog(func(_ b2auth.LogLevel, message string) { lines = append(lines, message) }))
	all := strings.Join(lines, "\n")
	if !strings.Contains(all, "granted a session") || strings.Contains(all, key()) {
		t.Error(all)
	}
}
