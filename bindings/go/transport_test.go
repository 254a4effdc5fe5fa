package b2auth_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/iotest"

	"b2auth"
)

// recorder is a RoundTripper that notes what it is given.
type recorder struct {
	base http.RoundTripper

	mu   sync.Mutex
	seen []*http.Request
}

func (r *recorder) RoundTrip(request *http.Request) (*http.Response, error) {
	r.mu.Lock()
	r.seen = append(r.seen, request)
	r.mu.Unlock()
	if r.base == nil {
		return http.DefaultTransport.RoundTrip(request)
	}
	return r.base.RoundTrip(request)
}

func newTransport(options ...b2auth.Option) (*b2auth.Transport, *recorder) {
	recorder := &recorder{}
	transport := b2auth.NewTransport("", "", options...)
	transport.Base = recorder
	return transport, recorder
}

// listBuckets posts to the sandbox, which looks at the token.
func listBuckets(t *testing.T, transport *b2auth.Transport, body io.Reader) (*http.Response, string) {
	t.Helper()
	session, err := transport.Session(background)
	if err != nil {
		t.Fatal(err)
	}
	defer session.Close()
	request, err := http.NewRequest(http.MethodPost, session.APIURL()+"/b2api/v4/b2_list_buckets", body)
	if err != nil {
		t.Fatal(err)
	}
	response, err := transport.Client().Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	if request.Header.Get("Authorization") != "" {
		t.Error("the caller's request was changed")
	}
	return response, string(text)
}

func accountBody() *strings.Reader {
	return strings.NewReader(fmt.Sprintf(`{"accountId":%q}`, account))
}

func TestTransportAddsTheToken(t *testing.T) {
	sandbox(t)
	transport, recorder := newTransport()
	response, text := listBuckets(t, transport, accountBody())
	if response.StatusCode != http.StatusOK || !strings.Contains(text, "my-bucket") || len(recorder.seen) != 1 {
		t.Error(response.Status, text, len(recorder.seen))
	}
	transport.CloseIdleConnections()
}

func TestTransportReplacesADeadToken(t *testing.T) {
	sandbox(t)
	transport, recorder := newTransport()
	listBuckets(t, transport, accountBody())
	expire(t)
	n := requests(func() {
		response, text := listBuckets(t, transport, accountBody())
		if response.StatusCode != http.StatusOK || !strings.Contains(text, "my-bucket") {
			t.Error(response.Status, text)
		}
	})
	if n != 1 || len(recorder.seen) != 3 {
		t.Error("authorize requests:", n, "requests in all:", len(recorder.seen))
	}
}

func TestTransportAsksOnceForAll(t *testing.T) {
	sandbox(t)
	transport, _ := newTransport()
	session, err := transport.Session(background)
	if err != nil {
		t.Fatal(err)
	}
	defer session.Close()
	expire(t)
	n := requests(func() {
		var wait sync.WaitGroup
		for i := 0; i < 50; i++ {
			wait.Add(1)
			go func() {
				defer wait.Done()
				if response, text := listBuckets(t, transport, accountBody()); response.StatusCode != http.StatusOK {
					t.Error(response.Status, text)
				}
			}()
		}
		wait.Wait()
	})
	if n != 1 {
		t.Error("authorize requests:", n)
	}
}

// Bodies that cannot be read twice: the caller gets B2's response whole, and the next request a new token.
func TestTransportWithABodyThatIsGone(t *testing.T) {
	sandbox(t)
	transport, recorder := newTransport()
	listBuckets(t, transport, accountBody())
	expire(t)
	response, text := listBuckets(t, transport, io.MultiReader(accountBody()))
	if response.StatusCode != http.StatusUnauthorized || !strings.Contains(text, `"code": "expired_auth_token"`) || !strings.HasSuffix(strings.TrimSpace(text), "}") {
		t.Error(response.Status, text)
	}
	if len(recorder.seen) != 2 {
		t.Error("requests:", len(recorder.seen))
	}
	if response, text := listBuckets(t, transport, io.MultiReader(accountBody())); response.StatusCode != http.StatusOK {
		t.Error(response.Status, text)
	}
}

// answers is a RoundTripper that gives prepared responses to requests to B2, each with the body that it was sent.
type answers struct {
	respond func(number int, body string) (*http.Response, error)
	number  int
	closed  int
}

