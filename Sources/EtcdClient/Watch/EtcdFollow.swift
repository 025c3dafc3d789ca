/// What a follower of a prefix is told.
public enum FollowElement: Sendable, Equatable {
    /// A page of everything there is. A first one begins a reading, and makes pages of one that was broken off void.
    case page([KeyValue], isFirst: Bool)
    /// The reading is complete: its pages are everything there is, as of this revision, and replace all that was told
    /// before. So it begins, and so it goes on after each gap.
    case snapshot(revision: Int64)
    /// What has changed since; see ``WatchElement/events(_:revision:)``.
    case events([WatchEvent], revision: Int64)
    case progress(revision: Int64)
    /// The copy is kept up to date from here on.
    case connected(revision: Int64)
    /// The copy may be out of date until `connected`.
    case disconnected(EtcdError)
}

/// The content of a prefix and all its changes: lists, watches, and lists again where history was compacted away.
///
/// Ends when its task is cancelled. Throws as ``EtcdWatch`` does.
public struct EtcdFollow: AsyncSequence, Sendable {
    public typealias Element = FollowElement
    public typealias Failure = EtcdError

    let client: EtcdClient
    let prefix: String

    public func makeAsyncIterator() -> Iterator {
        Iterator(client: client, prefix: prefix, backoff: Backoff(client.gateway.configuration.watch))
    }

    public struct Iterator: AsyncIteratorProtocol, Sendable {
        let client: EtcdClient
        let prefix: String
        var backoff: Backoff
        var pause = Duration.zero
        var lossTold = false
        var pages: Pages?
        var watch: EtcdWatch.Iterator?

        public mutating func next() async throws(EtcdError) -> FollowElement? {
            try await next(isolation: nil)
        }

        public mutating func next(
            isolation actor: isolated (any Actor)?
        ) async throws(EtcdError) -> FollowElement? {
            while !Task.isCancelled {
                if let element = try await watchedElement() { return element }
                if !Task.isCancelled, let element = try await listedElement() { return element }
            }
            watch = nil
            return nil
        }

        /// nil when there is no watch, or it has ended.
        private mutating func watchedElement() async throws(EtcdError) -> FollowElement? {
            switch try await watch?.next() {
            case .connected(let revision): return .connected(revision: revision)
            case .events(let events, let revision): return .events(events, revision: revision)
            case .progress(let revision): return .progress(revision: revision)
            case .disconnected(let error): return .disconnected(error)
            case .compacted, nil:
                watch = nil
                return nil
            }
        }

        /// nil after a failure that has been told already.
        private mutating func listedElement() async throws(EtcdError) -> FollowElement? {
            try? await Task.sleep(for: pause)
            pause = .zero
            var reading = pages ?? Pages(of: client, prefix: prefix)
            do throws(EtcdError) {
                if let page = try await reading.next() {
                    pages = reading
                    return .page(page.kvs, isFirst: page.isFirst)
                }
                pages = nil
                watch = client.watch(prefix: prefix, from: reading.revision + 1).makeAsyncIterator()
                backoff.reset()
                lossTold = false
                return .snapshot(revision: reading.revision)
            } catch {
                pages = nil
                guard error.code != .cancelled else { return nil }
                guard !error.isLasting else { throw error }
                pause = backoff.next()
                defer { lossTold = true }
                return lossTold ? nil : .disconnected(error)
            }
        }
    }
}

extension EtcdClient {
    /// Follows every key that begins with `prefix`, from all there is now.
    public func follow(prefix: String) -> EtcdFollow {
        EtcdFollow(client: self, prefix: prefix)
    }
}
