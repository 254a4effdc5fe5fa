extension B2Auth {
    /// The choices of a call; `nil` is the library's default.
    public struct Options: Sendable {
        /// Whom to ask: `production`, `staging` or a base URL. By default `$B2_ENVIRONMENT`, else `production`.
        public var realm: String?
        /// A profile of the b2 command-line tool, to look for a key in.
        public var profile: String?
        /// The path of the b2 command-line tool's database, to look for a key in.
        public var accountInfo: String?
        /// What the call does with the cache; by default `use`.
        public var cache: CacheMode?
        /// A cached token with less life left is not returned; by default 5 minutes.
        public var minRemaining: Duration?
        /// A store of tokens that processes share, such as `file:DIR`.
        public var store: String?
        /// A store that cannot be used is an error, and B2 is not asked.
        public var storeRequired: Bool?
        /// Whether blank credentials are looked for; by default `any`.
        public var credentials: CredentialsMode?
        /// The requests of one call; by default 5.
        public var maxAttempts: Int?
        /// The bound of the first wait between attempts, which doubles; by default one second.
        public var initialBackoff: Duration?
        /// The bound of every wait between attempts; by default 16 seconds.
        public var maxBackoff: Duration?
        /// Of connecting; by default 5 seconds.
        public var connectTimeout: Duration?
        /// Of one request, from look-up to last byte; by default 15 seconds.
        public var attemptTimeout: Duration?
        /// Of the whole call, waits included; by default 60 seconds, and zero for no bound.
        public var totalTimeout: Duration?
        /// Of a whole `authorizeMany`; by default zero, for no bound.
        public var batchTimeout: Duration?
        /// How long a refused key is remembered, so that a loop does not hammer B2; by default 10 seconds.
        public var negativeTTL: Duration?
        /// Authorize requests for one key; by default 20, and 0 for no local limit.
        public var rateLimitPerMinute: Int?
        /// `env` (the default), `none` or a URL (http, https, socks5).
        public var proxy: String?
        /// A PEM file that is trusted besides the system's roots.
        public var caFile: String?
        /// `product/version`, put before the library's own.
        public var userAgent: String?
        /// The requests that `authorizeMany` has in flight at once; by default 8.
        public var concurrency: Int?
        /// What `diagnose` looks at; by default `all`. Other calls take no notice of it.
        public var diagnose: DiagnoseMode?
        /// The least important level that the log gets; by default `debug`.
        public var logLevel: LogLevel?
        /// Options by the names of the C header, for those that this package is too old to know.
        public var others: [String: String]
        /// Ends the call from another thread.
        public var cancel: Cancel?

        /// Gets every decision of the call: cache hits, requests, waits and why. No message has a key or a token.
        ///
        /// It runs while the call waits for it, on the thread of the call or on one of the library's, and for several calls
        /// at the same time. It may call this library.
        public var log: Log? {
            get { sink?.log }
            set { sink = newValue.map(LogSink.init) }
        }

        public typealias Log = @Sendable (_ level: LogLevel, _ message: String) -> Void

        /// An object, since functions cannot be compared.
        private(set) var sink: LogSink?

        public init(
            realm: String? = nil, profile: String? = nil, accountInfo: String? = nil, cache: CacheMode? = nil,
            minRemaining: Duration? = nil, store: String? = nil, storeRequired: Bool? = nil,
            credentials: CredentialsMode? = nil, maxAttempts: Int? = nil, initialBackoff: Duration? = nil,
            maxBackoff: Duration? = nil, connectTimeout: Duration? = nil, attemptTimeout: Duration? = nil,
            totalTimeout: Duration? = nil, batchTimeout: Duration? = nil, negativeTTL: Duration? = nil,
            rateLimitPerMinute: Int? = nil, proxy: String? = nil, caFile: String? = nil, userAgent: String? = nil,
            concurrency: Int? = nil, diagnose: DiagnoseMode? = nil, logLevel: LogLevel? = nil,
            others: [String: String] = [:], cancel: Cancel? = nil, log: Log? = nil
        ) {
            self.realm = realm
            self.profile = profile
            self.accountInfo = accountInfo
            self.cache = cache
            self.minRemaining = minRemaining
            self.store = store
            self.storeRequired = storeRequired
            self.credentials = credentials
            self.maxAttempts = maxAttempts
            self.initialBackoff = initialBackoff
            self.maxBackoff = maxBackoff
            self.connectTimeout = connectTimeout
            self.attemptTimeout = attemptTimeout
            self.totalTimeout = totalTimeout
            self.batchTimeout = batchTimeout
            self.negativeTTL = negativeTTL
            self.rateLimitPerMinute = rateLimitPerMinute
            self.proxy = proxy
            self.caFile = caFile
            self.userAgent = userAgent
            self.concurrency = concurrency
            self.diagnose = diagnose
            self.logLevel = logLevel
            self.others = others
            self.cancel = cancel
            sink = log.map(LogSink.init)
        }
    }

    public enum CacheMode: String, Sendable {
        case use
        /// Ask B2, or join a request in flight, then cache.
        case refresh
        /// Neither read nor join nor write.
        case bypass
    }

    public enum CredentialsMode: String, Sendable {
        case any
        /// Blank credentials are an error.
        case given
    }

    public enum DiagnoseMode: String, Sendable {
        /// The way to B2.
        case all
        /// What is in the token store.
        case store
        /// The same, and dead records are removed.
        case purge
    }
}

