import RBDDriver
import Synchronization
import VolumeCore

extension Mutation {
    func applyToFence(_ ports: inout DriverPorts) {
        var fence = AlteredFence(ports.fence)
        let real = ports.fence
        switch self {
        case .fenceDoesNothing: fence.blocklisting = { _, _ in }
        case .fenceComesLate:
            // Postponed until the image is mapped.
            let postponed = Postponed()
            fence.blocklisting = { client, _ in postponed.clients.withLock { $0.append(client) } }
            var mapper = AlteredMapper(ports.mapper)
            mapper.mapping = { [base = mapper.base] image, id, access, options in
                for client in postponed.clients.withLock({ $0 }) {
                    try await real.blocklist(client, for: .seconds(1_000_000_000))
                }
                postponed.clients.withLock { $0 = [] }
                return try await base.map(image, id: id, for: access, options: options)
            }
            ports.mapper = mapper
        case .fenceIsShort: fence.blocklisting = { client, _ in try await real.blocklist(client, for: .seconds(60)) }
        case .everyoneIsShutOut: fence.looking = { _ in true }
        case .lockOwnersAreNotSeen:
            hideLockOwners(&ports)
        case .wrongClientIsShutOut:
            fence.blocklisting = { client, duration in
                guard let other = ClientAddress(client.text + "9") else { return }
                try await real.blocklist(other, for: duration)
            }
        case .fenceErrorsAreIgnored:
            fence.blocklisting = { client, duration in try? await real.blocklist(client, for: duration) }
        case .nodesNeverDie: ports.nodes = AlteredNodes { _ in true }
        case .leaseExpiryIsTrusted:
            fence.blocklisting = { _, _ in }
            hideWatchers(&ports)
        case .nodesDieEarly:
            let nodes = ports.nodes
            ports.nodes = AlteredNodes { node in
                _ = try await nodes.isAlive(node)
                return false
            }
        default: hideWatchers(&ports)
        }
        ports.fence = fence
    }

    private func hideLockOwners(_ ports: inout DriverPorts) {
        var images = AlteredImages(ports.images)
        images.show { $0.lockOwners = [] }
        ports.images = images
    }

    private func hideWatchers(_ ports: inout DriverPorts) {
        var images = AlteredImages(ports.images)
        images.watching = { _ in [] }
        images.show { $0.watchers = [] }
        ports.images = images
    }
}

/// Clients whose blocklisting was put off.
private final class Postponed: Sendable {
    let clients = Mutex<[ClientAddress]>([])
}
