import B2AuthTestSupport
import Foundation
import Testing

@testable import B2Auth

#if canImport(FoundationNetworking)
import FoundationNetworking
#endif

@Suite(.enabled(if: Sandbox.isThere, "run this by tests/with-sandbox.sh"))
struct ClientTests {
    /// Posts to the sandbox, which looks at the token.
    private func listBuckets(_ client: B2Auth.Client, stream: Bool = false) async throws -> (String, Int) {
        let session = try await client.session()
        var request = try Self.request(session.apiURL + "/b2api/v4/b2_list_buckets")
        request.httpMethod = "POST"
        let body = Data(#"{"accountId":"\#(Sandbox.account)"}"#.utf8)
        if stream { request.httpBodyStream = InputStream(data: body) } else { request.httpBody = body }
        let (data, response) = try await client.data(for: request)
        return (String(decoding: data, as: UTF8.self), response.statusCode)
    }

    private static func request(_ url: String) throws -> URLRequest {
        URLRequest(url: try #require(URL(string: url)))
    }

    private func client(_ key: Key) -> B2Auth.Client { B2Auth.Client(keyID: key.id, key: key.key) }

    /// A key whose sessions have this server as API and download URL.
    private func key(at server: StubServer) async throws -> Key {
        let key = try await Key()
        try await key.faults([
            "times": 0,
            "patch": ["apiUrl", "downloadUrl"].map {
                ["set": ["path": "/apiInfo/storageApi/" + $0, "to": server.url]]
            },
        ])
        return key
    }

    @Test func addsTheToken() async throws {
        let key = try await Key()
        let (text, status) = try await listBuckets(client(key))
        #expect(status == 200 && text.contains("my-bucket"))
        #expect(try await key.requests() == 1)
    }

    @Test func replacesADeadToken() async throws {
        let key = try await Key()
        _ = try await listBuckets(client(key))
        try await key.expire()
        let (text, status) = try await listBuckets(client(key))
        #expect(status == 200 && text.contains("my-bucket"))
        #expect(try await key.requests() == 2)
    }

    @Test func asksOnceForAll() async throws {
        let key = try await Key()
        let client = client(key)
        _ = try await client.session()
        try await key.expire()
        try await withThrowingTaskGroup(of: Int.self) { group in
            for _ in 0..<50 { group.addTask { try await listBuckets(client).1 } }
            for try await status in group { #expect(status == 200) }
        }
        #expect(try await key.requests() == 2)
    }

    @Test func sendsTheSameAgain() async throws {
        let server = try StubServer { number, request in
            number == 1
                ? .init(401, body: #"{"status":401,"code":"expired_auth_token"}"#) : .init(200, body: "got " + request.body)
        }
        let key = try await key(at: server)
        var request = try Self.request(server.url + "/b2api/v4/x?y=z")
        request.httpMethod = "POST"
        request.httpBody = Data("abc".utf8)
        request.setValue("1", forHTTPHeaderField: "X-Mine")
        let (data, response) = try await client(key).data(for: request)
        #expect(response.statusCode == 200 && String(decoding: data, as: UTF8.self) == "got abc")
        let seen = server.requests
        #expect(seen.count == 2 && Set(seen.map(\.line)) == ["POST /b2api/v4/x?y=z HTTP/1.1"])
        #expect(seen.allSatisfy { $0.body == "abc" })
        #expect(Set(seen.map(\.authorization)).count == 2)
        #expect(seen.allSatisfy { $0.authorization?.hasPrefix("4_" + key.id) == true })
    }

    /// A second refusal is the caller's to see: there is no third request.
    @Test func triesOnce() async throws {
        let server = try StubServer { _, _ in .init(401, body: #"{"code":"bad_auth_token"}"#) }
        let key = try await key(at: server)
        let (data, response) = try await client(key).data(for: Self.request(server.url + "/file/photos/cat.jpg"))
        #expect(response.statusCode == 401 && String(decoding: data, as: UTF8.self).contains("bad_auth_token"))
        #expect(server.requests.count == 2)
        #expect(try await key.requests() == 2)
    }

    @Test func leavesOtherRefusalsAlone() async throws {
        for status in [401, 403] {
            let server = try StubServer { _, _ in .init(status, body: #"{"code":"unauthorized"}"#) }
            let key = try await key(at: server)
            let (data, response) = try await client(key).data(for: Self.request(server.url + "/x"))
            #expect(response.statusCode == status && String(decoding: data, as: UTF8.self) == #"{"code":"unauthorized"}"#)
            #expect(server.requests.count == 1)
            #expect(try await key.requests() == 1)
        }
    }

    /// A stream cannot be read twice: the caller gets B2's response, and the next request a new token.
    @Test func bodiesThatAreGone() async throws {
        let key = try await Key()
        let client = client(key)
        _ = try await client.session()
        try await key.expire()
        let (text, status) = try await listBuckets(client, stream: true)
        #expect(status == 401 && text.contains("expired_auth_token"))
        #expect(try await listBuckets(client, stream: true).1 == 200)
        #expect(try await key.requests() == 2)
    }

    @Test func downloadsToAFile() async throws {
        let server = try StubServer { number, _ in
            number == 1 ? .init(401, body: #"{"code":"expired_auth_token"}"#) : .init(200, body: "a cat")
        }
        let key = try await key(at: server)
        let (file, response) = try await client(key).download(for: Self.request(server.url + "/file/photos/cat.jpg"))
        defer { try? FileManager.default.removeItem(at: file) }
        #expect(response.statusCode == 200)
        #expect(try String(contentsOf: file, encoding: .utf8) == "a cat")
        #expect(server.requests.count == 2)
    }

    /// The token goes to B2 and nowhere else, not even by a redirect, and the caller's own header stays.
    @Test func keepsTheTokenToItself() async throws {
        let stranger = try StubServer { _, _ in .init(200, body: "stranger") }
        let strangersURL = stranger.url
        let server = try StubServer { _, request in
            switch request.line.split(separator: " ")[1] {
            case "/away": .init(307, ["Location": strangersURL + "/away"])
            case "/here": .init(307, ["Location": "/there"])
            default: .init(200, body: "home")
            }
        }
        let key = try await key(at: server)
        let client = client(key)
        let host = server.url.dropFirst("http://".count)
        for url in [
            stranger.url + "/other", server.url + "/away", stranger.url.replacingOccurrences(of: "//", with: "//\(host)@"),
        ] {
            let (data, _) = try await client.data(for: Self.request(url))
            #expect(String(decoding: data, as: UTF8.self) == "stranger")
        }
        #expect(stranger.requests.count == 3)
        #expect(stranger.requests.allSatisfy { $0.authorization?.contains("4_") != true })
        let (file, _) = try await client.download(for: Self.request(server.url + "/away"))
        try? FileManager.default.removeItem(at: file)
        #expect(stranger.requests.count == 4 && stranger.requests[3].authorization == nil)

        // Within B2 it goes along.
        _ = try await client.data(for: Self.request(server.url + "/here"))
        #expect(server.requests.last?.line.contains("/there") == true)
        #expect(server.requests.last?.authorization?.hasPrefix("4_" + key.id) == true)

        var upload = try Self.request(server.url + "/upload")
        upload.setValue("an upload's own", forHTTPHeaderField: "Authorization")
        _ = try await client.data(for: upload)
        #expect(server.requests.last?.authorization == "an upload's own")
    }

    @Test func errors() async throws {
        let key = try await Key()
        let wrong = B2Auth.Client(keyID: key.id, key: Sandbox.wrongKey)
        let error = await failure { try await wrong.data(for: Self.request(Sandbox.variable("B2_ENVIRONMENT"))) }
        #expect(error?.status == .badCredentials && error?.hint != nil)

        // The key is revoked while the token is in use.
        let server = try StubServer { _, _ in .init(401, body: #"{"code":"bad_auth_token"}"#) }
        let revoked = try await self.key(at: server)
        _ = try await client(revoked).session()
        try await Sandbox.control("remove", ["keyId": revoked.id])
        let refused = await failure { try await client(revoked).data(for: Self.request(server.url)) }
        #expect(refused?.status == .badCredentials)
        #expect(server.requests.count == 1)
    }

    /// The end of a task ends it wherever it is: here in B2's own call.
    @Test func endsWithItsTask() async throws {
        let (arrived, answer) = (Shared(false), DispatchSemaphore(value: 0))
        let server = try StubServer { _, _ in
            arrived.with { $0 = true }
            answer.wait()
            return .init(200)
        }
        let key = try await key(at: server)
        let task = Task { try await client(key).data(for: Self.request(server.url)).1 }
        try await eventually("the request has arrived") { arrived.now }
        task.cancel()
        guard case .failure = await task.result else {
            Issue.record("a response of which there was none")
            return
        }
        answer.signal()
    }

    // ---- URLs ----

    @Test func requestsOfOnesOwn() async throws {
        let session = try await Key().authorize()
        var request = try Self.request(session.apiURL + "/b2api/v4/x")
        let isB2s = request.setAuthorization(from: session)
        #expect(isB2s)
        #expect(request.value(forHTTPHeaderField: "Authorization") == session.authorizationToken)
        var other = try Self.request("https://example.test/")
        let isOthers = other.setAuthorization(from: session)
        #expect(!isOthers)
        #expect(other.value(forHTTPHeaderField: "Authorization") == nil)
    }

    @Test func origins() {
        let base = "https://api004.backblazeb2.com"
        for (url, same) in [
            (base + "/b2api/v4/b2_list_buckets", true), ("HTTPS://API004.BACKBLAZEB2.COM:443/x", true),
            ("http://api004.backblazeb2.com/x", false), ("https://api004.backblazeb2.com:444/x", false),
            ("https://api005.backblazeb2.com/x", false), ("https://api004.backblazeb2.com.evil/", false),
            ("https://api004.backblazeb2.com@evil/", false), ("/b2api/v4/b2_list_buckets", false), ("https:", false),
            ("ftp://api004.backblazeb2.com/", false),
        ] {
            #expect((Origin(URL(string: url)) == Origin(URL(string: base))) == same, "\(url)")
        }
        #expect(Origin(nil) == nil)
    }

    /// An account can move to another cluster, so a new session may have other URLs.
    @Test func newURLs() async throws {
        let (old, new) = (try await Key(), try await Key())
        try await new.faults(["patch": [
            ["set": ["path": "/apiInfo/storageApi/apiUrl", "to": "https://api005.backblazeb2.com"]],
            ["set": ["path": "/apiInfo/storageApi/downloadUrl", "to": "https://f005.backblazeb2.com:444"]],
        ]])
        try await old.faults(["patch": [
            ["set": ["path": "/apiInfo/storageApi/apiUrl", "to": "https://api004.backblazeb2.com:444"]],
            ["set": ["path": "/apiInfo/storageApi/downloadUrl", "to": "https://f004.backblazeb2.com"]],
        ]])
        let (from, to) = (try await old.authorize(), try await new.authorize())
        for (url, moved) in [
            ("https://api004.backblazeb2.com:444/b2api/v4/x?y=%20z", "https://api005.backblazeb2.com/b2api/v4/x?y=%20z"),
            ("https://f004.backblazeb2.com/file/a%2Fb", "https://f005.backblazeb2.com:444/file/a%2Fb"),
            ("https://example.test/", "https://example.test/"),
        ] {
            #expect(URL(string: url)?.moved(from: from, to: to).absoluteString == moved)
        }
    }
}