extension B2Auth.Options {
    /// What is chosen, by the names of C, in one order for equal choices.
    var settings: [Setting] {
        var list: [Setting] = []
        func add(_ name: String, _ value: String?) {
            if let value { list.append(Setting(name: name, value: value)) }
        }
        add("realm", realm)
        add("profile", profile)
        add("account_info", accountInfo)
        add("cache", cache?.rawValue)
        add("min_remaining_s", minRemaining?.wholeSeconds)
        add("store", store)
        add("store_required", storeRequired.map { $0 ? "1" : "0" })
        add("credentials", credentials?.rawValue)
        add("max_attempts", maxAttempts?.description)
        add("initial_backoff_ms", initialBackoff?.wholeMilliseconds)
        add("max_backoff_ms", maxBackoff?.wholeMilliseconds)
        add("connect_timeout_ms", connectTimeout?.wholeMilliseconds)
        add("attempt_timeout_ms", attemptTimeout?.wholeMilliseconds)
        add("total_timeout_ms", totalTimeout?.wholeMilliseconds)
        add("batch_timeout_ms", batchTimeout?.wholeMilliseconds)
        add("negative_ttl_s", negativeTTL?.wholeSeconds)
        add("rate_limit_per_minute", rateLimitPerMinute?.description)
        add("proxy", proxy)
        add("ca_file", caFile)
        add("user_agent", userAgent)
        add("concurrency", concurrency?.description)
        add("diagnose", diagnose?.rawValue)
        add("log_level", logLevel?.description)
        for (name, value) in others.sorted(by: { $0.key < $1.key }) { add(name, value) }
        return list
    }
}

struct Setting: Hashable, Sendable {
    var name: String
    var value: String
}

extension Duration {
    var wholeMilliseconds: String { whole(unitsPerSecond: 1000) }
    var wholeSeconds: String { whole(unitsPerSecond: 1) }

    /// Rounds up: a short time must not become 0, which means "no bound".
    private func whole(unitsPerSecond units: Int64) -> String {
        guard self >= .zero else { return "-1" } // out of range everywhere, as it should be
        let (seconds, attoseconds) = components
        let (whole, overflow) = seconds.multipliedReportingOverflow(by: units)
        let unit = 1_000_000_000_000_000_000 / units
        return overflow ? "\(Int64.max)" : "\(whole + (attoseconds + unit - 1) / unit)"
    }
}

/// Only the names of what is chosen: a proxy's URL has a password in it, and so may a store's.
extension B2Auth.Options: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    public var description: String { "B2Auth.Options(\(chosen.joined(separator: ", ")))" }
    public var debugDescription: String { description }
    public var customMirror: Mirror { Mirror(self, children: ["chosen": chosen]) }

    private var chosen: [String] { settings.map(\.name) }
}
