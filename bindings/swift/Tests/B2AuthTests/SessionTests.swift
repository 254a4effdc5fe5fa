import B2Auth
import B2AuthTestSupport
import Foundation
import Testing

@Suite(.enabled(if: Sandbox.isThere, "run this by tests/with-sandbox.sh"))
struct SessionTests {
    @Test func fields() async throws {
        let key = try await Key()
        let session = try await key.authorize()
        #expect(session.accountID == Sandbox.account)
        #expect(session.keyID == key.id)
        #expect(session.realm == Sandbox.variable("B2_ENVIRONMENT"))
        #expect(session.apiURL == session.realm && session.downloadURL == session.realm)
        #expect(session.authorizationToken.hasPrefix("4_" + key.id))
        #expect(session.s3APIURL == "https://s3.us-west-004.backblazeb2.com")
        #expect(session.s3Region == "us-west-004")
        #expect(session.recommendedPartSize == 100_000_000)
        #expect(session.absoluteMinimumPartSize == 5_000_000)
        #expect(session.capabilities == ["listBuckets", "readFiles"])
        #expect(session.hasCapability("readFiles"))
        #expect(!session.hasCapability("writeFiles") && !session.hasCapability("readFiles\0"))
        #expect(session.buckets == nil)
        #expect(session.namePrefix == nil)
        #expect(session.keyExpiresAt == nil)
        #expect(session.timeLeft > .seconds(23 * 3600) && session.timeLeft <= .seconds(24 * 3600))
        #expect(abs(session.expiresAt.timeIntervalSinceNow - 24 * 3600) < 600)
        let json = try JSONSerialization.jsonObject(with: Data(session.secretJSON.utf8)) as? [String: Any]
        #expect(json?["authorizationToken"] as? String == session.authorizationToken)
    }

    @Test func restrictedKey() async throws {
        let end = Date(timeIntervalSinceNow: 3600)
        let key = try await Key([
            "buckets": [["id": "b1", "name": "photos"], ["id": "b2", "name": NSNull()]], "namePrefix": "holidays/",
            "expirationTimestamp": Int(end.timeIntervalSince1970) * 1000,
        ])
        let session = try await key.authorize()
        #expect(session.buckets?.map(\.id) == ["b1", "b2"])
        #expect(session.buckets?.map(\.name) == ["photos", nil])
        #expect(session.namePrefix == "holidays/")
        #expect(session.keyExpiresAt?.timeIntervalSince1970 == end.timeIntervalSince1970.rounded(.down))
        #expect(try await Key(["buckets": [Any]()]).authorize().buckets == [])
    }

    @Test func fromTheCache() async throws {
        let key = try await Key()
        let first = try await key.authorize()
        let tokens = [first.authorizationToken, try blocking(key), try await key.authorize().authorizationToken]
        #expect(Set(tokens).count == 1)
        #expect(try await key.requests() == 1)
        #expect(try await B2Auth.authorize(keyID: " \(key.id)\n", key: key.key).keyID == key.id)
        #expect(try await key.requests() == 1)
    }

    private func blocking(_ key: Key) throws -> String { try key.authorizeBlocking().authorizationToken }

    @Test func blankMeansTheEnvironment() async throws {
        for blank in [nil, "", " "] {
            #expect(try await B2Auth.authorize(keyID: blank, key: blank).keyID == Sandbox.variable("B2_APPLICATION_KEY_ID"))
        }
    }

    @Test func reauthorize() async throws {
        let key = try await Key()
        let old = try await key.authorize()
        let new = try await B2Auth.reauthorize(keyID: key.id, key: key.key, rejected: old)
        #expect(new.authorizationToken != old.authorizationToken)
        #expect(try again(key, old) == new.authorizationToken)
        #expect(try await key.requests() == 2)
        let asked = try await B2Auth.reauthorize(keyID: key.id, key: key.key, rejected: nil)
        #expect(asked.authorizationToken != new.authorizationToken)
        #expect(try await key.requests() == 3)
        #expect(old.accountID == Sandbox.account)
    }

    private func again(_ key: Key, _ old: B2Auth.Session) throws -> String {
        try B2Auth.reauthorize(keyID: key.id, key: key.key, rejected: old).authorizationToken
    }

