package b2auth

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// Transport is an http.RoundTripper for B2's calls. To a request to the session's API or download URL that has no
// Authorization header it adds the token; where B2 answers that the token is no longer good, it gets another one and sends
// the request once more. Every other request goes through untouched, so that the token reaches nobody but B2: uploads,
// which have tokens of their own, and redirects to other hosts.
//
// A request with a body is sent again only if it has GetBody, as those that http.NewRequest makes of a bytes.Buffer,
// bytes.Reader or strings.Reader have. Else the caller gets B2's response, and the next request a new token.
type Transport struct {
	// Base does the work; nil for http.DefaultTransport.
	Base http.RoundTripper

	keyID, key string
	options    []Option
}

// NewTransport returns a Transport for this key, each of them as in Authorize.
func NewTransport(keyID, key string, options ...Option) *Transport {
	return &Transport{keyID: keyID, key: key, options: options}
}

// Client returns an http.Client on this Transport.
func (t *Transport) Client() *http.Client { return &http.Client{Transport: t} }

// Session returns the session that the next request will use: its URLs are where to send it.
func (t *Transport) Session(ctx context.Context) (*Session, error) {
	return Authorize(ctx, t.keyID, t.key, t.options...)
}

// CloseIdleConnections closes those of Base.
func (t *Transport) CloseIdleConnections() {
	if base, ok := t.base().(interface{ CloseIdleConnections() }); ok {
		base.CloseIdleConnections()
	}
}

// RoundTrip implements http.RoundTripper.
func (t *Transport) RoundTrip(request *http.Request) (*http.Response, error) {
	if request.Header.Get("Authorization") != "" {
		return t.base().RoundTrip(request)
	}
	session, err := t.Session(request.Context())
	if err != nil {
		closeBody(request)
		return nil, err
	}
	defer session.Close()
	if !under(request.URL, session.APIURL()) && !under(request.URL, session.DownloadURL()) {
		return t.base().RoundTrip(request)
	}

	response, err := t.base().RoundTrip(withToken(request, session))
	if err != nil || response.StatusCode != http.StatusUnauthorized {
		return response, err
	}
	body := peek(response)
	if !ShouldReauthorizeBody(response.StatusCode, body) {
		return response, nil
	}
	again, err := rewound(request)
	if err != nil || again == nil {
		session.Invalidate()
		return response, nil
	}
	response.Body.Close()
	fresh, err := Reauthorize(request.Context(), t.keyID, t.key, session, t.options...)
	if err != nil {
		closeBody(again)
		return nil, err
	}
	defer fresh.Close()
	again = withToken(again, fresh)
	rebase(again, session.APIURL(), fresh.APIURL())
	rebase(again, session.DownloadURL(), fresh.DownloadURL())
	return t.base().RoundTrip(again)
}

// Format prints no key, whatever the verb.
func (t *Transport) Format(state fmt.State, _ rune) {
	_, _ = io.WriteString(state, "b2auth.Transport{}")
}

func (t *Transport) base() http.RoundTripper {
	if t.Base != nil {
		return t.Base
	}
	return http.DefaultTransport
}

// withToken returns a copy: a RoundTripper must leave the request as it is.
func withToken(request *http.Request, session *Session) *http.Request {
	copied := request.Clone(request.Context())
	if copied.Header == nil {
		copied.Header = make(http.Header)
	}
	copied.Header.Set("Authorization", session.AuthorizationToken())
	return copied
}

// rewound returns the request with its body from the start, or nil if there is no way back to the start.
func rewound(request *http.Request) (*http.Request, error) {
	copied := request.Clone(request.Context())
	if request.Body == nil || request.Body == http.NoBody {
		return copied, nil
	}
	if request.GetBody == nil {
		return nil, nil
	}
	body, err := request.GetBody()
	copied.Body = body
	return copied, err
}

// peek reads the body of an error, and puts it back for the caller.
func peek(response *http.Response) []byte {
	const enough = 64 << 10 // B2's error bodies have some hundred bytes
	read, err := io.ReadAll(io.LimitReader(response.Body, enough))
	rest := io.Reader(response.Body)
	if err != nil {
		rest = failing{err}
	}
	response.Body = struct {
		io.Reader
		io.Closer
	}{io.MultiReader(bytes.NewReader(read), rest), response.Body}
	return read
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

// under reports whether a URL has the scheme, host and port of a base URL.
func under(address *url.URL, base string) bool {
	parsed, err := url.Parse(base)
	return err == nil && parsed.Host != "" && address != nil &&
		strings.EqualFold(address.Scheme, parsed.Scheme) && strings.EqualFold(hostPort(address), hostPort(parsed))
}

func hostPort(address *url.URL) string {
	port := address.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[strings.ToLower(address.Scheme)]
	}
	return address.Hostname() + ":" + port
}

// rebase moves a request to where the new session's URLs point, should they differ.
func rebase(request *http.Request, old, fresh string) {
	parsed, err := url.Parse(fresh)
	if err != nil || old == fresh || !under(request.URL, old) {
		return
	}
	if request.Host == request.URL.Host {
		request.Host = parsed.Host
	}
	request.URL.Scheme, request.URL.Host = parsed.Scheme, parsed.Host
}

func closeBody(request *http.Request) {
	if request.Body != nil {
		_ = request.Body.Close()
	}
}
