import VolumeCore

/// Finds out the address of a new mapping by comparing the image's watchers before and after. For mappers that do not
/// show it themselves.
struct WatcherDifference: Sendable {
    let watchers: @Sendable (ImageReference) async throws -> [ClientAddress]

    func before(_ image: ImageReference) async throws -> Set<ClientAddress> { Set(try await watchers(image)) }

    /// - Throws: `VolumeError` when there is not exactly one new watcher: a mapping of unknown address could never be
    ///   fenced.
    func newcomer(
        _ image: ImageReference, since before: Set<ClientAddress>, _ what: String
    ) async throws -> ClientAddress {
        var found: Set<ClientAddress> = []
        for attempt in 0..<10 {
            if attempt > 0 { try await Task.sleep(for: .milliseconds(200)) }
            found = Set(try await watchers(image)).subtracting(before)
            if let only = found.first, found.count == 1 { return only }
            if found.count > 1 { break }
        }
        let seen = found.isEmpty ? "none" : found.map(\.text).sorted().joined(separator: ", ")
        throw VolumeError(
            .inUse, what, why: "one new watcher of the image was expected, but there is \(seen)",
            remedy: "find out with 'rbd status \(image)' who else opens it")
    }
}
