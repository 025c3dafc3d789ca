/// Which clients of an image have to be shut out before this node may go on.
public enum ClientRule {
    /// The clients that a record names and that nothing accounts for: the record must not stop naming them while they may
    /// still write.
    /// - Parameter accounted: clients whose devices this operation has unmapped, or which this node still has mapped.
    public static func unaccounted(_ attachment: Attachment, besides accounted: Set<ClientAddress>) -> [ClientAddress] {
        attachment.clients.filter { !accounted.contains($0) }
    }

    /// The holders of an image's lock that are no device of this node. Asked when nobody else watches the image: so they
    /// have died, or are paused.
    public static func silent(_ lockOwners: [ClientAddress], besides mine: Set<ClientAddress>) -> [ClientAddress] {
        lockOwners.filter { !mine.contains($0) }
    }

    /// Those of an image's writers that no device of this node is, when nobody else has it open: their records are lost.
    public static func forgotten(_ image: ImageDescription, besides mine: Set<ClientAddress>) -> [ClientAddress] {
        image.writers.filter { !mine.contains($0) }
    }

    /// The clients of an earlier boot whose entries on the blocklist protect nothing any more.
    /// - Parameter shutOut: whom the fence has just shut out, because the image knew them. What else a record names may be on
    ///   the blocklist for another's sake.
    public static func over(_ former: Attachment, shutOut: [ClientAddress]) -> [ClientAddress] {
        former.clients.filter(shutOut.contains)
    }

    /// What is to be done about a client that a record names. Whoever may write to etcd can write any address there; who
    /// may write to the image, Ceph knows.
    /// - Parameters:
    ///   - image: the volume's image as it is found by its id; `nil` when it does not exist any more.
    ///   - writersAreNoted: as the record says.
    public static func standing(
        of client: ClientAddress, with image: ImageDescription?, of volume: VolumeRecord, writersAreNoted: Bool
    ) -> ClientStanding {
        guard let image else { return .harmless }
        guard image.uid == volume.uid else { return .unknown }
        if image.writers.contains(client) || image.isOpen(by: client) { return .mayWrite }
        return writersAreNoted ? .harmless : .unknown
    }
}

/// What an image says of a client that the record of a mount names.
public enum ClientStanding: Sendable, Hashable, CaseIterable {
    /// It may write: it has to be shut out.
    case mayWrite
    /// It is gone, or there is nothing left that it could write to.
    case harmless
    /// Nobody can tell whose client it is.
    case unknown
}

extension ImageDescription {
    /// Whether Ceph sees the client with the image: as a watcher, or as the holder of its lock.
    public func isOpen(by client: ClientAddress) -> Bool { watchers.contains(client) || lockOwners.contains(client) }
}

extension VolumeError {
    /// A record names a client that the image does not know, and the record is of a version that noted none there.
    public static func unknownClient(_ client: ClientAddress, _ what: String, _ image: ImageReference) -> VolumeError {
        VolumeError(
            .unexplained, what,
            why:
                "its record names the client \(client), which the image \(image) does not know: it may be anybody's",
            remedy: "find out whose client it is; if it is the former node's, shut it out by hand with"
                + " 'ceph osd blocklist add \(client) 315360000' and try again; see docs/operations.md",
            outcome: .refused)
    }
}