    @Test func invalidate() async throws {
        let key = try await Key()
        let session = try await key.authorize()
        session.invalidate()
        #expect(session.accountID == Sandbox.account)
        #expect(try await key.authorize().authorizationToken != session.authorizationToken)
        #expect(try await key.requests() == 2)
    }

    @Test func many() async throws {
        let (one, other) = (try await Key(), try await Key())
        let places: [B2Auth.Credentials] = [
            .init(keyID: one.id, key: one.key), .init(keyID: one.id, key: Sandbox.wrongKey),
            .init(keyID: one.id, key: "K001\0"), .init(keyID: other.id, key: other.key), .init(),
            .init(keyID: one.id, key: one.key),
        ]
        for results in [await B2Auth.authorizeMany(places, options: .init(concurrency: 3)), blocking(places)] {
            try #require(results.count == places.count)
            for (place, key) in [(0, one.id), (3, other.id), (4, Sandbox.variable("B2_APPLICATION_KEY_ID")), (5, one.id)] {
                #expect(try results[place].get().keyID == key)
            }
            #expect(status(results[1]) == .badCredentials)
            #expect(status(results[2]) == .invalidArgument)
        }
        #expect(try await other.requests() == 1)
        #expect(await B2Auth.authorizeMany([]).isEmpty)
        let refused = await B2Auth.authorizeMany(places, options: .init(maxAttempts: 9))
        #expect(refused.map(status) == Array(repeating: .invalidArgument, count: places.count))
    }

    private func blocking(_ places: [B2Auth.Credentials]) -> [Result<B2Auth.Session, B2Error>] {
        B2Auth.authorizeMany(places)
    }

    private func status(_ result: Result<B2Auth.Session, B2Error>) -> B2Auth.Status? {
        if case .failure(let error) = result { error.status } else { nil }
    }

    @Test func jsonAction() async throws {
        let key = try await Key()
        let request = #"{"keyId":"\#(key.id)","key":"\#(key.key)"}"#
        for (response, status) in [await B2Auth.authorizeJSON(request), blocking(request)] {
            let fields = try JSONSerialization.jsonObject(with: Data(response.utf8)) as? [String: String] ?? [:]
            #expect(status == .ok)
            #expect(Set(fields.keys) == ["accountId", "apiUrl", "authorizationToken", "downloadUrl"])
            #expect(fields["accountId"] == Sandbox.account)
        }
        #expect(try await key.requests() == 1)
        #expect(await B2Auth.authorizeJSON().status == .ok)
        for broken in ["[", "{}\0", #"{"nonsense":1}"#] {
            let (response, status) = await B2Auth.authorizeJSON(broken)
            #expect(status == .invalidArgument && response.contains("B2_INVALID_ARGUMENT"))
        }
    }

    private func blocking(_ request: String) -> (response: String, status: B2Auth.Status) { B2Auth.authorizeJSON(request) }

    @Test func theLibrary() async throws {
        #expect(B2Auth.libraryVersion.split(separator: ".").count == 3)
        #expect(B2Auth.abiVersion >= 1)
        let before = B2Auth.counter("requests")
        _ = try await Key().authorize()
        #expect(B2Auth.counter("requests") > before)
        #expect(B2Auth.counter("no such") == 0 && B2Auth.counter("requests\0") == 0)
        #expect(B2Auth.shouldReauthorize(httpStatus: 401, code: "expired_auth_token"))
        #expect(B2Auth.shouldReauthorize(httpStatus: 401, code: nil))
        #expect(!B2Auth.shouldReauthorize(httpStatus: 401, code: "unauthorized"))
        #expect(!B2Auth.shouldReauthorize(httpStatus: 401, code: "bad_auth_token\0"))
        #expect(!B2Auth.shouldReauthorize(httpStatus: .max, code: "bad_auth_token"))
        #expect(B2Auth.shouldReauthorize(httpStatus: 401, body: Data(#"{"code":"bad_auth_token"}"#.utf8)))
        #expect(!B2Auth.shouldReauthorize(httpStatus: 401, body: Data(#"{"code":"unauthorized"}"#.utf8)))
        #expect(B2Auth.shouldReauthorize(httpStatus: 401, body: Data()))
        #expect(!B2Auth.shouldReauthorize(httpStatus: 403, body: Data()))
        #expect(B2Auth.Status.badCredentials.description == "B2_BAD_CREDENTIALS")
        #expect(B2Auth.Status(rawValue: 99).description == "B2_UNKNOWN")
    }
}
