/// The calls for tasks. They run on threads of this package, off the caller's executor and off Swift's and Dispatch's own
/// threads. The end of the task ends a call at once, with the status `cancelled`. Equal calls that meet run on one thread.
extension B2Auth {
    /// Returns a session for this key: from the cache, or by a request to B2. Blank for both means: take the key from
    /// `B2_APPLICATION_KEY_ID` and `B2_APPLICATION_KEY`, or from the database of the b2 command-line tool.
    public static func authorize(
        keyID: String? = nil, key: String? = nil, options: Options = Options()
    ) async throws(B2Error) -> Session {
        try await one(Flights.Identity(keyID, key, options), options) { cancel, waited in
            NativeCalls.authorize(keyID, key, options, cancel, waited: waited)
        }.get()
    }

    /// Returns a session with another token than that of `rejected`, which B2 refused: from the cache if it holds a newer
    /// one, so that a thousand tasks that are refused together cause one request. With `nil` for `rejected` B2 is always
    /// asked.
    public static func reauthorize(
        keyID: String? = nil, key: String? = nil, rejected: Session?, options: Options = Options()
    ) async throws(B2Error) -> Session {
        try await one(Flights.Identity(keyID, key, options, isReauthorize: true, rejected), options) { cancel, waited in
            NativeCalls.reauthorize(keyID, key, rejected, options, cancel, waited: waited)
        }.get()
    }

    /// `authorize` for many keys at once. Each place gets a session or an error; equal places share one request.
    public static func authorizeMany(
        _ credentials: [Credentials], options: Options = Options()
    ) async -> [Result<Session, B2Error>] {
        func all(_ failure: B2Error) -> [Result<Session, B2Error>] {
            Array(repeating: .failure(failure), count: credentials.count)
        }
        return await alone(options.cancel, refused: all(.noThread), ended: all(.ended)) { cancel, waited in
            NativeCalls.authorizeMany(credentials, options, cancel, waited: waited)
        }
    }

    /// The whole job as text: a JSON object, or an array of them, in; JSON out, failures included. The response is a secret:
    /// it may hold a token. The end of the task ends the wait at once, and the call itself in its own time.
    public static func authorizeJSON(_ request: String = "{}") async -> (response: String, status: Status) {
        func failed(_ failure: B2Error) -> (response: String, status: Status) { (failure.runLog, failure.status) }
        return await alone(nil, refused: failed(.noThread), ended: failed(.ended)) { _, _ in
            NativeCalls.authorizeJSON(request)
        }
    }

    /// Walks the way to B2 step by step, as the form that blocks does. The end of its task, or of the `Cancel` in its
    /// options, ends the wait at once with the status `cancelled`, and then there is no report; `totalTimeout` ends it with
    /// one.
    public static func diagnose(
        keyID: String? = nil, key: String? = nil, options: Options = Options()
    ) async throws(B2Error) -> Report {
        try await alone(options.cancel, refused: .failure(.noThread), ended: .failure(.ended)) { cancel, waited in
            NativeCalls.diagnose(keyID, key, options, cancel, waited: waited)
        }.get()
    }

    private static func one(
        _ identity: Flights.Identity, _ options: Options, _ work: @escaping Flight<Flights.Outcome>.Work
    ) async -> Flights.Outcome {
        // Such a call takes no other's result.
        if options.cache == .bypass {
            return await alone(options.cancel, refused: .failure(.noThread), ended: .failure(.ended), work)
        }
        return await wait(options.cancel, ended: .failure(.ended)) { Flights.shared.join(identity, $0, work) }
    }

    private static func alone<Value: Sendable>(
        _ cancel: Cancel?, refused: Value, ended: Value, _ work: @escaping Flight<Value>.Work
    ) async -> Value {
        await wait(cancel, ended: ended) { waiter in
            let flight = Flight(refused: refused, work: work)
            _ = flight.join(waiter)
            ThreadPool.shared.add(flight)
            return flight
        }
    }

    private static func wait<Value: Sendable>(
        _ cancel: Cancel?, ended: Value, _ join: (Waiter<Value>) -> Flight<Value>
    ) async -> Value {
        if Task.isCancelled || cancel?.isTriggered == true { return ended }
        let waiter = Waiter<Value>()
        let flight = join(waiter)
        let leave = { @Sendable in
            waiter.end(ended)
            flight.leave(waiter)
        }
        let registration = cancel?.onTrigger(leave)
        let value = await withTaskCancellationHandler {
            await withCheckedContinuation { waiter.wait($0) }
        } onCancel: {
            leave()
        }
        if let registration { cancel?.remove(registration) }
        return value
    }
}

extension Flights.Identity {
    init(
        _ keyID: String?, _ key: String?, _ options: B2Auth.Options, isReauthorize: Bool = false,
        _ rejected: B2Auth.Session? = nil
    ) {
        self.init(
            keyID: keyID, key: key, rejected: rejected?.use { UInt(bitPattern: $0) }, isReauthorize: isReauthorize, settings: options.settings,
            log: options.sink.map(ObjectIdentifier.init))
    }
}
