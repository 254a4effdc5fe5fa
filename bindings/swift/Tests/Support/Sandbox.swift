import B2Auth
import Foundation

#if canImport(FoundationNetworking)
import FoundationNetworking
#endif

/// The sandbox server that tests/with-sandbox.sh starts.
public enum Sandbox {
    public static let account = "4aa9865d6f00"
    public static let wrongKey = "K001wrongwrongwrongwrongwrong00"

    public static func variable(_ name: String) -> String { ProcessInfo.processInfo.environment[name] ?? "" }

    public static var isThere: Bool { !variable("B2_SANDBOX").isEmpty }

    /// Asks the control endpoint, with a body by POST.
    @discardableResult
    public static func control(_ path: String, _ body: Any? = nil) async throws -> [String: Any] {
        guard let url = URL(string: variable("B2_SANDBOX") + "/" + path) else { throw URLError(.badURL) }
        var request = URLRequest(url: url)
        if let body {
            request.httpMethod = "POST"
            request.httpBody = try JSONSerialization.data(withJSONObject: body)
        }
        let (data, response) = try await URLSession.shared.data(for: request)
        guard (response as? HTTPURLResponse)?.statusCode == 200 else {
            throw Failure("the sandbox to \(path): \(String(decoding: data, as: UTF8.self))")
        }
        return try JSONSerialization.jsonObject(with: data) as? [String: Any] ?? [:]
    }

    public static func release(_ latch: String) async throws { try await control("release", ["latch": latch]) }
}

public struct Failure: Error, CustomStringConvertible {
    public let description: String

    public init(_ description: String) { self.description = description }
}

/// A key of a test's own, so that tests can run beside each other and the library's rate limit is none's but their own.
public struct Key: Sendable {
    public let id: String
    public let key: String

    public init(_ more: [String: Any] = [:]) async throws {
        let number = Numbers.next()
        id = String(format: "001%022ld", number)
        key = String(format: "K001%027ld", number)
        let fields: [String: Any] = [
            "keyId": id, "key": key, "accountId": Sandbox.account, "capabilities": ["listBuckets", "readFiles"],
        ]
        try await Sandbox.control("keys", [fields.merging(more) { $1 }])
    }

    public func authorize(_ options: B2Auth.Options = .init()) async throws(B2Error) -> B2Auth.Session {
        try await B2Auth.authorize(keyID: id, key: key, options: options)
    }

    public func authorizeBlocking(_ options: B2Auth.Options = .init()) throws(B2Error) -> B2Auth.Session {
        try B2Auth.authorize(keyID: id, key: key, options: options)
    }

    public func diagnose(_ options: B2Auth.Options = .init()) async throws(B2Error) -> B2Auth.Report {
        try await B2Auth.diagnose(keyID: id, key: key, options: options)
    }

    public func diagnoseBlocking(_ options: B2Auth.Options = .init()) throws(B2Error) -> B2Auth.Report {
        try B2Auth.diagnose(keyID: id, key: key, options: options)
    }

    /// What the next authorize requests of this key get.
    public func faults(_ faults: [String: Any]...) async throws {
        try await Sandbox.control("script", ["keyId": id, "faults": faults])
    }

    /// Has the next authorize requests of this key held until the latch is released.
    public func hold() async throws -> String {
        let latch = "latch-\(Numbers.next())"
        try await faults(["hold": latch, "times": 0])
        return latch
    }

    /// Waits until a request is held at the latch.
    public func held(_ latch: String) async throws {
        let answer = try await Sandbox.control("held?latch=\(latch)&atLeast=1&timeoutMs=30000")
        guard answer["held"] as? Int == 1 else { throw Failure("not one request is held at \(latch): \(answer)") }
    }

    /// How many authorize requests there were with this key.
    public func requests() async throws -> Int {
        try await Sandbox.control("count?keyId=\(id)")["count"] as? Int ?? -1
    }

    public func expire() async throws { try await Sandbox.control("expire", ["keyId": id]) }
}

private enum Numbers {
    private static let lock = NSLock()
    nonisolated(unsafe) private static var last = 0

    /// Two processes of tests may meet at one sandbox.
    static func next() -> Int {
        lock.withLock {
            last += 1
            return Int(ProcessInfo.processInfo.processIdentifier) * 1_000_000 + last
        }
    }
}

/// Waits for what happens in its own time.
public func eventually(_ what: String, _ holds: () async throws -> Bool) async throws {
    let deadline = ContinuousClock.now + .seconds(60)
    while try await !holds() {
        guard ContinuousClock.now < deadline else { throw Failure("not so after a minute: \(what)") }
        try? await Task.sleep(for: .milliseconds(5))
    }
}

/// A value that several threads change.
public final class Shared<Value: Sendable>: @unchecked Sendable {
    private let lock = NSLock()
    private var value: Value

    public init(_ value: Value) { self.value = value }

    @discardableResult
    public func with<Result>(_ change: (inout Value) throws -> Result) rethrows -> Result {
        try lock.withLock { try change(&value) }
    }

    public var now: Value { with { $0 } }
}
