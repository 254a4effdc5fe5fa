import B2AuthTestSupport
import Foundation
import Testing

@testable import B2Auth

@Suite(.enabled(if: Sandbox.isThere, "run this by tests/with-sandbox.sh"))
struct DiagnoseTests {
    private func blocking(_ key: Key, _ options: B2Auth.Options = .init()) throws -> B2Auth.Report {
        try key.diagnoseBlocking(options)
    }

    private func steps(_ report: B2Auth.Report, _ result: B2Auth.Outcome) -> [String] {
        report.steps.filter { $0.result == result }.map(\.name)
    }

    @Test func everyStep() async throws {
        let key = try await Key()
        for report in [try await key.diagnose(), try blocking(key)] {
            #expect(report.status == .ok && report.result == .ok && report.error == nil && report.requests == 1)
            let walked = ["credentials", "environment", "realm", "proxy", "lookUp", "connect", "clock", "authorize", "key", "token"]
            #expect(steps(report, .ok) == walked)
            #expect(steps(report, .skipped) == ["roots", "tunnel", "tls", "store"])
            #expect(report["credentials"]?.details["source"]?.string == "the call")
            #expect(report["authorize"]?.details["httpStatus"]?.number == 200)
            #expect(report["authorize"]?.summary.contains(Sandbox.account) == true && report["authorize"]?.advice == nil)
            #expect(report["authorize"]?.duration != nil && report["environment"]?.duration == nil)
            #expect(report["key"]?.details["capabilities"]?.list?.map(\.string) == ["listBuckets", "readFiles"])
            #expect(report["connect"]?.details["families"]?.list?.first?["connected"]?.bool == true)
            #expect(report["no such step"] == nil)
            #expect(report.version == B2Auth.libraryVersion)
            #expect(abs(try #require(report.startedAt).timeIntervalSinceNow) < 600 && report.duration < .seconds(600))
        }
        #expect(try await key.requests() == 2)
        // They have cached nothing.
        _ = try await key.authorize()
        #expect(try await key.requests() == 3)
    }

