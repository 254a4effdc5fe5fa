import CB2AuthBridge
import Foundation

extension B2Auth {
    /// What B2 granted: an immutable snapshot that any task may read. The last reference frees it.
    public final class Session: @unchecked Sendable {
        // Of an object that never changes, and that any thread may read.
        private let handle: OpaquePointer

        /// Takes over the caller's reference.
        init(taking handle: OpaquePointer) { self.handle = handle }

        deinit { b2_session_free(handle) }

        /// Calls with the handle. Without it the object could be released when its handle has been read, which is before C
        /// has used it.
        func use<Value>(_ call: (OpaquePointer) -> Value) -> Value { withExtendedLifetime(self) { call(handle) } }

        private func string(_ getter: (OpaquePointer) -> UnsafePointer<CChar>?) -> String? { use { text(getter($0)) } }

        /// The account's ID.
        public var accountID: String { string(b2_session_account_id) ?? "" }

        /// The key ID, as the call used it.
        public var keyID: String { string(b2_session_key_id) ?? "" }

        /// The base URL of the realm that granted the session.
        public var realm: String { string(b2_session_realm) ?? "" }

        /// The token, the whole value of the `Authorization` header of B2's other calls. A secret.
        public var authorizationToken: String { string(b2_session_authorization_token) ?? "" }

        /// The base URL of all calls but uploads and downloads, without a slash at its end.
        public var apiURL: String { string(b2_session_api_url) ?? "" }

        /// The base URL of downloads, without a slash at its end.
        public var downloadURL: String { string(b2_session_download_url) ?? "" }

        /// The base URL of the S3-compatible API, if B2 gave one.
        public var s3APIURL: String? { string(b2_session_s3_api_url) }

        /// The S3 region, such as `us-west-004`, if it can be told.
        public var s3Region: String? { string(b2_session_s3_region) }

        /// B2's recommended size of a large file's parts, in bytes.
        public var recommendedPartSize: UInt64 { use(b2_session_recommended_part_size) }

        /// The least size of a large file's parts but the last, in bytes.
        public var absoluteMinimumPartSize: UInt64 { use(b2_session_absolute_minimum_part_size) }

        /// What the key may do, in B2's words.
        public var capabilities: [String] {
            use { handle in
                (0..<b2_session_capability_count(handle)).compactMap { text(b2_session_capability(handle, $0)) }
            }
        }

        /// Whether the key has that capability, such as `readFiles`.
        public func hasCapability(_ capability: String) -> Bool {
            !hasNUL(capability) && use { b2_session_has_capability($0, capability) } == 1
        }

        /// The buckets that a restricted key may use; `nil` if the key may use all.
        public var buckets: [Bucket]? {
            use { handle in
                guard b2_session_is_bucket_restricted(handle) == 1 else { return nil }
                return (0..<b2_session_bucket_count(handle)).map {
                    Bucket(id: text(b2_session_bucket_id(handle, $0)) ?? "", name: text(b2_session_bucket_name(handle, $0)))
                }
            }
        }

        /// What the names of all files that the key may use begin with; `nil` if they may begin with anything.
        public var namePrefix: String? { string(b2_session_name_prefix) }

        /// When the token ends, at the latest.
        public var expiresAt: Date { Date(timeIntervalSince1970: TimeInterval(use(b2_session_expires_at))) }

        /// When the key itself ends; `nil` for never.
        public var keyExpiresAt: Date? {
            let seconds = use(b2_session_key_expires_at)
            return seconds == 0 ? nil : Date(timeIntervalSince1970: TimeInterval(seconds))
        }

        /// For how long the token can still be used; zero once it cannot.
        public var timeLeft: Duration { .seconds(use(b2_session_seconds_left)) }

        /// All of the above as a JSON object under B2's own names, the token included. A secret.
        public var secretJSON: String { string(b2_session_json) ?? "{}" }

        /// Forgets this token: the next call for its key asks B2. The session stays readable.
        public func invalidate() {
            use(b2_session_invalidate)
            Flights.shared.forget()
        }
    }

    /// One that a restricted key may use.
    public struct Bucket: Hashable, Sendable {
        public let id: String
        /// `nil` if the bucket is gone or its name is hidden from the key.
        public let name: String?
    }
}

/// What may be seen of a session: never the token.
extension B2Auth.Session: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    public var description: String {
        "B2Auth.Session(accountID: \(accountID), keyID: \(keyID), expiresAt: \(expiresAt))"
    }

    public var debugDescription: String { description }

    public var customMirror: Mirror {
        Mirror(self, children: ["accountID": accountID, "keyID": keyID, "expiresAt": expiresAt], displayStyle: .class)
    }
}

/// C would see such a string cut off.
func hasNUL(_ text: String?) -> Bool { text?.utf8.contains(0) ?? false }
