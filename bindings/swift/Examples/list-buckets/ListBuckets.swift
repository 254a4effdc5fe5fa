// Lists the buckets of an account. The client adds the token to each request, and gets another one when B2 no longer
// accepts it.
import B2Auth
import Foundation

#if canImport(FoundationNetworking)
import FoundationNetworking
#endif

struct Refusal: Error, CustomStringConvertible {
    let description: String
}

func bucketNames(_ client: B2Auth.Client) async throws -> [String] {
    let session = try await client.session()
    guard let url = URL(string: session.apiURL + "/b2api/v4/b2_list_buckets") else { throw URLError(.badURL) }
    var request = URLRequest(url: url)
    request.httpMethod = "POST"
    request.httpBody = try JSONEncoder().encode(["accountId": session.accountID])
    let (body, response) = try await client.data(for: request)
    guard response.statusCode == 200 else {
        throw Refusal(description: "b2_list_buckets: \(response.statusCode): \(String(decoding: body.prefix(1024), as: UTF8.self))")
    }
    struct Response: Decodable {
        struct Bucket: Decodable { let bucketName: String }
        let buckets: [Bucket]
    }
    return try JSONDecoder().decode(Response.self, from: body).buckets.map(\.bucketName)
}

@main
enum ListBuckets {
    static func main() async {
        do {
            let client = B2Auth.Client(options: .init(userAgent: "list-buckets/1.0"))
            for name in try await bucketNames(client) { print(name) }
        } catch let error as B2Error where error.status == .badCredentials {
            fail("the key is wrong: \(error)")
        } catch {
            fail("\(error)")
        }
    }

    static func fail(_ message: String) -> Never {
        FileHandle.standardError.write(Data((message + "\n").utf8))
        exit(1)
    }
}
