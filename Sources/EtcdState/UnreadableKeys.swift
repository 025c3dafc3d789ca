import Logging
import Synchronization
import VolumeCore

/// Tells of keys in etcd that cannot be read: of each one once, and again when it has changed.
public final class UnreadableKeys: Sendable {
    /// Any number of strange keys can be written below the prefix. Beyond so many the oldest news is forgotten, and told again.
    private static let most = 1000

    /// The revisions that were told of.
    private let told = Mutex<[String: Int64]>([:])
    private let tell: @Sendable (VolumeError) -> Void

    public init(tell: @escaping @Sendable (VolumeError) -> Void) { self.tell = tell }

    public convenience init(log: Logger) {
        self.init { log.warning("left out an etcd key that cannot be read", metadata: ["error": "\($0)"]) }
    }

    func report(_ error: VolumeError, of key: String, revision: Int64) {
        let isNews = told.withLock { told in
            if told[key] == nil, told.count >= Self.most { told = [:] }
            return told.updateValue(revision, forKey: key) != revision
        }
        if isNews { tell(error) }
    }
}
