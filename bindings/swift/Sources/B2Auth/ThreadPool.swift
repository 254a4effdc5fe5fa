import CB2AuthBridge
import Foundation

/// What the pool does: `begin` on one of its threads, or `refuse` if no thread can be had.
protocol Job: Sendable {
    func begin()
    func refuse()
}

/// Threads for calls that block. They are not Swift's, which are as many as there are processors and must not wait, nor
/// Dispatch's, which others share. There are never more than `limit`, and without work they end after a while.
final class ThreadPool: @unchecked Sendable {
    static let shared = ThreadPool()

    private let limit: Int
    private let idleTimeout: TimeInterval
    private let start: @Sendable (ThreadPool) -> Bool
    private let condition = NSCondition()
    private var jobs: [any Job] = []
    private var next = 0 // of the jobs; those before it have begun
    private var threads = 0
    private var idle = 0

    init(limit: Int = 64, idleTimeout: TimeInterval = 5, start: @escaping @Sendable (ThreadPool) -> Bool = { $0.startThread() }) {
        self.limit = limit
        self.idleTimeout = idleTimeout
        self.start = start
    }

    /// How many threads there are, and how many of them are in a call; for the tests.
    var counts: (threads: Int, working: Int) { condition.withLock { (threads, threads - idle) } }

    func add(_ job: any Job) {
        let refused = condition.withLock { () -> [any Job] in
            jobs.append(job)
            condition.signal()
            if jobs.count - next > idle && threads < limit {
                if start(self) {
                    threads += 1
                } else if threads == 0 {
                    return takeAll()
                }
            }
            return []
        }
        for job in refused { job.refuse() }
    }

    private func startThread() -> Bool {
        let pool = Unmanaged.passRetained(self)
        let status = bridge_start_thread(
            { pool in
                bridge_name_thread()
                if let pool { Unmanaged<ThreadPool>.fromOpaque(pool).takeRetainedValue().work() }
                return nil
            }, pool.toOpaque())
        if status != 0 { pool.release() }
        return status == 0
    }

    func work() {
        condition.lock()
        while let job = take() {
            condition.unlock()
            job.begin()
            condition.lock()
        }
        threads -= 1
        condition.unlock()
    }

    /// The next job, or `nil` if none came for a while. The lock is held.
    private func take() -> (any Job)? {
        let deadline = Date(timeIntervalSinceNow: self.idleTimeout)
        while next == jobs.count {
            idle += 1
            let signalled = condition.wait(until: deadline)
            idle -= 1
            if !signalled && next == jobs.count { return nil }
        }
        defer {
            next += 1
            if next == jobs.count || next >= 1024 {
                jobs.removeFirst(next)
                next = 0
            }
        }
        return jobs[next]
    }

    private func takeAll() -> [any Job] {
        defer { (jobs, next) = ([], 0) }
        return Array(jobs[next...])
    }
}
