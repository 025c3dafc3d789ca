import FoundationEssentials
import VolumeCore

/// The port `Fence` on librados and librbd.
public struct CephFence: Fence {
    private let call: CephCalls

    public init(connection: CephConnection, clock: any DriverClock) {
        call = CephCalls(connection: connection, clock: clock)
    }

    public func blocklist(_ client: ClientAddress, for duration: Duration) async throws {
        let entry = try await call("blocklist client \(client)") { limit in
            try await call.connection.blocklistAdd(client, for: duration, timeout: limit)
        }
        guard entry.until >= Date.now.addingTimeInterval(Double(duration.components.seconds) / 2) else {
            throw VolumeError.shortFence(client, until: entry.until.formatted(.iso8601))
        }
    }

    public func isBlocklisted(_ client: ClientAddress) async throws -> Bool {
        try await call("find out whether client \(client) is blocklisted") { limit in
            try await call.connection.blocklist(timeout: limit).contains { $0.address == client }
        }
    }

    public func allow(_ client: ClientAddress) async throws {
        try await call("take client \(client) off the blocklist") { limit in
            try await call.connection.blocklistRemove(client, timeout: limit)
        }
    }

    public func breakLock(of image: ImageReference, heldBy client: ClientAddress) async throws {
        try await call("break the lock of image \(image)") { limit in
            try await call.images(image).withImage(.name(image.name), .readOnly, timeout: limit) { opened in
                let owners = try await opened.lockOwners(timeout: limit)
                _ = try owners.addresses(of: image)
                for owner in owners where owner.address == client {
                    try await opened.breakLock(of: owner, timeout: limit)
                }
            }
        }
    }
}
