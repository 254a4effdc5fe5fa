import CB2AuthBridge

/// The calls of C, which block. `waited` is the time that a call has lost before it could begin.
enum NativeCalls {
    typealias Outcome = Result<B2Auth.Session, B2Error>

    static func authorize(
        _ keyID: String?, _ key: String?, _ options: B2Auth.Options, _ cancel: NativeCancel?, waited: Duration
    ) -> Outcome {
        defer { if options.cache == .refresh { Flights.shared.forget() } }
        return one(keyID, key, options, cancel, waited) { id, key, options, session, failure in
            b2_authorize_with(id, key, options, session, failure)
        }
    }

    static func reauthorize(
        _ keyID: String?, _ key: String?, _ rejected: B2Auth.Session?, _ options: B2Auth.Options, _ cancel: NativeCancel?,
        waited: Duration
    ) -> Outcome {
        func call(_ refused: OpaquePointer?) -> Outcome {
            one(keyID, key, options, cancel, waited) { id, key, options, session, failure in
                b2_reauthorize(id, key, refused, options, session, failure)
            }
        }
        let outcome = rejected?.use(call) ?? call(nil)
        Flights.shared.forget()
        return outcome
    }

    static func diagnose(
        _ keyID: String?, _ key: String?, _ options: B2Auth.Options, _ cancel: NativeCancel?, waited: Duration
    ) -> Result<B2Auth.Report, B2Error> {
        if hasNUL(keyID) { return .failure(.hasNUL("the key ID")) }
        if hasNUL(key) { return .failure(.hasNUL("the key")) }
        return with(options, cancel, bound: .ofOneCall, waited) { options in
            var report: UnsafeMutablePointer<CChar>?
            let status = withText(keyID) { id in
                withText(key) { key in bridge_diagnose_json(id, key, options, &report) }
            }
            defer { b2_string_free(report) }
            return text(report).map(B2Auth.Report.read) ?? .failure(.noReport(B2Auth.Status(status)))
        } orElse: { .failure($0) }
    }

    private typealias Enter = (
        UnsafePointer<CChar>?, UnsafePointer<CChar>?, OpaquePointer?, UnsafeMutablePointer<OpaquePointer?>,
        UnsafeMutablePointer<OpaquePointer?>
    ) -> b2_status

    private static func one(
        _ keyID: String?, _ key: String?, _ options: B2Auth.Options, _ cancel: NativeCancel?, _ waited: Duration,
        _ enter: Enter
    ) -> Outcome {
        if hasNUL(keyID) { return .failure(.hasNUL("the key ID")) }
        if hasNUL(key) { return .failure(.hasNUL("the key")) }
        return with(options, cancel, bound: .ofOneCall, waited) { options in
            var session: OpaquePointer?
            var failure: OpaquePointer?
            let status = withText(keyID) { id in
                withText(key) { key in enter(id, key, options, &session, &failure) }
            }
            return session.map { .success(B2Auth.Session(taking: $0)) } ?? .failure(B2Error(status, taking: failure))
        } orElse: { .failure($0) }
    }

    static func authorizeMany(
        _ credentials: [B2Auth.Credentials], _ options: B2Auth.Options, _ cancel: NativeCancel?, waited: Duration
    ) -> [Outcome] {
        with(options, cancel, bound: .ofABatch, waited) { options in
            // Places whose key C would see cut off stay out of its arrays.
            let sound = credentials.indices.filter { !hasNUL(credentials[$0].keyID) && !hasNUL(credentials[$0].key) }
            let texts = sound.map { (CopiedText(credentials[$0].keyID), CopiedText(credentials[$0].key)) }
            var sessions = [OpaquePointer?](repeating: nil, count: sound.count)
            var failures = sessions
            let status = withExtendedLifetime(texts) {
                b2_authorize_many(
                    texts.map { $0.0.pointer }, texts.map { $0.1.pointer }, sound.count, options, &sessions, &failures)
            }
            var outcomes = [Outcome](repeating: .failure(.hasNUL("the key or its ID")), count: credentials.count)
            for (index, place) in sound.enumerated() {
                outcomes[place] = sessions[index].map { .success(B2Auth.Session(taking: $0)) }
                    ?? .failure(B2Error(status, taking: failures[index]))
            }
            return outcomes
        } orElse: { Array(repeating: .failure($0), count: credentials.count) }
    }

