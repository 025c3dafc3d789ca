/// The changes of some keys, as they happen, without a gap. ``EtcdClient/watch(prefix:from:includesPrevious:)`` makes it.
///
/// It survives lost connections and restarted servers: it continues after the last revision that it delivered, at any
/// endpoint that answers, however long that takes. It cannot bridge a compaction beyond that revision, or a store that was
/// restored from a backup. It notices a restored store by the cluster's id, or by a revision that went back;
/// ``EtcdClient/follow(prefix:)`` notices more.
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
/// ``EtcdClient/follow(prefix:)`` is that loop, ready to use.
///
/// It ends after `.compacted` or `.replaced`, and when its task is cancelled. Releasing the iterator ends the transfer. It
/// throws only errors that waiting does not cure: no permission, a wrong password, a client that was shut down. Each
/// iterator is a separate watch.
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
    /// - Parameter revision: the first revision to deliver; nil for changes from now on.
    /// - Parameter includesPrevious: whether each event also carries the key as it was before.
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
