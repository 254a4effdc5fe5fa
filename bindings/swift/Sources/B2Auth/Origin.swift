import Foundation

/// Scheme, host and port: where a request goes to.
struct Origin: Hashable {
    let scheme, host: String
    let port: Int

    init?(_ url: URL?) {
        guard let url, let scheme = url.scheme?.lowercased(), let host = url.host?.lowercased(), !host.isEmpty,
            let port = url.port ?? ["http": 80, "https": 443][scheme]
        else { return nil }
        self.scheme = scheme
        self.host = host
        self.port = port
    }
}

extension B2Auth.Session {
    /// Whether requests to this URL may have the session's token: those to its API and download URLs.
    public func owns(_ url: URL?) -> Bool {
        guard let origin = Origin(url) else { return false }
        return origin == Origin(URL(string: apiURL)) || origin == Origin(URL(string: downloadURL))
    }
}

extension URL {
    /// Where this URL is under a new session's URLs, should they differ from the old one's.
    func moved(from old: B2Auth.Session, to new: B2Auth.Session) -> URL {
        let pairs = [(old.apiURL, new.apiURL), (old.downloadURL, new.downloadURL)]
        guard let (_, base) = pairs.first(where: { Origin(URL(string: $0.0)) == Origin(self) }),
            let target = URL(string: base), Origin(target) != Origin(self),
            var parts = URLComponents(url: self, resolvingAgainstBaseURL: true)
        else { return self }
        parts.scheme = target.scheme
        parts.host = target.host
        parts.port = target.port
        return parts.url ?? self
    }
}
