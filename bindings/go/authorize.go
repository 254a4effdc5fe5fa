package b2auth

// #include "bridge.h"
import "C"

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unsafe"
)

// Authorize returns a session for this key: from the cache, or by a request to B2. Blank for both means: take the key
// from $B2_APPLICATION_KEY_ID and $B2_APPLICATION_KEY, or from the database of the b2 command-line tool.
//
// The end of the context ends the call at once, and its deadline bounds the call.
func Authorize(ctx context.Context, keyID, key string, options ...Option) (*Session, error) {
	return authorize(ctx, keyID, key, options, func(id, key *C.char, o *C.b2_options,
		session **C.b2_session, failure **C.b2_error) C.b2_status {
		return C.b2_authorize_with(id, key, o, session, failure)
	})
}

// Reauthorize returns a session with another token than that of rejected, which B2 refused: from the cache if it holds a
// newer one, so that a thousand goroutines that are refused together cause one request. With nil for rejected B2 is always
// asked, and so it is with a session that was closed.
func Reauthorize(ctx context.Context, keyID, key string, rejected *Session, options ...Option) (*Session, error) {
	refused := rejected.retain()
	defer C.b2_session_free(refused)
	return authorize(ctx, keyID, key, options, func(id, key *C.char, o *C.b2_options,
		session **C.b2_session, failure **C.b2_error) C.b2_status {
		return C.b2_reauthorize(id, key, refused, o, session, failure)
	})
}

type entry func(id, key *C.char, o *C.b2_options, session **C.b2_session, failure **C.b2_error) C.b2_status

func authorize(ctx context.Context, keyID, key string, options []Option, enter entry) (*Session, error) {
	var session *C.b2_session
	var raw *C.b2_error
	var status C.b2_status
	err := forKey(ctx, keyID, key, options, func(id, key *C.char, o *C.b2_options) {
		status = enter(id, key, o, &session, &raw)
	})
	if err != nil {
		return nil, err
	}
	if status != C.B2_OK {
		return nil, takeError(status, raw).blame(ctx)
	}
	return newSession(session), nil
}

// forKey makes a call for one key. The error is that of a call which could not be made.
func forKey(ctx context.Context, keyID, key string, options []Option, call func(id, key *C.char, o *C.b2_options)) error {
	p, failure := prepare(ctx, options, ofOneCall)
	if failure != nil {
		return failure
	}
	defer p.done()
	id, err := copyKey(keyID, "key ID")
	if err != nil {
		return err
	}
	defer id.wipe()
	secret, err := copyKey(key, "key")
	if err != nil {
		return err
	}
	defer secret.wipe()
	call(id.text, secret.text, p.options)
	return nil
}

// Credentials are one place of a batch. Both fields may be blank, as in Authorize.
type Credentials struct {
	KeyID string
	Key   string
}

// Format leaves the key out, whatever the verb.
func (c Credentials) Format(state fmt.State, _ rune) {
	fmt.Fprintf(state, "b2auth.Credentials{KeyID: %s}", c.KeyID)
}

// MarshalJSON leaves the key out.
func (c Credentials) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct{ KeyID string }{c.KeyID})
}

// Result is what became of one place of a batch: a session or an error.
type Result struct {
	Session *Session
	Err     error
}

// AuthorizeMany is Authorize for many keys at once. Each place gets a session or an error; equal places share one request.
// The error returned is that of the first place that has one, and all results are there even then.
func AuthorizeMany(ctx context.Context, keys []Credentials, options ...Option) ([]Result, error) {
	if len(keys) == 0 {
		return nil, nil
	}
	results := make([]Result, len(keys))
	p, failure := prepare(ctx, options, ofABatch)
	if failure != nil {
		for place := range results {
			results[place].Err = failure
		}
		return results, failure
	}
	defer p.done()

	// Places whose key C would see cut off at a NUL stay out of its arrays.
	var places []int
	var ids, secrets []*C.char
	for place, one := range keys {
		id, err := copyKey(one.KeyID, "key ID")
		defer id.wipe()
		if err == nil {
			var secret secretText
			secret, err = copyKey(one.Key, "key")
			defer secret.wipe()
			if err == nil {
				places, ids, secrets = append(places, place), append(ids, id.text), append(secrets, secret.text)
			}
		}
		results[place].Err = err
	}
	if count := len(places); count > 0 {
		sessions, failures := make([]*C.b2_session, count), make([]*C.b2_error, count)
		status := C.b2_authorize_many(&ids[0], &secrets[0], C.size_t(count), p.options, &sessions[0], &failures[0])
		for index, place := range places {
			if sessions[index] != nil {
				results[place].Session = newSession(sessions[index])
			} else {
				results[place].Err = takeError(status, failures[index]).blame(ctx)
			}
		}
	}
	for _, result := range results {
		if result.Err != nil {
			return results, result.Err
		}
	}
	return results, nil
}

// prepared holds what C needs of a call's options and context.
type prepared struct {
	options *C.b2_options
	cancel  *C.b2_cancel
	stop    func()
}

func (p *prepared) done() {
	if p.stop != nil {
		p.stop()
	}
	C.b2_options_free(p.options)
	C.b2_cancel_free(p.cancel)
}

func prepare(ctx context.Context, options []Option, limit bound) (*prepared, error) {
	if ctx.Err() != nil {
		return nil, contextError(ctx)
	}
	c := gather(options)
	deadlineIsSet := c.tighten(ctx, limit)
	p := &prepared{}
	if len(c.settings) == 0 && c.log == nil && ctx.Done() == nil {
		return p, nil // no options: the defaults
	}
	if p.options = C.b2_options_new(); p.options == nil {
		return nil, newError(StatusInternalError, "the options could not be made")
	}
	for _, s := range c.settings {
		if err := set(p.options, s); err != nil {
			p.done()
			return nil, err
		}
	}
	c.setLog(ctx, p.options)
	if ctx.Done() != nil {
		if p.cancel = C.b2_cancel_new(); p.cancel == nil {
			p.done()
			return nil, newError(StatusInternalError, "the cancel could not be made")
		}
		C.b2_options_set_cancel(p.options, p.cancel)
		p.stop = afterDone(ctx, func() {
			// The library keeps a deadline by itself, and then says what it was doing.
			if !deadlineIsSet || !errors.Is(ctx.Err(), context.DeadlineExceeded) {
				C.b2_cancel_trigger(p.cancel)
			}
		})
	}
	return p, nil
}

func set(options *C.b2_options, s setting) error {
	if hasNUL(s.name) || hasNUL(s.value) {
		return newError(StatusInvalidArgument, "an option has a NUL inside its name or value")
	}
	name, value := C.CString(s.name), C.CString(s.value)
	defer C.free(unsafe.Pointer(name))
	defer C.bridge_wipe_free(value, C.size_t(len(s.value))) // a proxy's URL has a password in it
	var raw *C.b2_error
	if status := C.b2_options_set(options, name, value, &raw); status != C.B2_OK {
		return takeError(status, raw)
	}
	return nil
}

// secretText is a string in C's memory, wiped when it is freed.
type secretText struct {
	text   *C.char
	length C.size_t
}

func copyKey(text, what string) (secretText, error) {
	if hasNUL(text) {
		return secretText{}, newError(StatusInvalidArgument, "the "+what+" has a NUL inside")
	}
	return secretText{C.CString(text), C.size_t(len(text))}, nil
}

func (s secretText) wipe() { C.bridge_wipe_free(s.text, s.length) }

func hasNUL(text string) bool { return strings.IndexByte(text, 0) >= 0 }
