package b2auth_test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"b2auth"
)

var background = context.Background()

func authorize(t testing.TB, options ...b2auth.Option) *b2auth.Session {
	t.Helper()
	session, err := b2auth.Authorize(background, "", "", options...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { session.Close() })
	return session
}

func TestSession(t *testing.T) {
	sandbox(t)
	session := authorize(t)
	if session.AccountID() != account || session.KeyID() != keyID() {
		t.Error("account and key:", session)
	}
	realm := os.Getenv("B2_ENVIRONMENT")
	if session.Realm() != realm || session.APIURL() != realm || session.DownloadURL() == "" {
		t.Error("URLs:", session.Realm(), session.APIURL(), session.DownloadURL())
	}
	if session.S3APIURL() == "" || session.S3Region() != "us-west-004" {
		t.Error("S3:", session.S3APIURL(), session.S3Region())
	}
	if session.RecommendedPartSize() != 100000000 || session.AbsoluteMinimumPartSize() != 5000000 {
		t.Error("part sizes:", session.RecommendedPartSize(), session.AbsoluteMinimumPartSize())
	}
	if !strings.HasPrefix(session.AuthorizationToken(), "4_") {
		t.Error("the token is not the sandbox's")
	}
	if !session.HasCapability("readFiles") || session.HasCapability("flyFiles") || session.HasCapability("readFiles\x00") {
		t.Error("capabilities:", session.Capabilities())
	}
	if session.BucketRestricted() || len(session.Buckets()) != 0 || session.NamePrefix() != "" {
		t.Error("the key is restricted:", session.Buckets())
	}
	if left := time.Until(session.ExpiresAt()); left < 23*time.Hour || left > 25*time.Hour {
		t.Error("the token ends in", left)
	}
	if session.TimeLeft() < 23*time.Hour || !session.KeyExpiresAt().IsZero() {
		t.Error("times:", session.TimeLeft(), session.KeyExpiresAt())
	}
	var all struct{ AuthorizationToken string }
	if err := json.Unmarshal([]byte(session.SecretJSON()), &all); err != nil || all.AuthorizationToken != session.AuthorizationToken() {
		t.Error("JSON:", err)
	}
	if n := requests(func() { authorize(t) }); n != 0 {
		t.Error("a second call made requests:", n)
	}
}

func TestRestrictedKey(t *testing.T) {
	sandbox(t)
	control(t, "keys", []map[string]any{{
		"keyId": "0010000000000000000000002", "key": "K001restrictedforgo000000000000", "namePrefix": "p/",
		"buckets":             []map[string]any{{"id": "b1", "name": "photos"}, {"id": "b2", "name": nil}},
		"expirationTimestamp": 1990000000000,
	}})
	session, err := b2auth.Authorize(background, "0010000000000000000000002", "K001restrictedforgo000000000000")
	if err != nil {
		t.Fatal(err)
	}
	defer session.Close()
	want := []b2auth.Bucket{{ID: "b1", Name: "photos"}, {ID: "b2"}}
	if got := session.Buckets(); len(got) != 2 || got[0] != want[0] || got[1] != want[1] {
		t.Error("buckets:", got)
	}
	if !session.BucketRestricted() || session.NamePrefix() != "p/" || session.KeyExpiresAt().Unix() != 1990000000 {
		t.Error("restrictions:", session.BucketRestricted(), session.NamePrefix(), session.KeyExpiresAt())
	}
}

