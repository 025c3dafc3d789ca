import VolumeCore

/// Finds out the address of a new mapping by comparing the image's watchers before and after, and with it which image was
/// mapped: the one that it watches. For mappers that do not show it themselves.
struct WatcherDifference: Sendable {
    let look: @Sendable (ImageReference) async throws -> WatchedImage

    /// - Throws: `VolumeError` with code `foreignImage` when the image's id is not `id`.
    func before(_ image: ImageReference, id: String?, _ what: String) async throws -> WatchedImage {
        let found = try await look(image)
        guard id == nil || found.id == id else {
            throw VolumeError.anotherImage(what, image, found: found.id, wanted: id)
        }
        return found
    }

    /// Of a mapping that cannot write nobody needs the address, and others may be made at the same time. Whether such a client
    /// watches at all is its program's affair.
    func client(
        of image: ImageReference, for access: VolumeAccess, since before: WatchedImage, _ what: String
    ) async throws -> ClientAddress? {
        guard access == .readOnly else { return try await newcomer(image, since: before, what) }
        _ = try await self.before(image, id: before.id, what)
        return nil
    }

    /// - Throws: `VolumeError` when there is not exactly one new watcher, since a mapping of unknown address could never be
    ///   fenced; or when the name leads to another image by now, since nobody knows which of the two is mapped.
    func newcomer(
        _ image: ImageReference, since before: WatchedImage, _ what: String
    ) async throws -> ClientAddress {
        var found: Set<ClientAddress> = []
        for attempt in 0..<10 {
            if attempt > 0 { try await Task.sleep(for: .milliseconds(200)) }
            let now = try await look(image)
            guard now.id == before.id else {
                throw VolumeError.anotherImage(what, image, found: now.id, wanted: before.id)
            }
            found = Set(now.watchers).subtracting(before.watchers)
            if let only = found.first, found.count == 1 { return only }
            if found.count > 1 { break }
        }
        let seen = found.isEmpty ? "none" : found.map(\.text).sorted().joined(separator: ", ")
        throw VolumeError(
            .inUse, what,
            why: "the mapping should have added one watcher to the image, but the new watchers are: \(seen)",
            remedy: "see with 'rbd status \(image)' which other clients open it")
    }
}
