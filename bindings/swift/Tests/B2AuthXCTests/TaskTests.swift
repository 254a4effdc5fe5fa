import B2AuthTestSupport
import Foundation
import XCTest

@testable import B2Auth

/// What a host with tasks does to calls. Whatever is counted here is of the whole process, so these tests run one by one.
final class TaskTests: XCTestCase {
    override func setUp() async throws {
        try XCTSkipUnless(Sandbox.isThere, "run this by tests/with-sandbox.sh")
        try await eventually("no call of another test is left") { ThreadPool.shared.counts.working == 0 }
    }

    private func threads() throws -> Int {
        let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
        let line = status.split(separator: "\n").first { $0.hasPrefix("Threads:") }
        return try XCTUnwrap(line.flatMap { Int($0.split(separator: "\t")[1]) })
    }

    private func assertCancelled<Value>(
        _ result: Result<Value, any Error>, file: StaticString = #filePath, line: UInt = #line
    ) {
        guard case .failure(let error as B2Error) = result else { return XCTFail("\(result)", file: file, line: line) }
        XCTAssertEqual(error.status, .cancelled, "\(error)", file: file, line: line)
    }

    /// The latch stays closed, so nothing but the cancel can end the calls.
    func testTheEndOfATaskEndsItsCall() async throws {
        let key = try await Key()
        let latch = try await key.hold()
        let session = try await Key().authorize()
        let calls: [@Sendable () async throws -> Void] = [
            { _ = try await key.authorize() },
            { _ = try await key.authorize(.init(cache: .bypass)) },
            { _ = try await B2Auth.reauthorize(keyID: key.id, key: key.key, rejected: nil) },
            { _ = try await B2Auth.reauthorize(keyID: key.id, key: key.key, rejected: session) },
            { _ = try await key.diagnose() },
            { for result in await B2Auth.authorizeMany([.init(keyID: key.id, key: key.key)]) { _ = try result.get() } },
        ]
        for call in calls {
            let task = Task { try await call() }
            try await key.held(latch)
            task.cancel()
            assertCancelled(await task.result)
            try await eventually("the call in C has ended as well") { ThreadPool.shared.counts.working == 0 }
            try await eventually("the request is gone") {
                try await Sandbox.control("held?latch=\(latch)&atLeast=0")["held"] as? Int == 0
            }
        }
        try await Sandbox.release(latch)
    }

