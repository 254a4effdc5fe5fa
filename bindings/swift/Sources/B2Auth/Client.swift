import Foundation

#if canImport(FoundationNetworking)
import FoundationNetworking
#endif

extension URLRequest {
    /// Adds the session's token if this request goes to the session's API or download URL, and reports whether it does.
    @discardableResult
    public mutating func setAuthorization(from session: B2Auth.Session) -> Bool {
        guard session.owns(url) else { return false }
        setValue(session.authorizationToken, forHTTPHeaderField: "Authorization")
        return true
    }
}

extension B2Auth {
    /// Sends requests by a `URLSession`. To a request to B2's API or download URL that has no `Authorization` header it adds
    /// the token; where B2 responds that the token is no longer good, it gets another one and sends the request once more.
    /// Every other request goes through untouched, so that the token reaches B2 alone: uploads, which have tokens of
    /// their own, and redirects to other hosts.
    ///
    /// A request with an `httpBodyStream` is not sent again: the caller gets B2's response, and the next request a new token.
    public struct Client: Sendable {
        private let credentials: Credentials
        private let options: Options
        private let urlSession: URLSession

        /// Of this key, each of both as in `authorize`.
        public init(
            keyID: String? = nil, key: String? = nil, options: Options = Options(), urlSession: URLSession = .shared
        ) {
            credentials = Credentials(keyID: keyID, key: key)
            self.options = options
            self.urlSession = urlSession
        }

        /// The session that the next request will use: its URLs are where to send it.
        public func session() async throws(B2Error) -> Session {
            try await B2Auth.authorize(keyID: credentials.keyID, key: credentials.key, options: options)
        }

        /// Sends a request; the response's body in memory.
        public func data(for request: URLRequest) async throws -> (Data, HTTPURLResponse) {
            try await send(request) { request, finish in
                urlSession.dataTask(with: request) { data, response, error in
                    finish(response, error) { data ?? Data() }
                }
            } beginning: { $0 }
        }

        /// Sends a request; the response's body in a temporary file, which is the caller's to move or remove.
        public func download(for request: URLRequest) async throws -> (URL, HTTPURLResponse) {
            try await send(request) { request, finish in
                urlSession.downloadTask(with: request) { file, response, error in
                    finish(response, error) {
                        guard let file else { throw URLError(.cannotOpenFile) }
                        // This file goes when its function returns.
                        let kept = FileManager.default.temporaryDirectory
                            .appendingPathComponent("b2auth-" + UUID().uuidString)
                        try FileManager.default.moveItem(at: file, to: kept)
                        return kept
                    }
                }
            } beginning: { file in
                let handle = try FileHandle(forReadingFrom: file)
                defer { try? handle.close() }
                // B2's error bodies have some hundred bytes.
                return try handle.read(upToCount: 64 << 10) ?? Data()
            }
        }

        /// `Body` is what becomes of the response's body, of which `beginning` reads what an error needs.
        private func send<Body: Sendable>(
            _ request: URLRequest, by task: Transfer<Body>.Make, beginning: (Body) throws -> Data
        ) async throws -> (Body, HTTPURLResponse) {
            func attempt(_ request: URLRequest, _ delegate: RedirectDelegate?) async throws -> (Body, HTTPURLResponse) {
                try await Transfer<Body>().run(request, delegate, task)
            }
            if request.value(forHTTPHeaderField: "Authorization") != nil { return try await attempt(request, nil) }
            let session = try await session()
            var signed = request
            guard signed.setAuthorization(from: session) else { return try await attempt(request, nil) }

            let (body, response) = try await attempt(signed, RedirectDelegate(session))
            guard response.statusCode == 401, let start = try? beginning(body),
                B2Auth.shouldReauthorize(httpStatus: 401, body: start)
            else { return (body, response) }
            if request.httpBodyStream != nil {
                session.invalidate()
                return (body, response)
            }
            let fresh = try await B2Auth.reauthorize(
                keyID: credentials.keyID, key: credentials.key, rejected: session, options: options)
            signed.url = signed.url?.moved(from: session, to: fresh)
            signed.setAuthorization(from: fresh)
            return try await attempt(signed, RedirectDelegate(fresh))
        }
    }
}

/// Without the key.
extension B2Auth.Client: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    public var description: String { "B2Auth.Client(keyID: \(credentials.keyID ?? "nil"))" }
    public var debugDescription: String { description }
    public var customMirror: Mirror { Mirror(self, children: ["keyID": credentials.keyID as Any]) }
}
