import Logging
import VolumeCore

/// A volume's image by its id, whatever its name is by now.
extension ImageStore {
    /// - Returns: `nil` when it does not exist any more.
    func inspect(imageOf volume: VolumeRecord) async throws -> ImageDescription? {
        guard let id = volume.imageID else { return try await inspect(volume.image) }
        return try await inspect(id: id, in: volume.image.trash)
    }

    /// Takes the notes of clients away that are gone or shut out. A note that stays does no harm: the next Mount shuts its
    /// client out once more.
    func forgetWriters(_ clients: Set<ClientAddress>, of volume: VolumeRecord?, log: Logger) async {
        guard let volume, let id = volume.imageID, !clients.isEmpty else { return }
        do {
            try await forgetWriters(clients.sorted { $0.text < $1.text }, in: volume.image, id: id)
        } catch {
            log.debug(
                "could not remove the note of a client that is gone or shut out from its image",
                metadata: ["volume": "\(volume.name)", "error": "\(error)"])
        }
    }
}
