/// The changes of some keys, as they happen, without a gap. Made by ``EtcdClient/watch(prefix:from:includesPrevious:)``.
///
/// It survives lost connections and restarted servers by going on after the last revision it has told, at whichever
/// endpoint answers, for as long as it takes. What it cannot bridge is a compaction beyond that revision, and a store
/// that was put back from a backup. It notices the latter by the cluster's id or by a revision that went back;
/// ``EtcdClient/follow(prefix:)`` looks closer.
///
///
///     while !Task.isCancelled {
///         let list = try await client.list(prefix: prefix)
///         copy.replace(with: list.kvs)
///         for try await element in client.watch(prefix: prefix, from: list.revision + 1) {
///             switch element {
///             case .events(let events, _): copy.apply(events)
///             case .connected: copy.isLive = true
///             case .disconnected: copy.isLive = false
///             case .progress: break
///             case .compacted, .replaced: break  // the last element: the outer loop lists again
///             }
///         }
///     }
///
/// ``EtcdClient/follow(prefix:)`` is that loop, ready made.
///
/// It ends after `.compacted` or `.replaced` and when its task is cancelled; letting go of the iterator ends the transfer. It throws
/// only what waiting does not cure: no permission, a wrong password, a client that was shut down. Each iterator is a
/// watch of its own.
public struct EtcdWatch: AsyncSequence, Sendable {
    public typealias Element = WatchElement
    public typealias Failure = EtcdError

    let gateway: Gateway
    let keys: KeyRange
    let revision: Int64?
    let includesPrevious: Bool

    public func makeAsyncIterator() -> Iterator {
        Iterator(
            session: WatchSession(gateway: gateway, keys: keys, from: revision, includesPrevious: includesPrevious))
    }

    public struct Iterator: AsyncIteratorProtocol, Sendable {
        let session: WatchSession

        public mutating func next() async throws(EtcdError) -> WatchElement? {
            try await session.next()
        }

        public mutating func next(
            isolation actor: isolated (any Actor)?
        ) async throws(EtcdError) -> WatchElement? {
            try await session.next()
        }
    }
}

extension EtcdClient {
    /// Watches every key that begins with `prefix`. `/v3/watch`.
    ///
    /// - Parameter revision: the first revision of interest; nil for what happens from now on.
    /// - Parameter includesPrevious: each event also brings what the key was before.
    public func watch(prefix: String, from revision: Int64? = nil, includesPrevious: Bool = false) -> EtcdWatch {
        watch(.prefix(prefix), from: revision, includesPrevious: includesPrevious)
    }

    public func watch(key: String, from revision: Int64? = nil, includesPrevious: Bool = false) -> EtcdWatch {
        watch(.key(key), from: revision, includesPrevious: includesPrevious)
    }

    public func watch(_ keys: KeyRange, from revision: Int64? = nil, includesPrevious: Bool = false) -> EtcdWatch {
        EtcdWatch(gateway: gateway, keys: keys, revision: revision, includesPrevious: includesPrevious)
    }
}
