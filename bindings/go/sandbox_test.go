package b2auth_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"sync/atomic"
	"testing"

	"b2auth"
)

const (
	account  = "4aa9865d6f00"
	wrongKey = "K001wrongwrongwrongwrongwrong00"
)

var keys, latches uint64

// sandbox begins a test: an empty cache, a sandbox that has no faults left, and in the environment a key of the test's
// own, since the library bounds the requests for one key.
func sandbox(t *testing.T) {
	t.Helper()
	if os.Getenv("B2_SANDBOX") == "" {
		t.Skip("there is no sandbox: run this by tests/with-sandbox.sh")
	}
	control(t, "script", map[string]any{"keyId": "*", "faults": []any{}})
	b2auth.CacheClear()
	number := atomic.AddUint64(&keys, 1)
	t.Setenv("B2_APPLICATION_KEY_ID", fmt.Sprintf("001%022d", 1000+number))
	t.Setenv("B2_APPLICATION_KEY", fmt.Sprintf("K001%027d", number))
	control(t, "keys", []map[string]any{{
		"keyId": keyID(), "key": key(), "accountId": account, "capabilities": []string{"listBuckets", "readFiles"},
	}})
}

func keyID() string { return os.Getenv("B2_APPLICATION_KEY_ID") }
func key() string   { return os.Getenv("B2_APPLICATION_KEY") }

// control asks the sandbox's control endpoint, with a body by POST.
func control(t testing.TB, path string, body any) map[string]any {
	t.Helper()
	method, text := http.MethodGet, []byte(nil)
	if body != nil {
		method = http.MethodPost
		var err error
		if text, err = json.Marshal(body); err != nil {
			t.Fatal(err)
		}
	}
	request, err := http.NewRequest(method, os.Getenv("B2_SANDBOX")+"/"+path, bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("the sandbox to %s: %s: %s (%v)", path, response.Status, answer, err)
	}
	var parsed map[string]any
	_ = json.Unmarshal(answer, &parsed) // what is no object is not looked at
	return parsed
}

// faults are what the next authorize requests of any key get.
func faults(t testing.TB, faults ...map[string]any) {
	t.Helper()
	control(t, "script", map[string]any{"keyId": "*", "faults": faults})
}

// hold has the next authorize request held, until the test ends.
func hold(t testing.TB) (latch string) {
	t.Helper()
	latch = fmt.Sprintf("latch-%d", atomic.AddUint64(&latches, 1)) // once released, one stays open
	faults(t, map[string]any{"hold": latch})
	t.Cleanup(func() { control(t, "release", map[string]any{"latch": latch}) })
	return latch
}

// held waits until a request is held at the latch.
func held(t testing.TB, latch string) {
	t.Helper()
	answer := control(t, fmt.Sprintf("held?latch=%s&atLeast=1&timeoutMs=30000", latch), nil)
	if answer["held"] != 1.0 {
		t.Errorf("no request is held at %s: %v", latch, answer)
	}
}

func expire(t testing.TB) {
	t.Helper()
	control(t, "expire", map[string]any{"keyId": "*"})
}

// requests counts the authorize requests that a function causes.
func requests(do func()) uint64 {
	before := b2auth.Counter("requests")
	do()
	return b2auth.Counter("requests") - before
}
