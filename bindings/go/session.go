package b2auth

// #include "bridge.h"
import "C"

import (
	"encoding/json"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"
)

// Session is what B2 granted: an immutable snapshot that any goroutine may read. Close frees it at once; else the garbage
// collector does. The methods of a closed one, and of nil, return zero values.
type Session struct {
	mu     sync.RWMutex
	handle *C.b2_session
	hook   hook
}

// Bucket is one that a restricted key may use.
type Bucket struct {
	ID string
	// Name is empty if the bucket is gone or its name is hidden from the key.
	Name string
}

func newSession(handle *C.b2_session) *Session {
	s := &Session{handle: handle}
	s.hookCollector()
	return s
}

// collections counts the sessions that nobody closed; for the tests.
var collections uint64

func collected(handle *C.b2_session) {
	C.b2_session_free(handle)
	atomic.AddUint64(&collections, 1)
}

// Close frees the session. It may be called more than once, and while other goroutines use the session.
func (s *Session) Close() error {
	if s == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.handle != nil {
		s.unhookCollector()
		C.b2_session_free(s.handle)
		s.handle = nil
	}
	return nil
}

// use calls with the handle, or with NULL, which every getter takes. The lock keeps Close away meanwhile, and since it is
// released afterwards, the collector as well.
func (s *Session) use(call func(handle *C.b2_session)) {
	if s == nil {
		call(nil)
		return
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	call(s.handle)
}

// retain returns a reference of its own, for a call that may take long.
func (s *Session) retain() (retained *C.b2_session) {
	s.use(func(h *C.b2_session) { retained = C.b2_session_retain(h) })
	return retained
}

// AccountID returns the account's ID.
func (s *Session) AccountID() (id string) {
	s.use(func(h *C.b2_session) { id = C.GoString(C.b2_session_account_id(h)) })
	return id
}

// KeyID returns the key ID, as the call used it.
func (s *Session) KeyID() (id string) {
	s.use(func(h *C.b2_session) { id = C.GoString(C.b2_session_key_id(h)) })
	return id
}

// Realm returns the base URL of the realm that granted the session.
func (s *Session) Realm() (url string) {
	s.use(func(h *C.b2_session) { url = C.GoString(C.b2_session_realm(h)) })
	return url
}

// AuthorizationToken returns the token, the whole value of the Authorization header of B2's other calls. A secret.
func (s *Session) AuthorizationToken() (token string) {
	s.use(func(h *C.b2_session) { token = C.GoString(C.b2_session_authorization_token(h)) })
	return token
}

// APIURL returns the base URL of all calls but uploads and downloads, without a slash at its end.
func (s *Session) APIURL() (url string) {
	s.use(func(h *C.b2_session) { url = C.GoString(C.b2_session_api_url(h)) })
	return url
}

// DownloadURL returns the base URL of downloads, without a slash at its end.
func (s *Session) DownloadURL() (url string) {
	s.use(func(h *C.b2_session) { url = C.GoString(C.b2_session_download_url(h)) })
	return url
}

// S3APIURL returns the base URL of the S3-compatible API; empty if B2 gave none.
func (s *Session) S3APIURL() (url string) {
	s.use(func(h *C.b2_session) { url = C.GoString(C.b2_session_s3_api_url(h)) })
	return url
}

// S3Region returns the S3 region, such as "us-west-004"; empty if it cannot be told.
func (s *Session) S3Region() (region string) {
	s.use(func(h *C.b2_session) { region = C.GoString(C.b2_session_s3_region(h)) })
	return region
}

// RecommendedPartSize returns B2's recommended size of a large file's parts, in bytes.
func (s *Session) RecommendedPartSize() (size int64) {
	s.use(func(h *C.b2_session) { size = int64(C.b2_session_recommended_part_size(h)) })
	return size
}

// AbsoluteMinimumPartSize returns the least size of a large file's parts but the last, in bytes.
func (s *Session) AbsoluteMinimumPartSize() (size int64) {
	s.use(func(h *C.b2_session) { size = int64(C.b2_session_absolute_minimum_part_size(h)) })
	return size
}

// Capabilities returns what the key may do, in B2's words.
func (s *Session) Capabilities() (capabilities []string) {
	s.use(func(h *C.b2_session) {
		count := C.b2_session_capability_count(h)
		capabilities = make([]string, 0, int(count))
		for index := C.size_t(0); index < count; index++ {
			capabilities = append(capabilities, C.GoString(C.b2_session_capability(h, index)))
		}
	})
	return capabilities
}

// HasCapability reports whether the key has that capability, such as "readFiles".
func (s *Session) HasCapability(capability string) (has bool) {
	name := C.CString(capability)
	defer C.free(unsafe.Pointer(name))
	s.use(func(h *C.b2_session) { has = !hasNUL(capability) && C.b2_session_has_capability(h, name) == 1 })
	return has
}

// BucketRestricted reports whether the key may use some buckets only, even where their list is empty.
func (s *Session) BucketRestricted() (restricted bool) {
	s.use(func(h *C.b2_session) { restricted = C.b2_session_is_bucket_restricted(h) == 1 })
	return restricted
}

// Buckets returns those that a restricted key may use; none if the key is not restricted.
func (s *Session) Buckets() (buckets []Bucket) {
	s.use(func(h *C.b2_session) {
		count := C.b2_session_bucket_count(h)
		buckets = make([]Bucket, 0, int(count))
		for index := C.size_t(0); index < count; index++ {
			buckets = append(buckets, Bucket{
				ID:   C.GoString(C.b2_session_bucket_id(h, index)),
				Name: C.GoString(C.b2_session_bucket_name(h, index)),
			})
		}
	})
	return buckets
}

// NamePrefix returns what the names of all files that the key may use begin with; empty if they may begin with anything.
func (s *Session) NamePrefix() (prefix string) {
	s.use(func(h *C.b2_session) { prefix = C.GoString(C.b2_session_name_prefix(h)) })
	return prefix
}

// ExpiresAt returns when the token ends, at the latest.
func (s *Session) ExpiresAt() (at time.Time) {
	s.use(func(h *C.b2_session) { at = unixTime(C.b2_session_expires_at(h)) })
	return at
}

// KeyExpiresAt returns when the key itself ends; the zero time for never.
func (s *Session) KeyExpiresAt() (at time.Time) {
	s.use(func(h *C.b2_session) { at = unixTime(C.b2_session_key_expires_at(h)) })
	return at
}

// TimeLeft returns for how long the token can still be used; 0 once it cannot.
func (s *Session) TimeLeft() (left time.Duration) {
	s.use(func(h *C.b2_session) { left = time.Duration(C.b2_session_seconds_left(h)) * time.Second })
	if left < 0 {
		return 0
	}
	return left
}

// SecretJSON returns all of the above as a JSON object under B2's own names, the token included.
func (s *Session) SecretJSON() (text string) {
	s.use(func(h *C.b2_session) { text = C.GoString(C.b2_session_json(h)) })
	return text
}

// Invalidate forgets this token: the next call for its key asks B2. The session stays readable.
func (s *Session) Invalidate() {
	s.use(func(h *C.b2_session) { C.b2_session_invalidate(h) })
}

// String returns what may be seen of a session: never the token.
func (s *Session) String() string {
	if s == nil || s.AccountID() == "" {
		return "b2auth.Session{}"
	}
	return fmt.Sprintf("b2auth.Session{account: %s, key: %s, expires: %s}", s.AccountID(), s.KeyID(),
		s.ExpiresAt().UTC().Format(time.RFC3339))
}

// GoString is for %#v: nothing more than String has.
func (s *Session) GoString() string { return s.String() }

// MarshalJSON returns the session without its token, under B2's own names. SecretJSON has the token.
func (s *Session) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		AccountID   string    `json:"accountId"`
		KeyID       string    `json:"keyId"`
		APIURL      string    `json:"apiUrl"`
		DownloadURL string    `json:"downloadUrl"`
		S3APIURL    string    `json:"s3ApiUrl,omitempty"`
		ExpiresAt   time.Time `json:"expiresAt"`
	}{s.AccountID(), s.KeyID(), s.APIURL(), s.DownloadURL(), s.S3APIURL(), s.ExpiresAt().UTC()})
}

func unixTime(seconds C.int64_t) time.Time {
	if seconds <= 0 {
		return time.Time{}
	}
	return time.Unix(int64(seconds), 0)
}
