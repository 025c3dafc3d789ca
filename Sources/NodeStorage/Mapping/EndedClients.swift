import Synchronization
import VolumeCore

/// The clients whose processes this run of the plugin has ended in good order: the latest ones, in memory. A mapping whose device went
/// with its last mount is cleaned up by whoever lists what is mapped, and whoever wants to unmap it finds it gone.
final class EndedClients: Sendable {
    /// Far more than can be unmapped between a look and the unmapping that follows it.
    private static let most = 1024

    private let latest = Mutex<[ClientAddress]>([])

    func note(_ client: ClientAddress) {
        latest.withLock { latest in
            latest.append(client)
            if latest.count > Self.most { latest.removeFirst(latest.count - Self.most) }
        }
    }

    func contains(_ client: ClientAddress) -> Bool { latest.withLock { $0.contains(client) } }
}
