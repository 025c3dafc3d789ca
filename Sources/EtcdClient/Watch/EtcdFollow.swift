/// What ``EtcdFollow`` delivers.
public enum FollowElement: Sendable, Equatable {
    /// A page of all the keys. The first page begins a reading, and makes the pages of an interrupted reading void.
    case page([KeyValue], isFirst: Bool)
    /// The reading is complete. Its pages are all the keys as of this revision, and replace everything delivered before.
    /// A follower begins with a reading, and reads again where history was compacted away or replaced.
    case snapshot(revision: Int64)
    /// The changes since then; see ``WatchElement/events(_:revision:)``.
    case events([WatchEvent], revision: Int64)
    case progress(revision: Int64)
    /// etcd may have been restored from a backup, or may be another cluster. Everything delivered so far is void, and its
    /// revisions mean nothing now. A new reading follows.
    case replaced
    /// From here on the copy is up to date.
    case connected(revision: Int64)
    /// The copy may be out of date until `connected`.
    case disconnected(EtcdError)
}

/// The content of a range of keys and all its changes: it lists, watches, and lists again if history was compacted away.
///
/// After each gap it checks that etcd still has the history that it delivered, by looking for the last write in it.
/// Otherwise a restored backup would pass for the same history once its revisions have grown as far. After such a check it
/// may deliver deletions since that write a second time.
///
/// It ends when its task is cancelled, and throws like ``EtcdWatch``.
public struct EtcdFollow: AsyncSequence, Sendable {
    public typealias Element = FollowElement
    public typealias Failure = EtcdError

    let client: EtcdClient
    let keys: KeyRange

    public func makeAsyncIterator() -> Iterator {
        Iterator(client: client, keys: keys, backoff: Backoff(client.gateway.configuration.watch))
    }

    public struct Iterator: AsyncIteratorProtocol, Sendable {
        let client: EtcdClient
        let keys: KeyRange
        var backoff: Backoff
        var pause = Duration.zero
        var lossTold = false
        var pages: Pages?
        var watch: EtcdWatch.Iterator?
        /// The last write that was told.
        var anchor: KeyValue?
        /// The connection was lost since the history was last known to be the one that was told: until it is known again
        /// nothing is told of it.
        var isInDoubt = false

        public mutating func next() async throws(EtcdError) -> FollowElement? {
            try await next(isolation: nil)
        }

        public mutating func next(
            isolation actor: isolated (any Actor)?
        ) async throws(EtcdError) -> FollowElement? {
            while !Task.isCancelled {
                if let element = try await watchedElement() { return element }
                if watch == nil, !Task.isCancelled, let element = try await listedElement() { return element }
            }
            watch = nil
            return nil
        }

        /// nil when there is no watch, when it has ended, and when another one takes its place.
        private mutating func watchedElement() async throws(EtcdError) -> FollowElement? {
            guard watch != nil else { return nil }
            switch try await watch?.next() {
            case .connected(let revision):
                if isInDoubt { return await elementAfterGap() }
                return .connected(revision: revision)
            case .events(let events, let revision):
                if let write = events.lazy.compactMap(\.keyValue).max(by: { $0.modRevision < $1.modRevision }) {
                    anchor = write
                }
                return .events(events, revision: revision)
            case .progress(let revision): return .progress(revision: revision)
            case .disconnected(let error):
                isInDoubt = true
                if error.code == .answerTooLarge {
                    // What is in the way of the watch is passed by reading everything anew, though not at once again and again.
                    watch = nil
                    pause = client.gateway.configuration.watch.longestBackoff
                }
                return .disconnected(error)
            case .replaced: return startAnew()
            case .compacted, nil:
                watch = nil
                return isInDoubt && !Task.isCancelled ? startAnew() : nil
            }
        }

        /// What was told is void; a reading follows.
        private mutating func startAnew() -> FollowElement {
            (watch, isInDoubt) = (nil, false)
            return .replaced
        }

        /// Goes on from the last write that was told if etcd still has it as it was told: everything since then, told or
        /// not, is told again. While etcd cannot be asked, the doubt stays.
        private mutating func elementAfterGap() async -> FollowElement? {
            watch = nil
            guard let anchor else { return startAnew() }
            var request = RangeRequest(KeyRange(start: anchor.keyBytes, end: nil))
            request.revision = anchor.modRevision
            do throws(EtcdError) {
                guard try await client.range(request).kvs.first == anchor else { return startAnew() }
                isInDoubt = false
            } catch {
                // Refused is a revision in the future, which this history has not seen.
                if error.code == .refused || error.code == .compacted { return startAnew() }
                try? await Task.sleep(for: backoff.next())
            }
            watch = client.watch(keys, from: anchor.modRevision + 1).makeAsyncIterator()
            return nil
        }

        /// nil after a failure that has been told already.
        private mutating func listedElement() async throws(EtcdError) -> FollowElement? {
            try? await Task.sleep(for: pause)
            pause = .zero
            var reading = pages ?? Pages(of: client, keys)
            do throws(EtcdError) {
                if let page = try await reading.next() {
                    pages = reading
                    if page.isFirst { (anchor, isInDoubt) = (nil, false) }
                    let last = page.kvs.max { $0.modRevision < $1.modRevision }
                    if let last, last.modRevision > anchor?.modRevision ?? 0 { anchor = last }
                    return .page(page.kvs, isFirst: page.isFirst)
                }
                pages = nil
                watch = client.watch(keys, from: reading.revision + 1).makeAsyncIterator()
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
    /// Follows every key that begins with `prefix`, beginning with the present ones.
    public func follow(prefix: String) -> EtcdFollow {
        follow(.prefix(prefix))
    }

    /// The same of any range of keys.
    public func follow(_ keys: KeyRange) -> EtcdFollow { EtcdFollow(client: self, keys: keys) }
}