func (a *answers) RoundTrip(request *http.Request) (*http.Response, error) {
	body := "none"
	if request.Body != nil {
		text, _ := io.ReadAll(request.Body)
		request.Body.Close()
		body = string(text)
	}
	a.number++
	response, err := a.respond(a.number, body)
	if response != nil {
		response.Body = struct {
			io.Reader
			io.Closer
		}{response.Body, closer(func() { a.closed++ })}
	}
	return response, err
}

type closer func()

func (c closer) Close() error { c(); return nil }

func refusal(body io.Reader) *http.Response {
	return &http.Response{StatusCode: 401, Status: "401", Header: http.Header{}, Body: io.NopCloser(body)}
}

func fine(text string) *http.Response {
	return &http.Response{StatusCode: 200, Status: "200", Header: http.Header{}, Body: io.NopCloser(strings.NewReader(text))}
}

func TestTransportSendsBodiesAgain(t *testing.T) {
	sandbox(t)
	for name, test := range map[string]struct {
		body io.Reader
		want string
	}{
		"none": {nil, "none"}, "NoBody": {http.NoBody, ""}, "a buffer": {bytes.NewBufferString("abc"), "abc"},
		"an empty buffer": {&bytes.Buffer{}, ""}, "a reader": {strings.NewReader("abc"), "abc"},
	} {
		base := &answers{respond: func(number int, body string) (*http.Response, error) {
			if body != test.want {
				t.Errorf("%s: request %d has the body %q", name, number, body)
			}
			if number == 1 {
				return refusal(strings.NewReader(`{"status":401,"code":"expired_auth_token"}`)), nil
			}
			return fine(body), nil
		}}
		transport := b2auth.NewTransport("", "", b2auth.WithRateLimitPerMinute(0))
		transport.Base = base
		request, err := http.NewRequest(http.MethodPost, authorize(t).APIURL()+"/b2api/v4/x", test.body)
		if err != nil {
			t.Fatal(err)
		}
		if name == "NoBody" {
			request.GetBody = nil // as if the caller had set the body by hand
		}
		response, err := transport.RoundTrip(request)
		if err != nil || response.StatusCode != 200 || base.number != 2 || base.closed != 1 {
			t.Errorf("%s: %v %v, requests %d, closed %d", name, response, err, base.number, base.closed)
		}
	}
}

func TestTransportLeavesOtherRefusalsAlone(t *testing.T) {
	sandbox(t)
	long := strings.Repeat(" ", 100<<10)
	broken := errors.New("the connection broke")
	url := authorize(t).APIURL() + "/b2api/v4/x"
	for name, test := range map[string]struct {
		body io.Reader
		want string
		err  error
	}{
		"unauthorized": {strings.NewReader(`{"status":401,"code":"unauthorized"}`), `{"status":401,"code":"unauthorized"}`, nil},
		"a long one":   {strings.NewReader(`{"code":"unauthorized"}` + long), `{"code":"unauthorized"}` + long, nil},
		"a broken one": {io.MultiReader(strings.NewReader(`{"code":"unauthorized"}`), iotest.ErrReader(broken)), `{"code":"unauthorized"}`, broken},
	} {
		base := &answers{respond: func(int, string) (*http.Response, error) { return refusal(test.body), nil }}
		transport := b2auth.NewTransport("", "")
		transport.Base = base
		n := requests(func() {
			request, _ := http.NewRequest(http.MethodPost, url, accountBody())
			response, err := transport.RoundTrip(request)
			if err != nil || response.StatusCode != 401 || base.closed != 0 {
				t.Fatal(name, response, err)
			}
			text, err := io.ReadAll(response.Body)
			response.Body.Close()
			if string(text) != test.want || err != test.err || base.closed != 1 {
				t.Errorf("%s: %d bytes of body, %v, closed %d", name, len(text), err, base.closed)
			}
		})
		if n != 0 || base.number != 1 {
			t.Errorf("%s: authorize requests %d, requests %d", name, n, base.number)
		}
	}
}

// A second refusal is the caller's to see: there is no third request.
func TestTransportTriesOnce(t *testing.T) {
	sandbox(t)
	base := &answers{respond: func(int, string) (*http.Response, error) {
		return refusal(strings.NewReader(`{"code":"bad_auth_token"}`)), nil
	}}
	transport := b2auth.NewTransport("", "")
	transport.Base = base
	request, _ := http.NewRequest(http.MethodGet, authorize(t).DownloadURL()+"/file/photos/cat.jpg", nil)
	response, err := transport.RoundTrip(request)
	if err != nil || response.StatusCode != 401 || base.number != 2 {
		t.Error(response, err, base.number)
	}
}

