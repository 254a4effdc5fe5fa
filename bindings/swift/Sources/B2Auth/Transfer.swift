import Foundation

#if canImport(FoundationNetworking)
import FoundationNetworking
#endif

/// One request of a `URLSession`, as `URLSession.data(for:delegate:)` has it. That one does not ask the delegate about
/// redirects on Linux; a task with a delegate of its own does everywhere.
final class Transfer<Body: Sendable>: @unchecked Sendable {
    typealias Finish = @Sendable (URLResponse?, (any Error)?, _ body: () throws -> Body) -> Void
    typealias Make = (URLRequest, _ finish: @escaping Finish) -> URLSessionTask

    private let lock = NSLock()
    private var task: URLSessionTask?
    private var isCancelled = false

    func run(_ request: URLRequest, _ delegate: RedirectDelegate?, _ make: Make) async throws -> (Body, HTTPURLResponse) {
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let task = make(request) { response, error, body in
                    continuation.resume(
                        with: Result {
                            if let error { throw error }
                            guard let response = response as? HTTPURLResponse else { throw URLError(.badServerResponse) }
                            return (try body(), response)
                        })
                }
                task.delegate = delegate
                begin(task)
            }
        } onCancel: {
            cancel()
        }
    }

    private func begin(_ task: URLSessionTask) {
        let isLate = lock.withLock {
            self.task = task
            return isCancelled
        }
        task.resume()
        if isLate { task.cancel() }
    }

    private func cancel() {
        let task = lock.withLock {
            isCancelled = true
            return self.task
        }
        task?.cancel()
    }
}

/// Takes the token out of a request that was redirected away from B2, which `URLSession` leaves in on Linux.
final class RedirectDelegate: NSObject, URLSessionTaskDelegate {
    private let session: B2Auth.Session

    init(_ session: B2Auth.Session) { self.session = session }

    func urlSession(
        _ urlSession: URLSession, task: URLSessionTask, willPerformHTTPRedirection response: HTTPURLResponse,
        newRequest request: URLRequest, completionHandler: @escaping @Sendable (URLRequest?) -> Void
    ) {
        var request = request
        if !request.setAuthorization(from: session) { request.setValue(nil, forHTTPHeaderField: "Authorization") }
        completionHandler(request)
    }
}
