package b2auth

import (
	"context"
	"strconv"
	"time"
)

// Option changes a choice of a call. Where two change the same one, the later one counts.
type Option func(*config)

type config struct {
	settings []setting
	log      func(context.Context, LogLevel, string)
}

type setting struct{ name, value string }

// WithOption sets an option by the name that the C header gives it, which is how an option is reached that this package
// is too old to know. An empty value puts the default back.
func WithOption(name, value string) Option {
	return func(c *config) { c.settings = append(c.settings, setting{name, value}) }
}

// WithRealm chooses whom to ask: "production", "staging" or a base URL. By default $B2_ENVIRONMENT, else production.
func WithRealm(realm string) Option { return WithOption("realm", realm) }

// WithProfile names a profile of the b2 command-line tool, to look for a key in.
func WithProfile(name string) Option { return WithOption("profile", name) }

// WithAccountInfo is the path of the b2 command-line tool's database, to look for a key in.
func WithAccountInfo(path string) Option { return WithOption("account_info", path) }

// CacheMode says what a call does with the cache.
type CacheMode string

const (
	CacheUse     CacheMode = "use"     // the default
	CacheRefresh CacheMode = "refresh" // ask B2, then cache
	CacheBypass  CacheMode = "bypass"  // neither read nor write
)

// WithCache says what the call does with the cache.
func WithCache(mode CacheMode) Option { return WithOption("cache", string(mode)) }

// WithMinRemaining: a cached token with less life left is not handed out.
func WithMinRemaining(life time.Duration) Option { return withSeconds("min_remaining_s", life) }

// WithStore names a store of tokens that processes share, such as "file:DIR".
func WithStore(store string) Option { return WithOption("store", store) }

// WithStoreRequired: a store that cannot be used is an error, and B2 is not asked.
func WithStoreRequired(required bool) Option {
	if required {
		return WithOption("store_required", "1")
	}
	return WithOption("store_required", "0")
}

// CredentialsMode says whether blank credentials are looked for.
type CredentialsMode string

const (
	CredentialsAny   CredentialsMode = "any"   // the default
	CredentialsGiven CredentialsMode = "given" // blank credentials are ErrNoCredentials
)

// WithCredentials says whether blank credentials are looked for.
func WithCredentials(mode CredentialsMode) Option { return WithOption("credentials", string(mode)) }

// WithMaxAttempts bounds the requests of one call.
func WithMaxAttempts(count int) Option { return withNumber("max_attempts", count) }

// WithInitialBackoff bounds the first wait between attempts. The bound doubles with each one.
func WithInitialBackoff(wait time.Duration) Option {
	return withMilliseconds("initial_backoff_ms", wait)
}

// WithMaxBackoff bounds every wait between attempts.
func WithMaxBackoff(wait time.Duration) Option { return withMilliseconds("max_backoff_ms", wait) }

// WithConnectTimeout bounds connecting.
func WithConnectTimeout(timeout time.Duration) Option {
	return withMilliseconds("connect_timeout_ms", timeout)
}

// WithAttemptTimeout bounds one request, from look-up to last byte.
func WithAttemptTimeout(timeout time.Duration) Option {
	return withMilliseconds("attempt_timeout_ms", timeout)
}

// WithTotalTimeout bounds the whole call, waits included, as does the deadline of its context; 0 for no bound.
func WithTotalTimeout(timeout time.Duration) Option {
	return withMilliseconds("total_timeout_ms", timeout)
}

// WithBatchTimeout bounds a whole AuthorizeMany, as does the deadline of its context; 0 for no bound.
func WithBatchTimeout(timeout time.Duration) Option {
	return withMilliseconds("batch_timeout_ms", timeout)
}

// WithNegativeTTL is how long a refused key is remembered, so that a loop does not hammer B2.
func WithNegativeTTL(ttl time.Duration) Option { return withSeconds("negative_ttl_s", ttl) }

// WithRateLimitPerMinute bounds the authorize requests for one key; 0 for no local limit.
func WithRateLimitPerMinute(requests int) Option {
	return withNumber("rate_limit_per_minute", requests)
}

// WithProxy is "env" (the default), "none" or a URL (http, https, socks5).
func WithProxy(proxy string) Option { return WithOption("proxy", proxy) }

// WithCAFile names a PEM file that is trusted besides the system's roots.
func WithCAFile(path string) Option { return WithOption("ca_file", path) }

// WithUserAgent puts "product/version" before the library's own.
func WithUserAgent(agent string) Option { return WithOption("user_agent", agent) }

// WithConcurrency bounds the requests that AuthorizeMany has in flight at once.
func WithConcurrency(count int) Option { return withNumber("concurrency", count) }

// DiagnoseMode says what Diagnose looks at.
type DiagnoseMode string

const (
	DiagnoseAll   DiagnoseMode = "all"   // the default: the way to B2
	DiagnoseStore DiagnoseMode = "store" // what is in the token store
	DiagnosePurge DiagnoseMode = "purge" // the same, and dead records are removed
)

// WithDiagnose says what Diagnose looks at. Other calls take no notice of it.
func WithDiagnose(mode DiagnoseMode) Option { return WithOption("diagnose", string(mode)) }

// WithLogLevel is the least that matters enough for the log.
func WithLogLevel(level LogLevel) Option { return WithOption("log_level", level.String()) }

func withNumber(name string, value int) Option { return WithOption(name, strconv.Itoa(value)) }

func withMilliseconds(name string, span time.Duration) Option {
	return WithOption(name, wholeUnits(span, time.Millisecond))
}

func withSeconds(name string, span time.Duration) Option {
	return WithOption(name, wholeUnits(span, time.Second))
}

// wholeUnits rounds up: a short time must not become 0, which means "no bound".
func wholeUnits(span, unit time.Duration) string {
	whole := span / unit
	if span%unit > 0 {
		whole++
	}
	if span < 0 {
		whole = -1 // out of range everywhere, as it should be
	}
	return strconv.FormatInt(int64(whole), 10)
}

// gather applies options.
func gather(options []Option) *config {
	c := &config{}
	for _, option := range options {
		if option != nil {
			option(c)
		}
	}
	return c
}

// A bound on time that the deadline of a context tightens.
type bound struct {
	name           string
	usual, longest time.Duration // 0: no bound
}

var (
	ofOneCall = bound{"total_timeout_ms", 60 * time.Second, time.Hour}
	ofABatch  = bound{"batch_timeout_ms", 0, 24 * time.Hour}
)

// tighten sets the bound to what is left until the context's deadline, if that is less, and reports whether the deadline
// is the bound now. A call that knows its deadline does not begin a wait that cannot end before it.
func (c *config) tighten(ctx context.Context, b bound) bool {
	deadline, ok := ctx.Deadline()
	if !ok {
		return false
	}
	left := time.Until(deadline)
	if left > b.longest {
		return false
	}
	if left < time.Millisecond {
		left = time.Millisecond
	}
	set := b.usual
	for _, s := range c.settings {
		switch {
		case s.name != b.name:
		case s.value == "":
			set = b.usual
		default:
			number, err := strconv.ParseInt(s.value, 10, 32)
			if err != nil || number < 0 {
				return false // the library will refuse it, in its own words
			}
			set = time.Duration(number) * time.Millisecond
		}
	}
	if set != 0 && set <= left {
		return false
	}
	withMilliseconds(b.name, left)(c)
	return true
}
