import CB2AuthBridge
import Foundation

extension B2Auth {
    /// Whether a new token is the cure, after B2 refused another call. `code` is that of B2's error body.
    public static func shouldReauthorize(httpStatus: Int, code: String?) -> Bool {
        !hasNUL(code) && b2_should_reauthorize(Int32(clamping: httpStatus), code) == 1
    }

    /// The same with B2's error body itself, which may be cut or no JSON at all.
    public static func shouldReauthorize(httpStatus: Int, body: Data) -> Bool {
        let known = body.withUnsafeBytes { bytes in
            bridge_should_reauthorize_body(
                Int32(clamping: httpStatus), bytes.baseAddress?.assumingMemoryBound(to: CChar.self), bytes.count)
        }
        if known >= 0 { return known == 1 }
        struct Failure: Decodable { let code: String? }
        let failure = try? JSONDecoder().decode(Failure.self, from: body)
        return shouldReauthorize(httpStatus: httpStatus, code: failure?.code)
    }

    /// Drops and wipes every cached token. Live sessions stay.
    public static func clearCache() {
        b2_cache_clear()
        Flights.shared.forget()
    }

    /// How often something happened in this process, such as `requests` or `cache_hits`; 0 for a name that the library does
    /// not know.
    public static func counter(_ name: String) -> UInt64 { hasNUL(name) ? 0 : b2_counter(name) }

    /// The version of the C library, such as `0.1.0`.
    public static var libraryVersion: String { String(cString: b2_library_version()) }

    /// The version of the C library's interface.
    public static var abiVersion: UInt32 { b2_abi_version() }
}
