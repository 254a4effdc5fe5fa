import B2AuthTestSupport
import CMemory
import Foundation
import XCTest

@testable import B2Auth

final class HostTests: XCTestCase {
    override func setUp() async throws {
        try XCTSkipUnless(Sandbox.isThere, "run this by tests/with-sandbox.sh")
    }

    /// The last reference goes while other tasks read, of sessions that the cache does not hold as well: freed too early, one
    /// is gone and its token wiped.
    func testASessionIsReleasedWhileOthersReadIt() async throws {
        let key = try await Key()
        let alone = B2Auth.Options(cache: .bypass, rateLimitPerMinute: 0)
        let box = Shared(try await key.authorize(alone))
        let stop = Shared(false)
        let readers = (0..<4).map { _ in
            Task.detached {
                var count = 0
                while !stop.now {
                    // The only reference that this task has is gone once the getter has begun.
                    let token = box.now.authorizationToken
                    guard token.hasPrefix("4_" + key.id) else { throw Failure("a token that is gone: \(token.count) bytes") }
                    count += 1
                    await Task.yield()
                }
                return count
            }
        }
        for _ in 0..<300 {
            let next = try await key.authorize(alone)
            box.with { $0 = next }
        }
        // Rejected sessions are used by C for as long as it takes.
        for _ in 0..<50 {
            let options = alone
            let next = try await B2Auth.reauthorize(keyID: key.id, key: key.key, rejected: key.authorize(alone), options: options)
            box.with { $0 = next }
        }
        stop.with { $0 = true }
        for reader in readers {
            let count = try await reader.value
            XCTAssertGreaterThan(count, 0)
        }
    }

    func testASessionIsFreedWithItsLastReference() async throws {
        let key = try await Key()
        weak var forgotten: B2Auth.Session?
        func use() async throws {
            let session = try await key.authorize()
            forgotten = session
            XCTAssertEqual(session.keyID, key.id)
        }
        try await use()
        try await eventually("it is freed") { forgotten == nil }
    }

    /// A process that ends in the middle of a call does so at once and cleanly, whichever way it ends.
    func testExitInMidCall() async throws {
        #if os(macOS)
        let products = Bundle(for: Self.self).bundleURL.deletingLastPathComponent()
        #else
        let products = Bundle.main.bundleURL
        #endif
        let program = products.appendingPathComponent("exit-in-call")
        for how in ["return", "exit", "cancel"] {
            let key = try await Key()
            let latch = try await key.hold()
            let process = Process()
            process.executableURL = program
            process.arguments = [how]
            process.environment = ProcessInfo.processInfo.environment
                .merging(["B2_APPLICATION_KEY_ID": key.id, "B2_APPLICATION_KEY": key.key]) { $1 }
            let (input, output) = (Pipe(), Pipe())
            process.standardInput = input
            process.standardError = output
            process.standardOutput = output
            let ended = Shared(false)
            process.terminationHandler = { _ in ended.with { $0 = true } }
            try process.run()
            try await key.held(latch)
            try input.fileHandleForWriting.close()
            try await eventually("the process has ended, though the latch is closed") { ended.now }
            XCTAssertEqual(process.terminationReason, .exit, how)
            XCTAssertEqual(process.terminationStatus, 0, how)
            let said = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
            XCTAssertEqual(said, "", how)
            try await Sandbox.release(latch)
        }
    }

