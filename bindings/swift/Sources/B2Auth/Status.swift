import CB2AuthBridge

extension B2Auth {
    /// What became of a call. A number never changes its meaning; a later library may add some.
    public struct Status: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
        public let rawValue: Int32

        public init(rawValue: Int32) { self.rawValue = rawValue }

        init(_ status: b2_status) { rawValue = Int32(truncatingIfNeeded: status.rawValue) }

        /// The status's name in C, such as `B2_BAD_CREDENTIALS`.
        public var description: String { String(cString: b2_status_name(rawValue)) }

        /// What the status means, in a few words of English.
        public var message: String { String(cString: b2_status_message(rawValue)) }

        public static let ok = Status(B2_OK)
        public static let invalidArgument = Status(B2_INVALID_ARGUMENT)
        public static let noCredentials = Status(B2_NO_CREDENTIALS)
        public static let badCredentials = Status(B2_BAD_CREDENTIALS)
        public static let keyNotSupported = Status(B2_KEY_NOT_SUPPORTED)
        public static let capExceeded = Status(B2_CAP_EXCEEDED)
        public static let accessDenied = Status(B2_ACCESS_DENIED)
        public static let rateLimited = Status(B2_RATE_LIMITED)
        public static let serviceUnavailable = Status(B2_SERVICE_UNAVAILABLE)
        public static let networkError = Status(B2_NETWORK_ERROR)
        public static let tlsError = Status(B2_TLS_ERROR)
        public static let timeout = Status(B2_TIMEOUT)
        public static let cancelled = Status(B2_CANCELLED)
        public static let protocolError = Status(B2_PROTOCOL_ERROR)
        public static let storeError = Status(B2_STORE_ERROR)
        public static let internalError = Status(B2_INTERNAL_ERROR)
    }
}
