import FoundationEssentials
import VolumeCore

/// The port `Fence` on librados and librbd.
public struct CephFence: Fence {
    private let call: CephCalls

    public init(connection: CephConnection, clock: any DriverClock) {
        call = CephCalls(connection: connection, clock: clock)
    }

    public func blocklist(_ client: ClientAddress, for duration: Duration) async throws {
        let what = "blocklist client \(client)"
        let entry = try await call(what) { limit in
            try await call.connection.blocklistAdd(client, for: duration, timeout: limit)
        }
        if entry.until < Date.now.addingTimeInterval(Double(duration.components.seconds) / 2) {
            try await prolong(entry, for: duration, what)
        }
    }

    /// An entry that stood already keeps its end, whatever is asked for: a lock that librbd broke leaves one of an hour.
    /// Nobody else has the image mapped while a fence is raised, so that a moment without an entry does no harm.
    private func prolong(_ entry: BlocklistEntry, for duration: Duration, _ what: String) async throws {
        do {
            try await allow(entry.address)
        } catch let error as VolumeError {
            throw VolumeError(
                error.code, what,
                why: "an entry stands that ends at \(entry.until), and it cannot be replaced: \(error.why)",
                remedy: "give the Ceph user the mon cap 'allow command \"osd blocklist\"'", outcome: error.outcome)
        }
        _ = try await call(what) { limit in
            try await call.connection.blocklistAdd(entry.address, for: duration, timeout: limit)
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

    public func lockOwners(of image: ImageReference) async throws -> [ClientAddress] {
        try await call("find out who holds the lock of image \(image)") { limit in
            try await call.images(image).withImage(.name(image.name), .readOnly, timeout: limit) { opened in
                try await opened.lockOwners(timeout: limit).compactMap(\.address)
            }
        }
    }

    public func breakLock(of image: ImageReference, heldBy client: ClientAddress) async throws {
        try await call("break the lock of image \(image)") { limit in
            try await call.images(image).withImage(.name(image.name), .readOnly, timeout: limit) { opened in
                let owners = try await opened.lockOwners(timeout: limit)
                for owner in owners where owner.address == client {
                    try await opened.breakLock(of: owner, timeout: limit)
                }
            }
        }
    }
}
