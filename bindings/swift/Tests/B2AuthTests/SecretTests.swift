import B2Auth
import B2AuthTestSupport
import Foundation
import Testing

@Suite(.enabled(if: Sandbox.isThere, "run this by tests/with-sandbox.sh"))
struct SecretTests {
    /// However it is shown: no key and no token.
    @Test func nothingShowsOne() async throws {
        let key = try await Key()
        let session = try await key.authorize()
        let wrong = try #require(await failure { try await B2Auth.authorize(keyID: key.id, key: Sandbox.wrongKey) })
        let credentials = B2Auth.Credentials(keyID: key.id, key: key.key)
        let options = B2Auth.Options(
            store: "rediss://:\(key.key)@store.test", proxy: "http://user:\(key.key)@proxy.test",
            others: ["proxy": "http://user:\(key.key)@proxy.test"], cancel: B2Auth.Cancel(), log: { _, _ in })
        struct Nested {
            var session: B2Auth.Session?, results: [Result<B2Auth.Session, B2Error>], any: [String: Any]
        }
        let things: [String: Any] = [
            "session": session, "optional": Optional(session) as Any, "error": wrong, "credentials": credentials,
            "list": [credentials], "report": try await B2Auth.diagnose(keyID: key.id, key: Sandbox.wrongKey), "options": options, "client": B2Auth.Client(keyID: key.id, key: key.key, options: options),
            "results": await B2Auth.authorizeMany([credentials, .init(keyID: key.id, key: Sandbox.wrongKey)]),
            "nested": Nested(session: session, results: [.success(session)], any: ["o": options, "c": credentials]),
            "tuple": (session, credentials), "task": Task { try await key.authorize() },
        ]
        let secrets = [key.key, Sandbox.wrongKey, session.authorizationToken]
        for (name, thing) in things {
            for (how, text) in Self.shown(thing) {
                #expect(!secrets.contains { text.contains($0) }, "\(name) by \(how)")
            }
        }
        #expect("\(session)".contains(Sandbox.account) && "\(credentials)".contains(key.id))
        #expect(Self.shown(session).allSatisfy { $0.text.contains(Sandbox.account) })
        #expect("\(options)".contains("proxy") && String(reflecting: wrong).contains(wrong.message))
    }

    private static func shown(_ thing: Any) -> [(how: String, text: String)] {
        var (dumped, streamed) = ("", "")
        dump(thing, to: &dumped)
        print(thing, to: &streamed)
        return [
            ("description", "\(thing)"), ("debugDescription", String(reflecting: thing)), ("dump", dumped),
            ("print", streamed), ("format", String(format: "%@", "\(thing)")),
            ("mirror", walk(Mirror(reflecting: thing), depth: 0)),
        ]
    }

    private static func walk(_ mirror: Mirror, depth: Int) -> String {
        mirror.children.map { child in
            "\(child.label ?? "") \(child.value) \(depth < 6 ? walk(Mirror(reflecting: child.value), depth: depth + 1) : "")"
        }.joined(separator: "\n")
    }
}