    /// C has no cancel for this one.
    func testTheEndOfATaskEndsTheWaitForJSON() async throws {
        let key = try await Key()
        let latch = try await key.hold()
        let task = Task { await B2Auth.authorizeJSON(#"{"keyId":"\#(key.id)","key":"\#(key.key)"}"#) }
        try await key.held(latch)
        task.cancel()
        let (response, status) = await task.value
        XCTAssertEqual(status, .cancelled)
        XCTAssert(response.contains(#""B2_CANCELLED""#), response)
        XCTAssertEqual(ThreadPool.shared.counts.working, 1)
        try await Sandbox.release(latch)
        try await eventually("the call ends") { ThreadPool.shared.counts.working == 0 }
    }

    /// Also where the session is in the cache, and without a thread.
    func testATaskThatHasEnded() async throws {
        let key = try await Key()
        _ = try await key.authorize()
        let hits = B2Auth.counter("cache_hits")
        let task = Task {
            while !Task.isCancelled { await Task.yield() }
            _ = try await key.authorize()
        }
        task.cancel()
        assertCancelled(await task.result)
        XCTAssertEqual(B2Auth.counter("cache_hits"), hits)
    }

    func testACancelFromElsewhere() async throws {
        let key = try await Key()
        let latch = try await key.hold()
        for blocking in [true, false] {
            let cancel = B2Auth.Cancel()
            let options = B2Auth.Options(cancel: cancel)
            let ended = Shared<Result<Void, any Error>?>(nil)
            if blocking {
                Thread.detachNewThread {
                    let result = Result<Void, any Error> { _ = try key.authorizeBlocking(options) }
                    ended.with { $0 = result }
                }
            } else {
                Task {
                    do {
                        _ = try await key.authorize(options)
                        ended.with { $0 = .success(()) }
                    } catch {
                        ended.with { $0 = .failure(error) }
                    }
                }
            }
            try await key.held(latch)
            XCTAssertFalse(cancel.isTriggered)
            cancel.trigger()
            try await eventually("the call has ended") { ended.now != nil }
            assertCancelled(try XCTUnwrap(ended.now))
            try await eventually("the request is gone") {
                try await Sandbox.control("held?latch=\(latch)&atLeast=0")["held"] as? Int == 0
            }
            // It stays triggered.
            XCTAssertTrue(cancel.isTriggered)
            assertCancelled(Result { _ = try key.authorizeBlocking(options) })
            do { assertCancelled(.success(try await key.authorize(options))) } catch { assertCancelled(Result<Void, any Error>.failure(error)) }
        }
        try await Sandbox.release(latch)
    }

    /// Some of the tasks that share a call end: the others get the session.
    func testOneTaskOfManyEnds() async throws {
        let key = try await Key()
        let latch = try await key.hold()
        let tasks = (0..<20).map { _ in Task { try await key.authorize().keyID } }
        try await key.held(latch)
        for task in tasks.dropLast() { task.cancel() }
        for task in tasks.dropLast() { assertCancelled(await task.result) }
        try await Sandbox.release(latch)
        let last = try await tasks[19].value
        XCTAssertEqual(last, key.id)
        let requests = try await key.requests()
        XCTAssertEqual(requests, 1)
    }

    func testThousandsOfTasksMakeOneRequest() async throws {
        let key = try await Key()
        let latch = try await key.hold()
        let before = try threads()
        let begun = Shared(0)
        let tasks = (0..<5000).map { number in
            Task {
                begun.with { $0 += 1 }
                return try await key.authorize(number % 2 == 0 ? .init() : .init(maxAttempts: 2)).keyID
            }
        }
        try await key.held(latch)
        try await eventually("all have begun, since no call is in the way of another task") { begun.now == tasks.count }
        XCTAssertLessThan(try threads() - before, 16)
        try await Sandbox.release(latch)
        for task in tasks {
            let id = try await task.value
            XCTAssertEqual(id, key.id)
        }
        let requests = try await key.requests()
        XCTAssertEqual(requests, 1)
    }

    /// They fail together, too, and soon: not in rounds of the pool's size.
    func testThousandsOfTasksShareAFailure() async throws {
        let key = try await Key()
        let latch = "\(key.id)-fails"
        try await key.faults(["hold": latch, "status": 500, "times": 0])
        let begun = Shared(0)
        let tasks = (0..<2000).map { _ in
            Task {
                begun.with { $0 += 1 }
                return try await key.authorize(.init(maxAttempts: 1)).keyID
            }
        }
        try await key.held(latch)
        try await eventually("all have begun") { begun.now == tasks.count }
        try await Sandbox.release(latch)
        var failed = 0
        for task in tasks {
            if case .failure(let error as B2Error) = await task.result, error.status == .serviceUnavailable { failed += 1 }
        }
        XCTAssertEqual(failed, tasks.count)
        let requests = try await key.requests()
        XCTAssertLessThan(requests, 50)
    }

    /// Calls that have nothing in common need a thread each, but there are no more than the pool's.
    func testManyKeysDoNotMakeManyThreads() async throws {
        let key = try await Key()
        let latch = try await key.hold()
        let before = try threads()
        let tasks = (0..<300).map { number in
            Task { try await key.authorize(.init(userAgent: "test/\(number)", concurrency: 1)).keyID }
        }
        try await eventually("the pool is at work") { ThreadPool.shared.counts.working == 64 }
        XCTAssertLessThanOrEqual(ThreadPool.shared.counts.threads, 64)
        XCTAssertLessThan(try threads() - before, 80)
        // The threads of Swift are free.
        let other = await Task.detached { 6 * 7 }.value
        XCTAssertEqual(other, 42)
        // Those that wait for a thread end with their task as well.
        for task in tasks.dropLast() { task.cancel() }
        for task in tasks.dropLast() { assertCancelled(await task.result) }
        try await Sandbox.release(latch)
        let last = try await tasks[299].value
        XCTAssertEqual(last, key.id)
    }

    /// Some end, some do not, all at once and in any order.
    func testAStormOfCancels() async throws {
        let keys = [try await Key(), try await Key(), try await Key()]
        for round in 0..<5 {
            let tasks = (0..<600).map { number in
                Task {
                    let key = keys[number % 3]
                    let session = try await key.authorize()
                    if number % 50 == round { session.invalidate() }
                    if session.keyID != key.id { throw Failure("another key's session") }
                }
            }
            for (number, task) in tasks.enumerated() where number % 4 == 0 { task.cancel() }
            for (number, task) in tasks.enumerated() {
                switch await task.result {
                case .success: break
                case .failure(let error as B2Error) where number % 4 == 0: XCTAssertEqual(error.status, .cancelled)
                case .failure(let error as B2Error) where error.status == .rateLimited: break
                case .failure(let error): XCTFail("\(error)")
                }
            }
        }
        try await eventually("no call is left") { ThreadPool.shared.counts.working == 0 }
    }
}
