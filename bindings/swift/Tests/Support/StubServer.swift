import Foundation

#if canImport(Glibc)
import Glibc
private let stream = Int32(SOCK_STREAM.rawValue)
#elseif canImport(Musl)
import Musl
private let stream = SOCK_STREAM
#else
private let stream = SOCK_STREAM
#endif

/// An HTTP server that gives prepared responses, one a connection.
public final class StubServer: Sendable {
    public struct Request: Sendable {
        public let line: String
        public let authorization: String?
        public let body: String
    }

    public struct Response: Sendable {
        public var status: Int
        public var headers: [String: String]
        public var body: String

        public init(_ status: Int, _ headers: [String: String] = [:], body: String = "") {
            self.status = status
            self.headers = headers
            self.body = body
        }
    }

    public let url: String
    private let listener: Int32
    private let seen = Shared<[Request]>([])
    private let respond: @Sendable (_ number: Int, Request) -> Response

    public var requests: [Request] { seen.now }

    public init(_ respond: @escaping @Sendable (_ number: Int, Request) -> Response) throws {
        self.respond = respond
        listener = socket(AF_INET, stream, 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let listener = listener
        let bound = withUnsafeMutableBytes(of: &address) { bytes in
            guard let pointer = bytes.baseAddress?.assumingMemoryBound(to: sockaddr.self) else { return false }
            return bind(listener, pointer, length) == 0 && listen(listener, 64) == 0
                && getsockname(listener, pointer, &length) == 0
        }
        guard bound else { throw Failure("the stub server has no port") }
        url = "http://127.0.0.1:\(UInt16(bigEndian: address.sin_port))"
        let server = self
        Thread.detachNewThread { server.serve() }
    }

    private func serve() {
        while true {
            let connection = accept(listener, nil, nil)
            if connection < 0 { return }
            talk(connection)
            shutdown(connection, Int32(SHUT_WR))
            close(connection)
        }
    }

    private func talk(_ connection: Int32) {
        var text = ""
        while let request = Self.parse(text) == nil ? read(connection) : "" {
            if request.isEmpty { break }
            text += request
        }
        guard let request = Self.parse(text) else { return }
        let number = seen.with { $0.append(request); return $0.count }
        let response = respond(number, request)
        var head = "HTTP/1.1 \(response.status) Stub\r\nConnection: close\r\nContent-Length: \(response.body.utf8.count)\r\n"
        for (name, value) in response.headers { head += "\(name): \(value)\r\n" }
        let bytes = Array((head + "\r\n" + response.body).utf8)
        _ = send(connection, bytes, bytes.count, Int32(MSG_NOSIGNAL))
    }

    private func read(_ connection: Int32) -> String? {
        var bytes = [UInt8](repeating: 0, count: 1 << 16)
        let count = recv(connection, &bytes, bytes.count, 0)
        return count <= 0 ? nil : String(decoding: bytes[..<count], as: UTF8.self)
    }

    /// `nil` while there is more to come.
    private static func parse(_ text: String) -> Request? {
        guard let end = text.range(of: "\r\n\r\n") else { return nil }
        let lines = text[..<end.lowerBound].components(separatedBy: "\r\n")
        func header(_ name: String) -> String? {
            lines.first { $0.lowercased().hasPrefix(name + ":") }.map {
                $0.dropFirst(name.count + 1).trimmingCharacters(in: .whitespaces)
            }
        }
        let body = String(text[end.upperBound...])
        guard body.utf8.count >= Int(header("content-length") ?? "0") ?? 0 else { return nil }
        return Request(line: lines[0], authorization: header("authorization"), body: body)
    }
}