    /// Of hundreds of calls, failed ones and cancelled ones among them, no memory is left.
    func testNothingIsLeaked() async throws {
        let key = try await Key()
        let alone = B2Auth.Options(cache: .bypass, rateLimitPerMinute: 0, cancel: B2Auth.Cancel(), log: { _, _ in })
        func blocking() throws {
            _ = try key.authorizeBlocking(alone)
            XCTAssertThrowsError(try B2Auth.authorize(keyID: key.id, key: Sandbox.wrongKey))
            _ = B2Auth.authorizeMany([.init(keyID: key.id, key: key.key), .init(keyID: key.id, key: Sandbox.wrongKey)])
            _ = B2Auth.authorizeJSON(#"{"keyId":"\#(key.id)","key":"\#(key.key)"}"#)
            _ = try key.diagnoseBlocking(alone)
        }
        func rounds(_ count: Int) async throws {
            for _ in 0..<count {
                try blocking()
                _ = try await key.authorize(alone)
                _ = await B2Auth.authorizeMany([.init(keyID: key.id, key: Sandbox.wrongKey)])
                let task = Task { try await key.authorize(alone) }
                task.cancel()
                _ = await task.result
            }
            try await eventually("no call is left") { ThreadPool.shared.counts.working == 0 }
        }
        // The library's own tables grow at first; what is leaked grows with every round.
        var growth: [Int] = []
        repeat {
            let before = Int(memory_in_use())
            try await rounds(300)
            growth.append(Int(memory_in_use()) - before)
        } while growth.last.map { $0 > 20_000 } == true && growth.count < 12
        XCTAssertLessThan(try XCTUnwrap(growth.last), 20_000, "bytes in 300 rounds: \(growth)")
    }

    #if os(Linux)
    /// The threads are known by name, and signals are the program's own.
    func testThreadsAreLeftAloneBySignals() async throws {
        let key = try await Key()
        let latch = try await key.hold()
        let task = Task { try await key.authorize() }
        try await key.held(latch)
        let threads = try FileManager.default.contentsOfDirectory(atPath: "/proc/self/task").compactMap {
            try? String(contentsOfFile: "/proc/self/task/\($0)/status", encoding: .utf8)
        }.filter { $0.hasPrefix("Name:\tb2auth\n") }
        XCTAssertFalse(threads.isEmpty)
        for status in threads {
            let blocked = status.split(separator: "\n").first { $0.hasPrefix("SigBlk:") }?.split(separator: "\t").last
            let usr1 = try XCTUnwrap(blocked.flatMap { UInt64($0, radix: 16) }) >> UInt64(SIGUSR1 - 1) & 1
            XCTAssertEqual(usr1, 1, status)
        }
        try await Sandbox.release(latch)
        _ = try await task.value
    }
    #endif

    // ---- the parts ----

    private final class Note: Job {
        let begun = Shared(0), refused = Shared(0)
        let gate = DispatchSemaphore(value: 0)

        func begin() {
            begun.with { $0 += 1 }
            gate.wait()
        }

        func refuse() { refused.with { $0 += 1 } }
    }

    func testThePoolGrowsToItsLimitAndGoes() async throws {
        let pool = ThreadPool(limit: 3, idleTimeout: 0.05)
        let note = Note()
        for _ in 0..<10 { pool.add(note) }
        try await eventually("three have begun") { note.begun.now == 3 }
        XCTAssertEqual(pool.counts.threads, 3)
        for _ in 0..<10 { note.gate.signal() }
        try await eventually("all ten have begun") { note.begun.now == 10 }
        try await eventually("the threads have ended") { pool.counts.threads == 0 }
        note.gate.signal()
        pool.add(note)
        try await eventually("there are new ones") { note.begun.now == 11 }
        XCTAssertEqual(note.refused.now, 0)
    }

    func testNoThreadCanBeHad() async throws {
        let (allowed, note) = (Shared(0), Note())
        let pool = ThreadPool(limit: 3, idleTimeout: 60) { pool in
            guard allowed.with({ $0 -= 1; return $0 >= 0 }) else { return false }
            Thread { pool.work() }.start()
            return true
        }
        pool.add(note)
        XCTAssertEqual(note.refused.now, 1)
        allowed.with { $0 = 1 }
        pool.add(note)
        pool.add(note) // waits for the one thread that there is
        XCTAssertEqual(note.refused.now, 1)
        note.gate.signal()
        note.gate.signal()
        try await eventually("both have begun") { note.begun.now == 2 }
    }

    func testWhatChangesTheCache() async throws {
        let key = try await Key()
        let session = try await key.authorize()
        func changes(_ what: String, _ call: () async throws -> Void) async throws {
            let before = Flights.shared.counts.generation
            try await call()
            XCTAssertGreaterThan(Flights.shared.counts.generation, before, what)
        }
        func blocking() throws { _ = try B2Auth.reauthorize(keyID: key.id, key: key.key, rejected: session) }
        try await changes("invalidate") { session.invalidate() }
        try await changes("clearCache") { B2Auth.clearCache() }
        try await changes("reauthorize") {
            _ = try await B2Auth.reauthorize(keyID: key.id, key: key.key, rejected: session)
        }
        try await changes("blocking") { try blocking() }
        try await changes("refresh") { _ = try await key.authorize(.init(cache: .refresh)) }
        let before = Flights.shared.counts.generation
        _ = try await key.authorize()
        XCTAssertEqual(Flights.shared.counts.generation, before)
    }

    /// A call that begins after the cache has changed must not get what an earlier call found there.
    func testWhatCallsAreShared() async throws {
        let flights = Flights()
        let gate = DispatchSemaphore(value: 0)
        let calls = Shared(0)
        func join(_ identity: Flights.Identity) -> (Waiter<Flights.Outcome>, Flight<Flights.Outcome>) {
            let waiter = Waiter<Flights.Outcome>()
            let flight = flights.join(identity, waiter) { _, _ in
                calls.with { $0 += 1 }
                gate.wait()
                return .failure(.ended)
            }
            return (waiter, flight)
        }
        let first = Flights.Identity("id", "key", .init())
        let (waiter, flight) = join(first)
        let (other, same) = join(first)
        XCTAssert(flight === same)
        let log: B2Auth.Options.Log = { _, _ in }
        let different: [Flights.Identity] = [
            .init("id", "other key", .init()), .init("id2", "key", .init()), .init("id", "key", .init(maxAttempts: 2)),
            .init("id", "key", .init(), isReauthorize: true), .init("id", "key", .init(log: log)), .init(nil, nil, .init()),
        ]
        for identity in different { XCTAssert(join(identity).1 !== flight) }
        flights.forget()
        XCTAssert(join(first).1 !== flight)
        // Those that would lose too much of their time have a call of their own.
        let hasty = Flights.Identity("id", "key", .init(totalTimeout: .milliseconds(1)))
        let (_, short) = join(hasty)
        XCTAssert(join(hasty).1 !== short)
        // Nor is a call joined that all have left.
        let (alone, last) = join(.init("alone", "key", .init()))
        last.leave(alone)
        XCTAssert(join(.init("alone", "key", .init())).1 !== last)
        for _ in 0..<20 { gate.signal() }
        for waiter in [waiter, other] {
            let outcome = await withCheckedContinuation { waiter.wait($0) }
            XCTAssertThrowsError(try outcome.get())
        }
        try await eventually("none is kept") { flights.counts.flights == 0 }
    }
}
