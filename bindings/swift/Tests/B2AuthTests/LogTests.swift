import B2Auth
import B2AuthTestSupport
import Testing

@Suite(.enabled(if: Sandbox.isThere, "run this by tests/with-sandbox.sh"))
struct LogTests {
    private final class Lines: Sendable {
        let all = Shared<[(level: B2Auth.LogLevel, message: String)]>([])

        var options: B2Auth.Options {
            var options = B2Auth.Options()
            options.log = { level, message in self.all.with { $0.append((level, message)) } }
            return options
        }
    }

    @Test func everyDecision() async throws {
        let key = try await Key()
        let lines = Lines()
        let session = try await key.authorize(lines.options)
        let heard = lines.all.now
        #expect(Set(heard.map(\.level)).isSuperset(of: [.info, .debug]))
        for secret in [key.key, session.authorizationToken] {
            #expect(!heard.contains { $0.message.contains(secret) })
        }
        #expect(!heard.contains { $0.message.contains("\n") || $0.message.isEmpty })
        _ = try blocking(key, lines.options)
        #expect(lines.all.now.count > heard.count)
    }

    private func blocking(_ key: Key, _ options: B2Auth.Options) throws -> B2Auth.Session {
        try key.authorizeBlocking(options)
    }

    @Test func lessByLevel() async throws {
        let key = try await Key()
        let lines = Lines()
        var options = lines.options
        options.logLevel = .info
        _ = try await key.authorize(options)
        #expect(!lines.all.now.isEmpty)
        #expect(lines.all.now.allSatisfy { $0.level <= .info })
        options.log = nil
        let count = lines.all.now.count
        _ = try await key.authorize(options)
        #expect(lines.all.now.count == count)
        #expect([B2Auth.LogLevel.error, .warn, .info, .debug].map(\.description) == ["error", "warn", "info", "debug"])
    }

    /// What a log function holds is released after the call.
    @Test func isReleased() async throws {
        let key = try await Key()
        weak var held: Lines?
        func call() async throws {
            let lines = Lines()
            held = lines
            _ = try await key.authorize(lines.options)
            _ = try blocking(key, lines.options)
            #expect(!lines.all.now.isEmpty)
        }
        try await call()
        try await eventually("the log is released") { held == nil }
    }

    @Test func mayCallTheLibrary() async throws {
        let (key, other) = (try await Key(), try await Key())
        let answers = Shared<[String]>([])
        let options = B2Auth.Options(log: { _, _ in
            if answers.now.count < 3, let session = try? other.authorizeBlocking() {
                answers.with { $0.append(session.keyID) }
            }
        })
        _ = try await key.authorize(options)
        _ = try blocking(key, options)
        #expect(answers.now.first == other.id)
        #expect(try await other.requests() == 1)
    }

    /// Even with its own options, once.
    @Test func mayLogItself() async throws {
        let key = try await Key()
        let (calls, options) = (Shared(0), Shared(B2Auth.Options()))
        options.with {
            $0.log = { _, _ in
                if calls.with({ $0 += 1; return $0 == 1 }) { _ = try? key.authorizeBlocking(options.now) }
            }
        }
        _ = try await key.authorize(options.now)
        #expect(calls.now > 1)
        #expect(try await key.requests() == 1)
        options.with { $0.log = nil }
    }
}
