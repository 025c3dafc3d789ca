import Blocking
import Glibc
import Logging
import Synchronization
import VolumeCore

/// The one connection to Ceph that everything shares: made on first use or in the
/// background, and made anew when it breaks.
///
/// Connecting never blocks a caller for longer than its own deadline, happens once however
/// many callers wait for it, and a failure is no more than the answer to those who waited:
/// the next call tries again.
public actor CephConnection {
    /// How the connection stands, for health checks.
    public enum Status: Sendable {
        /// Nobody has asked for it yet, or it broke and the next call makes it anew.
        case disconnected(lastError: CephError?)
        case connecting(lastError: CephError?)
        case connected(fsid: String, clientID: UInt64)
        case closed
    }

    private enum State {
        case disconnected
        case connecting
        case connected(CephCluster)
        case closed
    }

    /// Notes the addresses that a new connection has. Blocking.
    public typealias Noting = @Sendable ([ClientAddress]) throws -> Void

    public nonisolated let settings: CephSettings
    /// Where the calls run, each in the lane of its pool: one that hangs leaves threads for the others.
    package nonisolated let calls: BlockingPool
    /// Where connecting and closing run, so that they never wait behind stuck calls.
    nonisolated let upkeep: BlockingPool
    private let logger: Logger
    private let note: Noting?
    /// Images that a look has left open for the next one.
    nonisolated let looks = KeptImages()
    /// New images that wait for their names.
    nonisolated let finished = KeptImages()
    /// How many entries the blocklist had when it was last read.
    nonisolated let blocklistLength = Atomic(-1)

    private var state = State.disconnected
    private var lastError: CephError?
    private var waiters: [UInt64: OneShot<CephCluster>] = [:]
    private var nextWaiter: UInt64 = 0
    private var keepsTrying = false
    private var retry: Task<Void, Never>?

    /// - Parameter noting: notes the addresses, for the run that comes after this one is killed.
    public init(settings: CephSettings, noting: Noting? = nil, logger: Logger) {
        self.settings = settings
        note = noting
        self.logger = logger
        self.calls = BlockingPool(name: "ceph-call", perLane: settings.callsPerPool)
        self.upkeep = BlockingPool(name: "ceph-upkeep", perLane: 4)
    }

    deinit {
        if case .connected(let cluster) = state { shutDown(cluster) }
        calls.shutdown()
        upkeep.shutdown()
    }

    public var status: Status {
        switch state {
        case .disconnected: .disconnected(lastError: lastError)
        case .connecting: .connecting(lastError: lastError)
        case .connected(let cluster): .connected(fsid: cluster.fsid, clientID: cluster.instanceID)
        case .closed: .closed
        }
    }

    /// Starts to connect in the background and goes on trying until it works, so that a
    /// cluster that appears later is found without anybody asking. Returns at once.
    public func start() {
        keepsTrying = true
        beginConnecting()
    }

    /// Makes a new connection: the old one is left to the images that are still open on it
    /// and shut down after the last of them.
    /// - Throws: ``CephError`` when the new one cannot be made before `timeout`.
    public func reconnect(timeout: Duration? = nil) async throws {
        if case .connected(let cluster) = state { retire(cluster) }
        _ = try await cluster(by: deadline(timeout), for: .reading("rados_connect", subject))
    }

    /// Makes a new connection when the user's key in the files is another one than the present connection has: that lives
    /// on its tickets, and ends with them. The old connection stays when the new key opens nothing.
    /// - Returns: whether there is a new connection.
    /// - Throws: ``CephError`` when there is a new key and it is of no use.
    public func takeUpNewKey() async throws -> Bool {
        // Whoever connects reads the files anyway.
        guard case .connected(let present) = state else { return false }
        let call = CephCall.reading("rados_conf_get", .option("keyring"))
        let (upkeep, user, limit) = (upkeep, settings.user, settings.timeouts.call)
        let key = try await translating(call) {
            try await upkeep.run(call.name, timeout: limit) {
                try present.withUnsafeCluster(call) { ClientKey.read(user, $0) }
            }
        }
        guard let key, key != present.key else { return false }
        let cluster = try await makeCluster()
        guard case .connected(let still) = state, still === present else {
            shutDown(cluster)
            return false
        }
        state = .connected(cluster)
        shutDown(present)
        return true
    }

    /// Disconnects for good: new calls are refused. Images that are still open can be used
    /// and closed; the threads end when nothing refers to the connection any more.
    /// - Throws: ``CephError`` with `EBUSY` when images are open or calls are running: the last
    ///   of them disconnects; `ETIMEDOUT` when `timeout` passes.
    public func close(timeout: Duration? = nil) async throws {
        let previous = state
        state = .closed
        keepsTrying = false
        retry?.cancel()
        let call = CephCall.reading("rados_shutdown", subject)
        answer(.failure(call.error(ECANCELED, detail: "the connection has been closed")))
        guard case .connected(let cluster) = previous else { return }
        let (upkeep, kept, limit) = (upkeep, [looks, finished], timeout ?? settings.timeouts.call)
        let closing = try await translating(call) {
            try await upkeep.run(call.name, timeout: limit) {
                for each in kept { each.closeNow() }
                return cluster.close()
            }
        }
        if case .deferred = closing {
            throw call.error(EBUSY, detail: "images are still open, or calls are still running")
        }
    }

    // MARK: Calls

    /// Runs `body` with the connected cluster on a thread for blocking calls.
    /// - Parameters:
    ///   - timeout: the deadline of it all, connecting included.
    ///   - onLate: is given a result that nobody waits for any more.
    nonisolated func perform<T: Sendable>(
        _ call: CephCall, timeout: Duration? = nil,
        onLate: (@Sendable (Result<T, any Error>) -> Void)? = nil,
        _ body: @escaping @Sendable (CephCluster) throws -> T
    ) async throws -> T {
        try call.refuseNUL(in: call.subject.texts)
        let deadline = deadline(timeout)
        let cluster = try await cluster(by: deadline, for: call)
        return try await perform(call, on: cluster, by: deadline, onLate: onLate) { try body(cluster) }
    }

    /// Runs `body` with a pool open, on a thread for blocking calls.
    nonisolated func withPool<T: Sendable>(
        _ location: ImageLocation, _ call: CephCall, timeout: Duration? = nil,
        _ body: @escaping @Sendable (borrowing CephPool) throws -> T
    ) async throws -> T {
        try await perform(call, timeout: timeout) { cluster in try cluster.withPool(location, body) }
    }

    /// Runs a call that belongs to one cluster handle, such as one on an open image. An error
    /// that says the connection is broken retires that connection.
    nonisolated func perform<T: Sendable>(
        _ call: CephCall, on cluster: CephCluster, by deadline: ContinuousClock.Instant,
        onLate: (@Sendable (Result<T, any Error>) -> Void)? = nil,
        _ body: @escaping @Sendable () throws -> T
    ) async throws -> T {
        do {
            return try await translating(call) {
                try await calls.run(
                    call.name, in: call.subject.pool ?? "", timeout: ContinuousClock.now.duration(to: deadline),
                    onLate: onLate, body)
            }
        } catch let error as CephError where error.breaksConnection {
            await retireBroken(cluster, error)
            throw error
        }
    }

    nonisolated func deadline(_ timeout: Duration?) -> ContinuousClock.Instant {
        ContinuousClock.now.advanced(by: timeout ?? settings.timeouts.call)
    }

    private nonisolated var subject: CephSubject { .cluster(settings.clusterName) }

    private nonisolated func translating<T: Sendable>(
        _ call: CephCall, _ body: @Sendable () async throws -> T
    ) async throws -> T {
        do {
            return try await body()
        } catch let error as BlockingPoolError {
            throw call.error(error)
        }
    }

    // MARK: Connecting

    /// The connected cluster; waits for it until the deadline.
    func cluster(by deadline: ContinuousClock.Instant, for call: CephCall) async throws -> CephCluster {
        switch state {
        case .connected(let cluster):
            return cluster
        case .closed:
            throw call.error(ENOTCONN, detail: "the connection has been closed")
        case .disconnected, .connecting:
            beginConnecting()
            return try await waitForCluster(by: deadline)
        }
    }

    private func waitForCluster(by deadline: ContinuousClock.Instant) async throws -> CephCluster {
        let waiter = OneShot<CephCluster>()
        let id = nextWaiter
        nextWaiter += 1
        waiters[id] = waiter
        defer { waiters[id] = nil }
        let late = unreachable
        let timer = Task {
            do { try await Task.sleep(until: deadline, clock: .continuous) } catch { return }
            waiter.complete(.failure(late))
        }
        defer { timer.cancel() }
        return try await withTaskCancellationHandler {
            try await waiter.wait()
        } onCancel: {
            waiter.complete(.failure(CancellationError()))
        }
    }

    /// What those are told who cannot wait any longer: nothing was sent to the cluster.
    private var unreachable: CephError {
        CephError(
            call: "rados_connect", subject: subject, code: ETIMEDOUT, outcome: .refused,
            detail: lastError.map { "still connecting; the last attempt failed: \($0)" } ?? "still connecting")
    }

    private func beginConnecting() {
        guard case .disconnected = state else { return }
        state = .connecting
        retry?.cancel()
        Task { await connect() }
    }

    /// One attempt. There is never more than one: librados goes on asking the monitors long
    /// after its own time-out, and an attempt that is under way is the first to succeed.
    private func connect() async {
        do {
            connected(.success(try await makeCluster()))
        } catch {
            connected(.failure(error))
        }
    }

    private func makeCluster() async throws -> CephCluster {
        let (settings, upkeep, note, logger) = (settings, upkeep, note, logger)
        let call = CephCall.reading("rados_connect", subject)
        return try await translating(call) {
            try await upkeep.run(
                call.name, timeout: settings.timeouts.connect * 20,
                onLate: { late in if case .success(let cluster) = late { _ = cluster.close() } },
                { try Self.connect(settings, noting: note, background: upkeep, logger) })
        }
    }

    /// Notes the new client before the first image is opened through it.
    private static func connect(
        _ settings: CephSettings, noting note: Noting?, background: BlockingPool, _ logger: Logger
    ) throws -> CephCluster {
        let cluster = try CephCluster.connect(settings, background: background)
        do {
            try note?(cluster.addresses(.reading("rados_getaddrs", cluster.subject)))
        } catch {
            logger.warning(
                "cannot note this client's address; after a crash, its watches last until Ceph drops them",
                metadata: ["error": "\(error)"])
        }
        return cluster
    }

    private func connected(_ result: Result<CephCluster, any Error>) {
        if case .closed = state {
            if case .success(let cluster) = result { shutDown(cluster) }
            return
        }
        switch result {
        case .success(let cluster):
            state = .connected(cluster)
            lastError = nil
            logger.info(
                "connected to Ceph", metadata: ["fsid": "\(cluster.fsid)", "client": "client.\(cluster.instanceID)"])
        case .failure(let error):
            state = .disconnected
            lastError = error as? CephError
            logger.warning("cannot connect to Ceph", metadata: ["error": "\(error)"])
            if keepsTrying { tryAgainLater() }
        }
        answer(result)
    }

    private func answer(_ result: Result<CephCluster, any Error>) {
        for waiter in waiters.values { waiter.complete(result) }
    }

    private func tryAgainLater() {
        let interval = settings.retryInterval
        retry = Task { [weak self] in
            do { try await Task.sleep(for: interval) } catch { return }
            await self?.beginConnecting()
        }
    }

    // MARK: A broken connection

    private func retireBroken(_ cluster: CephCluster, _ error: CephError) {
        guard case .connected(let current) = state, current === cluster else { return }
        lastError = error
        logger.warning("the connection to Ceph broke", metadata: ["error": "\(error)"])
        retire(cluster)
        if keepsTrying { beginConnecting() }
    }

    private func retire(_ cluster: CephCluster) {
        state = .disconnected
        shutDown(cluster)
    }

    private nonisolated func shutDown(_ cluster: CephCluster) {
        upkeep.submit("rados_shutdown") { [looks, finished] in
            // Those that are open on it.
            for kept in [looks, finished] { kept.closeNow() }
            _ = cluster.close()
        }
    }
}
