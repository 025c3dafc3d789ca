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
}
