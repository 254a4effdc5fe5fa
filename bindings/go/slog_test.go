//go:build go1.21

package b2auth_test

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"

	"b2auth"
)

type traceKey struct{}

// tracing is a handler that adds what the context of the call has, as handlers for tracing do.
type tracing struct{ slog.Handler }

func (h tracing) Handle(ctx context.Context, record slog.Record) error {
	if trace, ok := ctx.Value(traceKey{}).(string); ok {
		record.AddAttrs(slog.String("trace", trace))
	}
	return h.Handler.Handle(ctx, record)
}

func TestSlog(t *testing.T) {
	sandbox(t)
	var out bytes.Buffer
	logger := slog.New(tracing{slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelInfo})})
	ctx := context.WithValue(background, traceKey{}, "t-1")
	session, err := b2auth.Authorize(ctx, "", "", b2auth.WithSlog(logger))
	if err != nil {
		t.Fatal(err)
	}
	defer session.Close()
	if !strings.Contains(out.String(), "level=INFO") || strings.Contains(out.String(), "level=DEBUG") || !strings.Contains(out.String(), "trace=t-1") {
		t.Error(out.String())
	}
	out.Reset()
	if _, err = b2auth.Authorize(ctx, keyID(), wrongKey, b2auth.WithSlog(logger)); err == nil || !strings.Contains(out.String(), "level=ERROR") {
		t.Error(err, out.String())
	}
	out.Reset()
	authorize(t, b2auth.WithSlog(nil), b2auth.WithCache(b2auth.CacheRefresh))
	for _, handler := range []slog.Handler{slog.NewTextHandler(&out, nil), slog.NewJSONHandler(&out, nil)} {
		slog.New(handler).Info("what a program may log", "session", session, "error", err, "in", []any{session, err})
	}
	if !strings.Contains(out.String(), account) || !strings.Contains(out.String(), "B2_BAD_CREDENTIALS") {
		t.Error("nothing is shown:", out.String())
	}
	if strings.Contains(out.String(), session.AuthorizationToken()) || strings.Contains(out.String(), wrongKey) {
		t.Error("a secret is logged")
	}
}
