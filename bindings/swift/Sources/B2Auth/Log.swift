import CB2AuthBridge

extension B2Auth {
    /// How important a message of the log is.
    public enum LogLevel: Int32, Sendable, Comparable, CustomStringConvertible {
        /// A call failed.
        case error = 1
        /// Something went wrong that the call survives: a wait, a retry.
        case warn = 2
        /// What was asked of B2, and what it returned.
        case info = 3
        /// What was decided without asking.
        case debug = 4

        /// The level's name, as the option `log_level` takes it.
        public var description: String {
            switch self {
            case .error: "error"
            case .warn: "warn"
            case .info: "info"
            case .debug: "debug"
            }
        }

        /// The less important one is the greater.
        public static func < (left: LogLevel, right: LogLevel) -> Bool { left.rawValue < right.rawValue }
    }
}

/// A log function, which C holds as a pointer.
final class LogSink: Sendable {
    let log: B2Auth.Options.Log

    init(_ log: @escaping B2Auth.Options.Log) { self.log = log }

    /// C keeps a reference until the last of these options is gone.
    func attach(to options: OpaquePointer) {
        b2_options_set_log(
            options,
            { pointer, level, message in
                guard let pointer, let message else { return }
                let sink = Unmanaged<LogSink>.fromOpaque(pointer).takeUnretainedValue()
                sink.log(B2Auth.LogLevel(rawValue: level) ?? .debug, String(cString: message))
            },
            Unmanaged.passRetained(self).toOpaque(),
            { pointer in
                guard let pointer else { return }
                Unmanaged<LogSink>.fromOpaque(pointer).release()
            })
    }
}
