import B2Auth
import B2AuthTestSupport
import Foundation
import Testing

@Suite(.enabled(if: Sandbox.isThere, "run this by tests/with-sandbox.sh"))
struct ErrorTests {
    @Test func wrongKey() async throws {
        let key = try await Key()
        do {
            _ = try await B2Auth.authorize(keyID: key.id, key: Sandbox.wrongKey)
            Issue.record("a wrong key will do")
        } catch {
            #expect(error.status == .badCredentials)
            #expect(!error.message.isEmpty)
            #expect(error.hint != nil)
            #expect(error.code == "unauthorized")
            #expect(error.httpStatus == 401)
            #expect(!error.isRetryable)
            #expect(error.attempts == 1)
            #expect(error.requestID != nil)
            #expect(error.description == "b2auth: \(error.message) (\(error.hint ?? ""))")
            #expect(error.errorDescription == error.message && error.recoverySuggestion == error.hint)
            #expect((error as any Error).localizedDescription == error.message)
            let log = try JSONSerialization.jsonObject(with: Data(error.runLog.utf8)) as? [String: [String: Any]]
            #expect(log?["error"]?["status"] as? String == "B2_BAD_CREDENTIALS")
            #expect((log?["error"]?["attempts"] as? [Any])?.count == 1)
        }
    }

    @Test func blockingThrowsTheSame() async throws {
        let key = try await Key()
        let error = try #require(blocking(key.id, Sandbox.wrongKey))
        #expect(error.status == .badCredentials && error.hint != nil)
        #expect(blocking(key.id, key.key) == nil)
    }

    private func blocking(_ id: String, _ key: String) -> B2Error? {
        do throws(B2Error) {
            _ = try B2Auth.authorize(keyID: id, key: key)
            return nil
        } catch {
            return error
        }
    }

    @Test func retryAfter() async throws {
        let key = try await Key()
        try await key.faults(["status": 503, "retryAfter": 600, "times": 0])
        let error = await failure { try await key.authorize() }
        #expect(error?.status == .serviceUnavailable)
        #expect(error?.httpStatus == 503)
        #expect(error?.isRetryable == true)
        #expect((error?.retryAfter ?? .zero) > .seconds(9 * 60))
    }

    @Test func noResponse() async throws {
        let error = await failure {
            // Of the discard service, at which nothing listens.
            try await Key().authorize(.init(realm: "http://127.0.0.1:9", maxAttempts: 1))
        }
        #expect(error?.status == .networkError)
        #expect(error?.httpStatus == nil && error?.code == nil && error?.requestID == nil)
    }

    @Test func argumentsThatCCannotSee() async throws {
        let key = try await Key()
        for (id, secret) in [(key.id + "\0", key.key), (key.id, key.key + "\0")] {
            let error = await failure { try await B2Auth.authorize(keyID: id, key: secret) }
            #expect(error?.status == .invalidArgument)
            #expect(error?.runLog.contains("B2_INVALID_ARGUMENT") == true)
        }
        #expect(try await key.requests() == 0)
    }

    @Test func oneOfTheProgramsOwn() {
        let error = B2Error(status: .timeout, hint: "try \"again\"")
        #expect(error.message == B2Auth.Status.timeout.message)
        #expect(error == B2Error(status: .timeout, hint: "try \"again\""))
        #expect(error.runLog.contains(#""B2_TIMEOUT""#))
        #expect(B2Error(status: .timeout).description == "b2auth: " + B2Auth.Status.timeout.message)
    }
}

/// What a call throws; `nil` if it does not.
func failure<Value>(_ call: () async throws -> Value) async -> B2Error? {
    do {
        _ = try await call()
        return nil
    } catch {
        return error as? B2Error
    }
}
