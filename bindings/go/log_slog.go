//go:build go1.21

package b2auth

import (
	"context"
	"log/slog"
)

// WithSlog reports as WithLog does, to a logger of log/slog, with the context of the call.
func WithSlog(logger *slog.Logger) Option {
	if logger == nil {
		return WithLog(nil)
	}
	return func(c *config) {
		c.log = func(ctx context.Context, level LogLevel, message string) {
			logger.Log(ctx, slogLevel(level), message)
		}
	}
}

func slogLevel(level LogLevel) slog.Level {
	switch level {
	case LogError:
		return slog.LevelError
	case LogWarn:
		return slog.LevelWarn
	case LogInfo:
		return slog.LevelInfo
	default:
		return slog.LevelDebug
	}
}

// LogValue is what a structured log shows of a session: never its token.
func (s *Session) LogValue() slog.Value {
	return slog.GroupValue(slog.String("account", s.AccountID()), slog.String("key", s.KeyID()))
}

// LogValue is what a structured log shows of an error.
func (e *Error) LogValue() slog.Value {
	return slog.GroupValue(slog.String("status", e.Status.String()), slog.String("message", e.Message),
		slog.String("hint", e.Hint), slog.String("request_id", e.RequestID))
}
