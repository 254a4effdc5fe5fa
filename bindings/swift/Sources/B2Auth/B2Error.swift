import CB2AuthBridge
import Foundation

/// What went wrong in one call. No part of it holds a key, a token or the user part of a URL.
public struct B2Error: Error, Hashable, Sendable {
    /// What to decide by.
    public var status: B2Auth.Status
    /// What happened, in one line.
    public var message: String
    /// What the person can do about it.
    public var hint: String?
    /// B2's own code, such as `bad_auth_token`.
    public var code: String?
    /// That of the last response; `nil` if there was none.
    public var httpStatus: Int?
    /// The same call may succeed later.
    public var isRetryable: Bool
    /// How long to wait before the next call, if that is known.
    public var retryAfter: Duration?
    /// The requests that this very call made.
    public var attempts: Int
    /// The `X-Bz-Request-Id` of the last response.
    public var requestID: String?
    /// A JSON object with all of the above and every attempt.
    public var runLog: String

    /// An error of the program's own making, for its tests for instance.
    public init(
        status: B2Auth.Status, message: String? = nil, hint: String? = nil, code: String? = nil, httpStatus: Int? = nil,
        isRetryable: Bool = false, retryAfter: Duration? = nil, attempts: Int = 0, requestID: String? = nil,
        runLog: String? = nil
    ) {
        self.status = status
        self.message = message ?? status.message
        self.hint = hint
        self.code = code
        self.httpStatus = httpStatus
        self.isRetryable = isRetryable
        self.retryAfter = retryAfter
        self.attempts = attempts
        self.requestID = requestID
        self.runLog = runLog ?? Self.runLog(status, self.message, hint)
    }

    /// Copies an error of C's and frees it.
    init(_ status: b2_status, taking raw: OpaquePointer?) {
        guard let raw else {
            self.init(status: B2Auth.Status(status))
            return
        }
        defer { b2_error_free(raw) }
        let http = b2_error_http_status(raw)
        let after = b2_error_retry_after_ms(raw)
        self.init(
            status: B2Auth.Status(b2_error_status(raw)), message: text(b2_error_message(raw)),
            hint: text(b2_error_hint(raw)), code: text(b2_error_code(raw)), httpStatus: http == 0 ? nil : Int(http),
            isRetryable: b2_error_is_retryable(raw) == 1, retryAfter: after < 0 ? nil : .milliseconds(after),
            attempts: Int(b2_error_attempts(raw)), requestID: text(b2_error_request_id(raw)),
            runLog: text(b2_error_json(raw)))
    }

    /// For an error that no C call reported, in the form of those that one did.
    private static func runLog(_ status: B2Auth.Status, _ message: String, _ hint: String?) -> String {
        struct Failure: Encodable { let status, message: String, hint: String? }
        let failure = ["error": Failure(status: status.description, message: message, hint: hint)]
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys // so that equal errors are equal
        return (try? encoder.encode(failure)).map { String(decoding: $0, as: UTF8.self) } ?? "{}"
    }
}

extension B2Error: CustomStringConvertible, CustomDebugStringConvertible {
    /// The message, and the hint in brackets.
    public var description: String { "b2auth: " + (hint.map { "\(message) (\($0))" } ?? message) }

    public var debugDescription: String { "B2Error(\(status): \(description))" }
}

extension B2Error: LocalizedError {
    public var errorDescription: String? { message }
    public var recoverySuggestion: String? { hint }
}

extension B2Error {
    static let ended = B2Error(status: .cancelled, message: "the call was cancelled")

    static let noThread = B2Error(status: .networkError, message: "no thread could be started for the call", isRetryable: true)

    static func noReport(_ status: B2Auth.Status) -> B2Error {
        B2Error(status: status, message: "there is no report: the library has no memory for it, or is too old")
    }

    static func hasNUL(_ what: String) -> B2Error {
        B2Error(status: .invalidArgument, message: "\(what) has a NUL inside")
    }
}

/// A string of C's, copied.
func text(_ pointer: UnsafePointer<CChar>?) -> String? { pointer.map { String(cString: $0) } }