    static func authorizeJSON(_ request: String) -> (response: String, status: B2Auth.Status) {
        var response: UnsafeMutablePointer<CChar>?
        // No JSON either, and C sees all of it.
        let status = b2_authorize_json(hasNUL(request) ? "\u{1}" : request, &response)
        defer { b2_string_free(response) }
        return (text(response) ?? "", B2Auth.Status(status))
    }

    /// An option that bounds the time of a call.
    enum Bound {
        case ofOneCall, ofABatch

        var name: String {
            switch self {
            case .ofOneCall: "total_timeout_ms"
            case .ofABatch: "batch_timeout_ms"
            }
        }

        /// In milliseconds; 0 for none.
        var usual: Int64 {
            switch self {
            case .ofOneCall: 60_000
            case .ofABatch: 0
            }
        }

        /// What these settings make of it; `nil` if the library will refuse them.
        func milliseconds(in settings: [Setting]) -> Int64? {
            guard let value = settings.last(where: { $0.name == name })?.value, !value.isEmpty else { return usual }
            return Int64(value).flatMap { $0 < 0 ? nil : $0 }
        }
    }

    /// Makes the options that C wants, of which there are none if all is by default.
    private static func with<Value>(
        _ options: B2Auth.Options, _ cancel: NativeCancel?, bound: Bound, _ waited: Duration,
        _ call: (OpaquePointer?) -> Value, orElse failed: (B2Error) -> Value
    ) -> Value {
        var settings = options.settings
        let lost = Int64(waited / .milliseconds(1))
        if lost > 0, let whole = bound.milliseconds(in: settings), whole > 0 {
            // At least 1: what is cached is returned even then.
            settings.append(Setting(name: bound.name, value: "\(max(1, whole - lost))"))
        }
        if settings.isEmpty && options.sink == nil && cancel == nil { return call(nil) }
        guard let native = b2_options_new() else { return failed(B2Error(status: .internalError)) }
        defer { b2_options_free(native) }
        for setting in settings {
            if let failure = apply(setting, to: native) { return failed(failure) }
        }
        options.sink?.attach(to: native)
        return withExtendedLifetime(cancel) {
            b2_options_set_cancel(native, cancel?.handle)
            return call(native)
        }
    }

    private static func apply(_ setting: Setting, to options: OpaquePointer) -> B2Error? {
        if hasNUL(setting.name) || hasNUL(setting.value) { return .hasNUL("an option's name or value") }
        var failure: OpaquePointer?
        let status = b2_options_set(options, setting.name, setting.value, &failure)
        return status == B2_OK ? nil : B2Error(status, taking: failure)
    }

    private static func withText<Value>(_ text: String?, _ call: (UnsafePointer<CChar>?) -> Value) -> Value {
        text.map { $0.withCString(call) } ?? call(nil)
    }
}

/// A string in C's memory, wiped when it is freed.
private final class CopiedText {
    let pointer: UnsafePointer<CChar>?
    private let memory: UnsafeMutableBufferPointer<CChar>?

    init(_ text: String?) {
        memory = text.map { text in
            let bytes = UnsafeMutableBufferPointer<CChar>.allocate(capacity: text.utf8.count + 1)
            bytes.initialize(repeating: 0)
            for (index, byte) in text.utf8.enumerated() { bytes[index] = CChar(bitPattern: byte) }
            return bytes
        }
        pointer = UnsafePointer(memory?.baseAddress)
    }

    deinit {
        guard let memory else { return }
        bridge_wipe(memory.baseAddress, memory.count)
        memory.deallocate()
    }
}
