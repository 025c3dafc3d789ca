import VolumeCore

/// Refusals because a client has an image open: said in one way, whichever operation it stops.
extension VolumeError {
    /// - Parameters:
    ///   - why: what is in use, without the clients: `its image rbd/db is in use`.
    ///   - clients: those that Ceph shows.
    static func inUse(
        _ what: String, _ why: String, by clients: [ClientAddress], code: Code = .inUse,
        remedy: String = waitForDeadClient
    ) -> VolumeError {
        VolumeError(
            code, what, why: "\(why) by \(clients.map(\.description).joined(separator: ", "))", remedy: remedy,
            outcome: .refused)
    }

    /// Somebody else has a volume's image open.
    static func imageInUse(_ what: String, _ image: ImageReference, by clients: [ClientAddress]) -> VolumeError {
        inUse(
            what, "its image \(image) is in use", by: clients,
            remedy: "\(waitForDeadClient); if the client is still there, find it with 'rbd status \(image)' and unmap"
                + " the image on its host")
    }

    /// Nobody can tell a client that has died from one that lives until Ceph drops it.
    static let waitForDeadClient = "Ceph drops a dead client after about 30 seconds: try again then"
}