// The token goes to B2 and to nobody else, not even by a redirect, and a token of the caller's stays.
func TestTransportKeepsTheTokenToItself(t *testing.T) {
	sandbox(t)
	var got []string
	stranger := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, request *http.Request) {
		got = append(got, request.Header.Get("Authorization"))
	}))
	defer stranger.Close()
	transport := b2auth.NewTransport("", "")
	session := authorize(t)
	redirect := &answers{respond: func(int, string) (*http.Response, error) {
		response := fine("")
		response.StatusCode = http.StatusTemporaryRedirect
		response.Header.Set("Location", stranger.URL+"/away")
		return response, nil
	}}
	for name, address := range map[string]string{
		"another port": stranger.URL, "redirect": session.APIURL() + "/b2api/v4/x",
		"user part": strings.Replace(stranger.URL, "://", "://"+strings.TrimPrefix(session.APIURL(), "http://")+"@", 1),
	} {
		got = nil
		transport.Base = nil
		if name == "redirect" {
			transport.Base = chooser{session.APIURL(), redirect}
		}
		response, err := transport.Client().Get(address)
		if err != nil {
			t.Fatal(name, err)
		}
		response.Body.Close()
		if len(got) != 1 || strings.Contains(got[0], session.AuthorizationToken()) {
			t.Errorf("%s: %d requests, one with the token", name, len(got))
		}
	}

	transport, recorder := newTransport()
	request, _ := http.NewRequest(http.MethodPost, session.APIURL()+"/b2api/v4/b2_list_buckets", accountBody())
	request.Header.Set("Authorization", "an upload's own")
	response, err := transport.RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != 401 || len(recorder.seen) != 1 || recorder.seen[0] != request {
		t.Error("a request with a token of its own:", response.Status, len(recorder.seen))
	}
}

// chooser sends what is for one base URL to a RoundTripper, and all else to the network.
type chooser struct {
	base  string
	there http.RoundTripper
}

func (c chooser) RoundTrip(request *http.Request) (*http.Response, error) {
	if strings.HasPrefix(request.URL.String(), c.base+"/") {
		return c.there.RoundTrip(request)
	}
	return http.DefaultTransport.RoundTrip(request)
}

func TestTransportErrors(t *testing.T) {
	sandbox(t)
	url := authorize(t).APIURL() + "/b2api/v4/x"
	closed := 0
	body := func() io.Reader {
		return struct {
			io.Reader
			io.Closer
		}{accountBody(), closer(func() { closed++ })}
	}

	transport := b2auth.NewTransport(keyID(), wrongKey)
	_, err := transport.Client().Post(url, "application/json", body())
	var failure *b2auth.Error
	if !errors.As(err, &failure) || !errors.Is(err, b2auth.ErrBadCredentials) || failure.Hint == "" || closed != 1 {
		t.Error("a wrong key:", err, "closed:", closed)
	}

	ctx, cancel := context.WithCancel(background)
	cancel()
	request, _ := http.NewRequestWithContext(ctx, http.MethodPost, url, body())
	if _, err = b2auth.NewTransport("", "").RoundTrip(request); !errors.Is(err, context.Canceled) || closed != 2 {
		t.Error("cancelled:", err, "closed:", closed)
	}

	// The key is revoked while the token is in use.
	base := &answers{respond: func(number int, _ string) (*http.Response, error) {
		control(t, "remove", map[string]any{"keyId": keyID()})
		return refusal(strings.NewReader(`{"code":"bad_auth_token"}`)), nil
	}}
	transport = b2auth.NewTransport("", "")
	transport.Base = base
	if _, err = transport.Client().Get(url); !errors.Is(err, b2auth.ErrBadCredentials) || base.number != 1 || base.closed != 1 {
		t.Error("revoked:", err, base.number, base.closed)
	}

	broken := errors.New("no network")
	transport.Base = &answers{respond: func(int, string) (*http.Response, error) { return nil, broken }}
	sandbox(t)
	if _, err = transport.Client().Get(url); !errors.Is(err, broken) {
		t.Error("broken:", err)
	}
}