func TestClosedSession(t *testing.T) {
	sandbox(t)
	session := authorize(t)
	for i := 0; i < 2; i++ {
		if err := session.Close(); err != nil {
			t.Error(err)
		}
	}
	for _, s := range []*b2auth.Session{session, nil} {
		if s.AccountID() != "" || s.AuthorizationToken() != "" || s.TimeLeft() != 0 || !s.ExpiresAt().IsZero() ||
			len(s.Capabilities()) != 0 || len(s.Buckets()) != 0 || s.BucketRestricted() || s.SecretJSON() != "" {
			t.Error("a closed session says something")
		}
		s.Invalidate()
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestWrongKey(t *testing.T) {
	sandbox(t)
	session, err := b2auth.Authorize(background, keyID(), wrongKey)
	var failure *b2auth.Error
	if session != nil || !errors.As(err, &failure) {
		t.Fatal("no *Error:", err)
	}
	if failure.Status != b2auth.StatusBadCredentials || failure.Status.String() != "B2_BAD_CREDENTIALS" || failure.Status.Message() == "" {
		t.Error("status:", failure.Status)
	}
	if failure.Message == "" || failure.Hint == "" || !strings.Contains(err.Error(), failure.Hint) {
		t.Error("message and hint:", err)
	}
	if failure.HTTPStatus != 401 || failure.Code == "" || failure.RequestID == "" || failure.Attempts != 1 {
		t.Errorf("what B2 said: %d %q %q, attempts %d", failure.HTTPStatus, failure.Code, failure.RequestID, failure.Attempts)
	}
	if failure.Retryable || failure.Temporary() || failure.Timeout() || failure.RetryAfter >= 0 {
		t.Error("retryable:", failure.Retryable, failure.RetryAfter)
	}
	if !errors.Is(err, b2auth.ErrBadCredentials) || errors.Is(err, b2auth.ErrTimeout) || errors.Is(err, context.Canceled) {
		t.Error("errors.Is")
	}
	for _, text := range [][]byte{failure.RunLog, marshal(t, failure)} {
		var log struct{ Error struct{ Attempts []any } }
		if json.Unmarshal(text, &log) != nil || len(log.Error.Attempts) != 1 {
			t.Error("run log:", string(text))
		}
	}
}

func marshal(t *testing.T, value any) []byte {
	t.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestNULInside(t *testing.T) {
	sandbox(t)
	n := requests(func() {
		for _, pair := range [][2]string{{keyID() + "\x00", key()}, {keyID(), key() + "\x00"}} {
			if _, err := b2auth.Authorize(background, pair[0], pair[1]); !errors.Is(err, b2auth.ErrInvalidArgument) {
				t.Errorf("%q: %v", pair[0], err)
			}
		}
		if _, err := b2auth.Authorize(background, "", "", b2auth.WithProxy("none\x00")); !errors.Is(err, b2auth.ErrInvalidArgument) {
			t.Error("option:", err)
		}
	})
	if n != 0 {
		t.Error("requests were made:", n)
	}
	if b2auth.Counter("requests\x00") != 0 || b2auth.ShouldReauthorize(401, "\x00") {
		t.Error("a NUL cut a string off")
	}
	if text, status := b2auth.AuthorizeJSON("{}\x00,"); status != b2auth.StatusInvalidArgument {
		t.Error("JSON:", text)
	}
}

func TestAuthorizeMany(t *testing.T) {
	sandbox(t)
	keys := []b2auth.Credentials{{KeyID: keyID(), Key: key()}, {KeyID: keyID(), Key: wrongKey}, {}, {KeyID: "\x00"}}
	results, err := b2auth.AuthorizeMany(background, keys, b2auth.WithConcurrency(2))
	if len(results) != 4 || !errors.Is(err, b2auth.ErrBadCredentials) || err != results[1].Err {
		t.Fatal(results, err)
	}
	for place, want := range []error{nil, b2auth.ErrBadCredentials, nil, b2auth.ErrInvalidArgument} {
		result := results[place]
		if (result.Session == nil) == (want == nil) || !errors.Is(result.Err, want) {
			t.Errorf("place %d: %v", place, result)
		}
		if want == nil && result.Session.AccountID() != account {
			t.Error("another account:", result.Session)
		}
		result.Session.Close()
	}
	if results, err := b2auth.AuthorizeMany(background, nil); len(results) != 0 || err != nil {
		t.Error("none at all:", results, err)
	}
	if results, err := b2auth.AuthorizeMany(background, keys[3:]); len(results) != 1 || !errors.Is(err, b2auth.ErrInvalidArgument) {
		t.Error("none that C gets to see:", results, err)
	}
	ctx, cancel := context.WithCancel(background)
	cancel()
	if results, err := b2auth.AuthorizeMany(ctx, keys); len(results) != 4 || !errors.Is(err, context.Canceled) || !errors.Is(results[3].Err, context.Canceled) {
		t.Error("cancelled:", results, err)
	}
}

func TestReauthorize(t *testing.T) {
	sandbox(t)
	dead := authorize(t)
	expire(t)
	fresh, err := b2auth.Reauthorize(background, "", "", dead)
	if err != nil {
		t.Fatal(err)
	}
	defer fresh.Close()
	if fresh.AuthorizationToken() == dead.AuthorizationToken() {
		t.Error("the same token again")
	}
	n := requests(func() {
		again, err := b2auth.Reauthorize(background, "", "", dead, b2auth.WithMaxAttempts(1))
		if err != nil || again.AuthorizationToken() != fresh.AuthorizationToken() {
			t.Error("another token:", err)
		}
		again.Close()
	})
	if n != 0 {
		t.Error("for a token that was replaced already, requests:", n)
	}
	n = requests(func() {
		fresh.Invalidate()
		authorize(t)
		again, err := b2auth.Reauthorize(background, "", "", nil)
		if err != nil {
			t.Error(err)
		}
		again.Close()
	})
	if n != 2 {
		t.Error("after Invalidate and with nil, requests:", n)
	}
	for status, codes := range map[int]map[string]bool{401: {"expired_auth_token": true, "bad_auth_token": true, "": true, "unauthorized": false}, 403: {"": false}} {
		for code, want := range codes {
			if b2auth.ShouldReauthorize(status, code) != want {
				t.Errorf("ShouldReauthorize(%d, %q)", status, code)
			}
			body := marshal(t, map[string]any{"status": status, "code": code})
			if b2auth.ShouldReauthorizeBody(status, body) != want {
				t.Errorf("ShouldReauthorizeBody(%d, %s)", status, body)
			}
		}
	}
	if !b2auth.ShouldReauthorizeBody(401, nil) || !b2auth.ShouldReauthorizeBody(401, []byte("<html>")) {
		t.Error("a 401 without a code")
	}
}

func TestJSONAndVersions(t *testing.T) {
	sandbox(t)
	text, status := b2auth.AuthorizeJSON("{}")
	var four struct{ AccountID string }
	if status != b2auth.StatusOK || json.Unmarshal([]byte(text), &four) != nil || four.AccountID != account {
		t.Error("the JSON action:", status)
	}
	if b2auth.ABIVersion() < 1 || !strings.Contains(b2auth.LibraryVersion(), ".") || b2auth.Counter("no such counter") != 0 {
		t.Error(b2auth.ABIVersion(), b2auth.LibraryVersion())
	}
}
