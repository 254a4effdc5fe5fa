import CB2AuthBridge

/// From a Backblaze B2 application key to a session: account ID, API and download URLs and a token, cached for the process.
/// A thin layer over the C library of the same name.
///
///     let session = try await B2Auth.authorize() // the key is taken from the environment
///
/// B2 gives a session for 24 hours and bills the call that asks for it, so ask this type wherever a session is needed and
/// keep none. Calls for one key that meet share one request.
///
/// Each call has two forms. In an `async` function the compiler takes the one that runs off the caller's executor and ends
/// with its task; elsewhere it takes the one that blocks the thread.
public enum B2Auth {}

extension B2Auth {
    /// Returns a session for this key: from the cache, or by a request to B2. Blank for both means: take the key from
    /// `B2_APPLICATION_KEY_ID` and `B2_APPLICATION_KEY`, or from the database of the b2 command-line tool.
    ///
    /// Blocks the thread, by default for at most 60 seconds. In an `async` function use the other form.
    public static func authorize(
        keyID: String? = nil, key: String? = nil, options: Options = Options()
    ) throws(B2Error) -> Session {
        try blocking(options) { cancel in
            NativeCalls.authorize(keyID, key, options, cancel, waited: .zero)
        }.get()
    }

    /// Returns a session with another token than that of `rejected`, which B2 refused: from the cache if it holds a newer
    /// one, so that a thousand threads that are refused together cause one request. With `nil` for `rejected` B2 is always
    /// asked.
    public static func reauthorize(
        keyID: String? = nil, key: String? = nil, rejected: Session?, options: Options = Options()
    ) throws(B2Error) -> Session {
        try blocking(options) { cancel in
            NativeCalls.reauthorize(keyID, key, rejected, options, cancel, waited: .zero)
        }.get()
    }

    /// `authorize` for many keys at once. Each place gets a session or an error; equal places share one request.
    public static func authorizeMany(
        _ credentials: [Credentials], options: Options = Options()
    ) -> [Result<Session, B2Error>] {
        blocking(options) { cancel in
            NativeCalls.authorizeMany(credentials, options, cancel, waited: .zero)
        }
    }

    /// The whole job as text: a JSON object, or an array of them, in; JSON out, failures included. The response is a secret:
    /// it may hold a token.
    public static func authorizeJSON(_ request: String = "{}") -> (response: String, status: Status) {
        NativeCalls.authorizeJSON(request)
    }

    /// Walks the way to B2 step by step, for a "test connection" button: credentials, environment, proxy, name look-up,
    /// connect, TLS, clock, B2's verdict, what the key may do. It sends one authorize request at most, and neither reads nor
    /// writes the cache. Key and options are those of `authorize`.
    ///
    /// What fails on the way is in the report, and so is the end of the call by the `Cancel` in its options. It throws only
    /// if there is no report: an option or a key was refused.
    ///
    /// With the option `diagnose` it looks through the token store instead, for which it needs no key and sends nothing.
    ///
    /// Blocks the thread, by default for at most 60 seconds. In an `async` function use the other form.
    public static func diagnose(
        keyID: String? = nil, key: String? = nil, options: Options = Options()
    ) throws(B2Error) -> Report {
        try blocking(options) { cancel in
            NativeCalls.diagnose(keyID, key, options, cancel, waited: .zero)
        }.get()
    }

    /// Makes a call that the `Cancel` in its options can end.
    private static func blocking<Value>(_ options: Options, _ call: (NativeCancel?) -> Value) -> Value {
        guard let cancel = options.cancel else { return call(nil) }
        let native = NativeCancel()
        let registration = cancel.onTrigger { native.trigger() }
        defer { cancel.remove(registration) }
        return call(native)
    }
}

extension B2Auth {
    /// One place of a batch. Both fields may be blank, as in `authorize`.
    public struct Credentials: Sendable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
        public var keyID: String?
        public var key: String?

        public init(keyID: String? = nil, key: String? = nil) {
            self.keyID = keyID
            self.key = key
        }

        /// Without the key.
        public var description: String { "B2Auth.Credentials(keyID: \(keyID ?? "nil"))" }
        public var debugDescription: String { description }
        public var customMirror: Mirror { Mirror(self, children: ["keyID": keyID as Any]) }
    }
}
