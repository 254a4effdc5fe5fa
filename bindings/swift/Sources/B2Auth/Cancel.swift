import CB2AuthBridge
import Foundation

extension B2Auth {
    /// Ends calls that block, from another thread: each throws `B2Error` with the status `cancelled` within 250 ms. It stays
    /// triggered. A call in an `async` function needs none, since it ends with its task.
    public final class Cancel: @unchecked Sendable {
        private let lock = NSLock()
        private var triggered = false
        private var calls: [UInt64: @Sendable () -> Void] = [:]
        private var count: UInt64 = 0

        public init() {}

        public var isTriggered: Bool { lock.withLock { triggered } }

        public func trigger() {
            let ended = lock.withLock {
                triggered = true
                defer { calls = [:] }
                return calls.values
            }
            for end in ended { end() }
        }

        /// `end` is called once, at once if this is triggered already, unless `remove` comes before.
        func onTrigger(_ end: @escaping @Sendable () -> Void) -> UInt64 {
            let (registration, now) = lock.withLock {
                count += 1
                if !triggered { calls[count] = end }
                return (count, triggered)
            }
            if now { end() }
            return registration
        }

        func remove(_ registration: UInt64) { lock.withLock { calls[registration] = nil } }
    }
}

/// The flag that C looks at.
final class NativeCancel: @unchecked Sendable {
    let handle: OpaquePointer? = b2_cancel_new()

    deinit { b2_cancel_free(handle) }

    func trigger() { withExtendedLifetime(self) { b2_cancel_trigger(handle) } }
}
