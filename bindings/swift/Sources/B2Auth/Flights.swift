import Foundation

/// The calls in flight that other tasks may join. A thousand tasks that want the same have one thread at work, not a thousand
/// that wait.
final class Flights: @unchecked Sendable {
    static let shared = Flights()

    /// What calls must have in common.
    struct Identity: Hashable, Sendable {
        var keyID, key: String?
        var rejected: UInt? // the address of what C knows it by
        var isReauthorize: Bool
        var settings: [Setting]
        var log: ObjectIdentifier?
        var generation: UInt64 = 0
    }

    typealias Outcome = Result<B2Auth.Session, B2Error>

    private let lock = NSLock()
    private var flights: [Identity: Flight<Outcome>] = [:]
    private var generation: UInt64 = 0

    /// For the tests.
    var counts: (flights: Int, generation: UInt64) { lock.withLock { (flights.count, generation) } }

    /// The library's cache has changed: calls that come now must not get what an earlier one found there.
    func forget() { lock.withLock { generation += 1 } }

    /// Puts the waiter on a call of this identity, a new one if none can be joined.
    func join(_ wanted: Identity, _ waiter: Waiter<Outcome>, _ work: @escaping Flight<Outcome>.Work) -> Flight<Outcome> {
        let (flight, isNew) = lock.withLock {
            var identity = wanted
            identity.generation = generation
            if let flight = flights[identity], isJoinable(flight, identity), flight.join(waiter) { return (flight, false) }
            let flight = Flight(refused: Outcome.failure(.noThread), work: work) { [identity] flight in
                self.remove(identity, flight)
            }
            _ = flight.join(waiter)
            flights[identity] = flight
            return (flight, true)
        }
        if isNew { ThreadPool.shared.add(flight) }
        return flight
    }

    private func remove(_ identity: Identity, _ flight: Flight<Outcome>) {
        lock.withLock {
            if flights[identity] === flight { flights[identity] = nil }
        }
    }

    /// A call ends by the clock of its beginning. A caller that joins it may lose a sixteenth of its time, but no more.
    private func isJoinable(_ flight: Flight<Outcome>, _ identity: Identity) -> Bool {
        guard let whole = NativeCalls.Bound.ofOneCall.milliseconds(in: identity.settings) else { return false }
        return whole == 0 || ContinuousClock.now - flight.began <= .milliseconds(whole / 16)
    }
}
