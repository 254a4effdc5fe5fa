import Foundation

/// One task that waits for a call, until the call ends or the task does not want to wait any more: the first of both counts.
final class Waiter<Value: Sendable>: @unchecked Sendable {
    private let lock = NSLock()
    private var outcome: Value?
    private var waiting: CheckedContinuation<Value, Never>?

    func wait(_ continuation: CheckedContinuation<Value, Never>) {
        let ended = lock.withLock {
            if outcome == nil { waiting = continuation }
            return outcome
        }
        if let ended { continuation.resume(returning: ended) }
    }

    func end(_ value: Value) {
        let continuation = lock.withLock { () -> CheckedContinuation<Value, Never>? in
            guard outcome == nil else { return nil }
            outcome = value
            defer { waiting = nil }
            return waiting
        }
        continuation?.resume(returning: value)
    }
}

/// A call in C, made on a thread of the pool, and the tasks that wait for it. Once none does any more it is cancelled.
final class Flight<Value: Sendable>: Job, @unchecked Sendable {
    typealias Work = @Sendable (_ cancel: NativeCancel, _ waited: Duration) -> Value

    let began = ContinuousClock.now
    private let cancel = NativeCancel()
    private let refused: Value
    private let onEnd: @Sendable (Flight) -> Void
    private let lock = NSLock()
    private var work: Work? // holds the key, so it goes as soon as it is done or not wanted
    private var waiters: [ObjectIdentifier: Waiter<Value>] = [:]
    private var closed = false

    init(refused: Value, work: @escaping Work, onEnd: @escaping @Sendable (Flight) -> Void = { _ in }) {
        self.refused = refused
        self.work = work
        self.onEnd = onEnd
    }

    /// False if this call has ended, or is being cancelled.
    func join(_ waiter: Waiter<Value>) -> Bool {
        lock.withLock {
            if !closed { waiters[ObjectIdentifier(waiter)] = waiter }
            return !closed
        }
    }

    func leave(_ waiter: Waiter<Value>) {
        let abandoned = lock.withLock {
            waiters[ObjectIdentifier(waiter)] = nil
            guard waiters.isEmpty && !closed else { return false }
            closed = true
            work = nil
            return true
        }
        if abandoned {
            cancel.trigger()
            onEnd(self)
        }
    }

    func begin() {
        let work = lock.withLock { () -> Work? in
            defer { self.work = nil }
            return self.work
        }
        if let work { finish(work(cancel, ContinuousClock.now - began)) }
    }

    func refuse() { finish(refused) }

    private func finish(_ value: Value) {
        let waiting = lock.withLock {
            closed = true
            defer { waiters = [:] }
            return waiters.values
        }
        onEnd(self)
        for waiter in waiting { waiter.end(value) }
    }
}