    @Test func asJSON() async throws {
        let key = try await Key()
        for report in [try await key.diagnose(), try await B2Auth.diagnose(keyID: key.id, key: Sandbox.wrongKey)] {
            let json = try JSONEncoder().encode(report)
            #expect(try JSONDecoder().decode(B2Auth.Report.self, from: json) == report)
            let fields = try #require(JSONSerialization.jsonObject(with: json) as? [String: Any])
            #expect(fields["status"] as? String == report.status.description)
            #expect((fields["steps"] as? [[String: Any]])?.map { $0["name"] as? String } == report.steps.map(\.name))
            #expect((fields["error"] == nil) == (report.error == nil))
        }
        let unreadable = B2Auth.Report.read(#"{"status":"B2_OK"}"#)
        #expect(throws: B2Error.self) { try unreadable.get() }
        if case .failure(let error) = unreadable { #expect(error.runLog == #"{"status":"B2_OK"}"#) }
        let later = try JSONDecoder().decode([B2Auth.Status].self, from: Data(#"["B2_TIMEOUT", "B2_OF_A_LATER_LIBRARY"]"#.utf8))
        #expect(later == [.timeout, B2Auth.Status(rawValue: -1)])
    }

    @Test func wrongKey() async throws {
        let key = try await Key()
        let report = try await B2Auth.diagnose(keyID: key.id, key: Sandbox.wrongKey)
        #expect(report.status == .badCredentials && report.result == .failed)
        #expect(steps(report, .failed) == ["authorize"])
        #expect(report["authorize"]?.advice != nil && report["authorize"]?.details["httpStatus"]?.number == 401)
        let json = String(decoding: try JSONEncoder().encode(report), as: UTF8.self)
        #expect(!json.contains(Sandbox.wrongKey) && !json.contains(key.key))
        // The error is that of the call.
        let thrown = try #require(await failure { try await B2Auth.authorize(keyID: key.id, key: Sandbox.wrongKey) })
        let error = try #require(report.error)
        #expect(error.status == thrown.status && error.message == thrown.message && error.hint == thrown.hint)
        #expect(error.code == thrown.code && error.httpStatus == 401 && error.requestID != nil && !error.isRetryable)
        #expect(error.attempts == 1 && error.retryAfter == nil)
        let log = try JSONSerialization.jsonObject(with: Data(error.runLog.utf8)) as? [String: [String: Any]]
        #expect((log?["error"]?["attempts"] as? [Any])?.count == 1)
        try await key.faults(["status": 503, "retryAfter": 600])
        let busy = try await key.diagnose().error
        #expect(busy?.status == .serviceUnavailable && busy?.isRetryable == true)
        #expect((busy?.retryAfter ?? .zero) > .seconds(9 * 60))
    }

    @Test func withoutAReport() async throws {
        let key = try await Key()
        for options in [B2Auth.Options(maxAttempts: 6), .init(others: ["diagnose": "everything"])] {
            #expect(await failure { try await key.diagnose(options) }?.status == .invalidArgument)
            #expect(await failure { try blocking(key, options) }?.status == .invalidArgument)
        }
        for (id, secret) in [(key.id + "\0", key.key), (key.id, key.key + "\0")] {
            #expect(await failure { try await B2Auth.diagnose(keyID: id, key: secret) }?.status == .invalidArgument)
        }
        #expect(try await key.requests() == 0)
    }

    /// Of the form that blocks, the report says so, with the steps before.
    @Test func cancelled() async throws {
        let key = try await Key()
        let latch = try await key.hold()
        let cancel = B2Auth.Cancel()
        let ended = Shared<Result<B2Auth.Report, any Error>?>(nil)
        Thread.detachNewThread {
            let result = Result<B2Auth.Report, any Error> { try key.diagnoseBlocking(.init(cancel: cancel)) }
            ended.with { $0 = result }
        }
        try await key.held(latch)
        cancel.trigger()
        try await eventually("the call has ended") { ended.now != nil }
        let report = try #require(try ended.now?.get())
        #expect(report.status == .cancelled && report.error?.status == .cancelled)
        #expect(steps(report, .failed) == ["authorize"])
        #expect(report["connect"]?.result == .ok)
        // It stays triggered.
        #expect(try blocking(key, .init(cancel: cancel)).status == .cancelled)
        #expect(await failure { try await key.diagnose(.init(cancel: cancel)) }?.status == .cancelled)
        try await Sandbox.release(latch)
    }

    @Test func outOfTime() async throws {
        let key = try await Key()
        let latch = try await key.hold()
        let report = try await key.diagnose(.init(totalTimeout: .milliseconds(300)))
        #expect(report.status == .timeout)
        #expect(steps(report, .failed) == ["authorize"])
        try await Sandbox.release(latch)
    }

    @Test func logs() async throws {
        let key = try await Key()
        let lines = Shared<[String]>([])
        _ = try await key.diagnose(.init(log: { _, message in lines.with { $0.append(message) } }))
        #expect(lines.now.contains { $0.contains("granted a session") } && !lines.now.contains { $0.contains(key.key) })
    }

    @Test func theStore() async throws {
        let directory = FileManager.default.temporaryDirectory.appendingPathComponent("b2auth-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: false)
        defer { try? FileManager.default.removeItem(at: directory) }
        let folder = directory.appendingPathComponent("tokens")
        _ = try await Key().authorize(.init(store: "file:" + folder.path))
        func look(_ mode: B2Auth.DiagnoseMode) async throws -> [String: B2Auth.Detail] {
            // It needs no key, and sends nothing.
            let options = B2Auth.Options(store: "file:" + folder.path, credentials: .given, diagnose: mode)
            let report = try await B2Auth.diagnose(options: options)
            #expect(report.status == .ok && report.requests == 0 && report.steps.map(\.name) == ["store"])
            return report["store"]?.details ?? [:]
        }
        func counts(_ details: [String: B2Auth.Detail]) -> [Double?] {
            ["records", "dead", "removed"].map { details[$0]?.number }
        }
        let found = try await look(.store)
        #expect(counts(found) == [1, 0, 0])
        #expect(found["place"]?.string?.contains(folder.path) == true)
        #expect(found["entries"]?.list?.contains { $0["kind"]?.string == "record" } == true)
        // A record whose token ended two hours ago.
        let dead = folder.appendingPathComponent("0123456789abcdef0123456789abcdef").path
        let old = Date(timeIntervalSinceNow: -26 * 3600)
        #expect(FileManager.default.createFile(atPath: dead, contents: Data(count: 1000)))
        try FileManager.default.setAttributes([.modificationDate: old], ofItemAtPath: dead)
        #expect(counts(try await look(.store)) == [2, 1, 0])
        #expect(try await look(.purge)["removed"]?.number == 1)
        #expect(!FileManager.default.fileExists(atPath: dead))
        #expect(counts(try await look(.store)) == [1, 0, 0])

        let none = try await B2Auth.diagnose(options: .init(store: "none", diagnose: .store))
        #expect(none.status == .invalidArgument && steps(none, .failed) == ["store"])
    }
}
