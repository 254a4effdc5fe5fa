import B2AuthTestSupport
import Foundation
import Testing

@testable import B2Auth

@Suite(.enabled(if: Sandbox.isThere, "run this by tests/with-sandbox.sh"))
struct OptionTests {
    /// Each option with a value that the library takes, by the name that it has there.
    static let every: [String: B2Auth.Options] = [
        "realm": .init(realm: Sandbox.variable("B2_ENVIRONMENT")),
        "profile": .init(profile: ""),
        "account_info": .init(accountInfo: "/no/such/database"),
        "cache": .init(cache: .use),
        "min_remaining_s": .init(minRemaining: .seconds(60)),
        "store": .init(store: "none"),
        "store_required": .init(storeRequired: false),
        "credentials": .init(credentials: .any),
        "max_attempts": .init(maxAttempts: 3),
        "initial_backoff_ms": .init(initialBackoff: .seconds(1)),
        "max_backoff_ms": .init(maxBackoff: .seconds(2)),
        "connect_timeout_ms": .init(connectTimeout: .microseconds(1)), // rounded up to 1: 0 is refused
        "attempt_timeout_ms": .init(attemptTimeout: .seconds(10)),
        "total_timeout_ms": .init(totalTimeout: .zero),
        "batch_timeout_ms": .init(batchTimeout: .seconds(24 * 3600)),
        "negative_ttl_s": .init(negativeTTL: .milliseconds(1500)),
        "rate_limit_per_minute": .init(rateLimitPerMinute: 0),
        "proxy": .init(proxy: "none"),
        "ca_file": .init(caFile: Sandbox.variable("B2_SANDBOX_CA")),
        "user_agent": .init(userAgent: "example/1.0"),
        "concurrency": .init(concurrency: 2),
        "diagnose": .init(diagnose: .store), // this call takes no notice of it
        "log_level": .init(logLevel: .warn),
    ]

    @Test(arguments: every.keys.sorted())
    func isKnown(name: String) async throws {
        let options = try #require(Self.every[name])
        #expect(options.settings.map(\.name) == [name])
        let key = try await Key()
        let error = await failure { try await key.authorize(options) }
        // A library may be too old for these.
        if let error, ["store_required", "credentials", "diagnose"].contains(name), error.message.contains(name) { return }
        #expect(error == nil)
    }

    @Test func takeEffect() async throws {
        let key = try await Key()
        _ = try await key.authorize()
        _ = try await key.authorize(.init(cache: .refresh))
        #expect(try await key.requests() == 2)
        _ = try await key.authorize(.init(cache: .bypass))
        #expect(try await key.requests() == 3)
        _ = try await key.authorize(.init(others: ["cache": "refresh"]))
        #expect(try await key.requests() == 4)
        _ = try await key.authorize(.init(cache: .refresh, others: ["cache": "use"])) // the later one
        #expect(try await key.requests() == 4)
    }

    @Test func thatAreRefused() async throws {
        for (name, options): (String, B2Auth.Options) in [
            ("max_attempts", .init(maxAttempts: 6)),
            ("total_timeout_ms", .init(totalTimeout: .seconds(3600) + .nanoseconds(1))), // rounded up
            ("min_remaining_s", .init(minRemaining: .nanoseconds(-1))),
            ("total_timeout_ms", .init(totalTimeout: .seconds(Int64.max))),
            ("connect_timeout_ms", .init(others: ["connect_timeout_ms": "soon"])),
            ("max_attempts", .init(others: ["max_attemps": "3"])), // the nearest name
        ] {
            let error = await failure { try await Key().authorize(options) }
            #expect(error?.status == .invalidArgument)
            #expect(error?.description.contains(name) == true)
        }
        let error = await failure { try await Key().authorize(.init(userAgent: "a\0/1")) }
        #expect(error?.status == .invalidArgument)
    }

    @Test func durationsAreRoundedUp() {
        for (span, milliseconds, seconds): (Duration, String, String) in [
            (.zero, "0", "0"), (.nanoseconds(1), "1", "1"), (.milliseconds(1), "1", "1"),
            (.milliseconds(1) + .nanoseconds(1), "2", "1"), (.seconds(3600), "3600000", "3600"),
            (.milliseconds(1001), "1001", "2"), (.nanoseconds(-1), "-1", "-1"), (.seconds(-3600), "-1", "-1"),
            (.seconds(Int64.max), "\(Int64.max)", "\(Int64.max)"),
        ] {
            #expect(span.wholeMilliseconds == milliseconds)
            #expect(span.wholeSeconds == seconds)
        }
    }

    /// The time that a call has waited for a thread is taken off its own: it ends with it.
    @Test func waitedTimeCounts() async throws {
        let key = try await Key()
        let latch = try await key.hold()
        let started = ContinuousClock.now
        let late = NativeCalls.authorize(key.id, key.key, .init(), nil, waited: .milliseconds(59_800))
        #expect(throws: B2Error.self) { try late.get() }
        let later = NativeCalls.authorize(key.id, key.key, .init(totalTimeout: .seconds(50)), nil, waited: .seconds(70))
        #expect(throws: B2Error.self) { try later.get() }
        #expect(ContinuousClock.now - started < .seconds(40))
        try await Sandbox.release(latch)
        // What is cached is there even then.
        _ = try await key.authorize()
        #expect(try NativeCalls.authorize(key.id, key.key, .init(), nil, waited: .seconds(70)).get().keyID == key.id)
    }
}
