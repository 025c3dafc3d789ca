import Logging
import VolumeCore

/// A plugin that was killed while it had an image open shows as its watcher for half a minute, and may hold its exclusive
/// lock as long. So does the process of a mapping that was killed. The plugin that was started in its place knows that they
/// are dead, and need not wait.
extension VolumeDriver {
    /// Looks at an image. Earlier runs of this plugin, and its dead mappings, that are among its watchers are shut out first.
    func inspect(_ image: ImageReference) async throws -> ImageDescription? {
        let found = try await ports.images.inspect(image)
        guard let watchers = found?.watchers, !watchers.isEmpty, await shutOutTheDead(among: watchers) else {
            return found
        }
        return try await ports.images.inspect(image)
    }

    private func shutOutTheDead(among watchers: [ClientAddress]) async -> Bool {
        let mappings = await shutOutDeadMappings(among: watchers)
        return await shutOutFormerSelves(among: watchers) || mappings
    }

    /// The clients of this node's mappings whose processes are certain to have ended. That the record of this boot's mount
    /// names one is no reason to leave it alone: it is that mapping's. Whatever else names it is.
    private func shutOutDeadMappings(among watchers: [ClientAddress]) async -> Bool {
        do {
            let dead = try await ports.mapper.deadClients().filter(watchers.contains)
            guard !dead.isEmpty else { return false }
            let others = try await ports.store.readAttachments().values.joined().filter { $0.owner != me }.flatMap(
                \.clients)
            let living = Set(try await ports.mapper.mapped().compactMap(\.client) + others)
            let certain = dead.filter { !living.contains($0) }
            for client in certain {
                if try await shutOutDead(client) {
                    log.info("shut out the client of a killed mapping", metadata: ["client": "\(client)"])
                }
                try await ports.mapper.forgetDeadClient(client)
            }
            return !certain.isEmpty
        } catch {
            log.info(
                "could not shut out the client of a killed mapping; Ceph drops it in time",
                metadata: ["error": "\(error)"])
            return false
        }
    }

    /// Does something with an image that nobody may have open. A run of this plugin that was killed over the image still counts as
    /// having it open, and may hold its lock: it is shut out first, and then `body` is tried once more.
    func despiteFormerSelves(_ body: () async throws -> Void) async throws {
        do {
            try await body()
        } catch let error as VolumeError where error.code == .busy {
            guard await shutOutFormerSelves() else { throw error }
            try await body()
        }
    }

    /// - Parameter watchers: who is in the way; `nil` when that cannot be told.
    /// - Returns: whether it is worth trying again. Without success all is as it was, and time does the same.
    func shutOutFormerSelves(among watchers: [ClientAddress]? = nil) async -> Bool {
        do {
            let dead = try await ports.formerClients.all().filter { watchers?.contains($0) ?? true }
            guard !dead.isEmpty else { return false }
            let mapped = try await clientsOfMappings()
            for client in dead {
                guard !mapped.contains(client) else {
                    log.error(
                        "left alone a killed plugin's client that a mapping has too", metadata: ["client": "\(client)"])
                    continue
                }
                if try await shutOutDead(client) {
                    log.info("shut out the client of a killed plugin", metadata: ["client": "\(client)"])
                }
                try await ports.formerClients.forget(client)
            }
            return true
        } catch {
            log.info(
                "could not shut out the client of a killed plugin; Ceph drops it in time",
                metadata: ["error": "\(error)"])
            return false
        }
    }

    /// Shuts out a client that is dead. For the dead an entry that stands already is good enough: of librbd when it broke a
    /// lock, or of an operator who would not wait.
    /// - Returns: whether there was none.
    @discardableResult
    func shutOutDead(_ client: ClientAddress) async throws -> Bool {
        if try await ports.fence.isBlocklisted(client) { return false }
        try await ports.fence.blocklist(client, for: settings.blocklistExpiry)
        return true
    }

    /// Every client that may have a filesystem: by the records of all nodes, and by what this node's mapper says. None of
    /// them can be an earlier run of the plugin; this makes it certain.
    private func clientsOfMappings() async throws -> Set<ClientAddress> {
        let recorded = try await ports.store.readAttachments().values.joined().flatMap { attachment in
            attachment.clients + (attachment.fenced?.clients ?? [])
        }
        return Set(recorded + (try await ports.mapper.mapped()).compactMap(\.client))
    }
}
