import Foundation

extension B2Auth {
    /// What a diagnosis found. No part of it holds a key, a token or the user part of a URL. As JSON it has the names of the
    /// C library's own report.
    public struct Report: Codable, Hashable, Sendable {
        /// The library's version.
        public let version: String
        /// The worst of the steps.
        public let result: Outcome
        /// What `authorize` would say now: `ok` also if there are warnings.
        public let status: Status
        /// The authorize requests that were sent: one at most.
        public let requests: Int
        /// In their order. A later library may have more.
        public let steps: [Step]
        private let startedAtText: String
        private let durationMs: Int64
        private let failure: Failure?

        private enum CodingKeys: String, CodingKey {
            case version, result, status, requests, steps, durationMs
            case startedAtText = "startedAt"
            case failure = "error"
        }

        /// By this machine's clock; `nil` in the report of a bug in the library.
        public var startedAt: Date? {
            try? Date(startedAtText, strategy: Date.ISO8601FormatStyle(includingFractionalSeconds: true))
        }

        public var duration: Duration { .milliseconds(durationMs) }

        /// What `authorize` would throw now; `nil` if `status` is `ok`.
        public var error: B2Error? { failure?.error(requests) }

        /// The step of that name.
        public subscript(name: String) -> Step? { steps.first { $0.name == name } }

        /// A report of C's. One that cannot be read is not lost: it is the run log of the error.
        static func read(_ json: String) -> Result<Report, B2Error> {
            do {
                return .success(try JSONDecoder().decode(Report.self, from: Data(json.utf8)))
            } catch {
                return .failure(B2Error(status: .internalError, message: "the report cannot be read: \(error)", runLog: json))
            }
        }
    }

    /// One step of a diagnosis.
    public struct Step: Codable, Hashable, Sendable {
        /// Such as `credentials`, `lookUp`, `connect`, `tls` or `authorize`.
        public let name: String
        public let result: Outcome
        /// What was found, in one line.
        public let summary: String
        /// What the person can do about it.
        public let advice: String?
        /// A later library may have more.
        public let details: [String: Detail]
        private let durationMs: Int64?

        /// `nil` if the step takes no time of its own.
        public var duration: Duration? { durationMs.map { .milliseconds($0) } }
    }

    /// How a step went.
    public struct Outcome: RawRepresentable, Codable, Hashable, Sendable, CustomStringConvertible {
        public let rawValue: String

        public init(rawValue: String) { self.rawValue = rawValue }

        public var description: String { rawValue }

        public static let ok = Outcome(rawValue: "ok")
        /// It works, and somebody should look at it.
        public static let warning = Outcome(rawValue: "warning")
        public static let failed = Outcome(rawValue: "failed")
        /// There was nothing to do, or the way ended before it.
        public static let skipped = Outcome(rawValue: "skipped")
    }

    /// What a step found: a value of JSON.
    public enum Detail: Hashable, Sendable {
        case null
        case bool(Bool)
        case number(Double)
        case string(String)
        case list([Detail])
        case object([String: Detail])

        public var bool: Bool? { if case .bool(let value) = self { value } else { nil } }
        public var number: Double? { if case .number(let value) = self { value } else { nil } }
        public var string: String? { if case .string(let value) = self { value } else { nil } }
        public var list: [Detail]? { if case .list(let value) = self { value } else { nil } }
        /// A member of an object.
        public subscript(name: String) -> Detail? { if case .object(let value) = self { value[name] } else { nil } }
    }
}

extension B2Auth.Detail: Codable {
    public init(from decoder: any Decoder) throws {
        let value = try decoder.singleValueContainer()
        if value.decodeNil() {
            self = .null
        } else if let bool = try? value.decode(Bool.self) {
            self = .bool(bool)
        } else if let number = try? value.decode(Double.self) {
            self = .number(number)
        } else if let string = try? value.decode(String.self) {
            self = .string(string)
        } else if let list = try? value.decode([B2Auth.Detail].self) {
            self = .list(list)
        } else {
            self = .object(try value.decode([String: B2Auth.Detail].self))
        }
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .null: try container.encodeNil()
        case .bool(let value): try container.encode(value)
        case .number(let value): try container.encode(value)
        case .string(let value): try container.encode(value)
        case .list(let value): try container.encode(value)
        case .object(let value): try container.encode(value)
        }
    }
}

/// By its name, as in the JSON of the C library.
extension B2Auth.Status: Codable {
    public init(from decoder: any Decoder) throws {
        let name = try decoder.singleValueContainer().decode(String.self)
        // A number that no status has stands for one of a later library.
        self = (0..<256).lazy.map(Self.init(rawValue:)).first { $0.description == name } ?? Self(rawValue: -1)
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}

/// The error in a report, which is that of a run log.
private struct Failure: Codable, Hashable, Sendable {
    let status: B2Auth.Status
    let code: String?
    let message: String
    let hint: String?
    let keyId: String?
    let httpStatus: Int?
    let requestId: String?
    let retryable: Bool
    let retryAfterMs: Int64?
    let attempts: [B2Auth.Detail]

    func error(_ requests: Int) -> B2Error {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys // so that equal errors are equal
        let log = (try? encoder.encode(["error": self])).map { String(decoding: $0, as: UTF8.self) }
        return B2Error(
            status: status, message: message, hint: hint, code: code, httpStatus: httpStatus, isRetryable: retryable,
            retryAfter: retryAfterMs.map { .milliseconds($0) }, attempts: requests, requestID: requestId, runLog: log)
    }
}
