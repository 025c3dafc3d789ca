/// What a device has to do with a volume.
public enum DeviceRelation: Sendable, Hashable, CaseIterable {
    /// It is the volume's image.
    case itsImage
    /// It bears the name of the volume's image and is another image: one that was renamed, or removed, since it was mapped.
    case anotherOfItsName
    /// It bears the name of the volume's image, and nobody can tell which image it is.
    case unknownOfItsName
    case unrelated
}

extension MappedDevice {
    /// Images are known by their id: a name goes from one image to another, an id never does.
    ///
    /// An older version of the plugin has noted no id. Its device is the volume's when the record of the volume's mount names
    /// both the device and the client that writes through it, which no other mapping ever has.
    /// - Parameter recorded: the record of the volume's mount, if there is one.
    public func relation(to volume: VolumeRecord, recorded: Attachment?) -> DeviceRelation {
        if let imageID, imageID == volume.imageID, image.named(volume.image.name) == volume.image { return .itsImage }
        guard image == volume.image else { return .unrelated }
        guard imageID == nil else { return .anotherOfItsName }
        guard let client, let recorded, recorded.volumeUID == volume.uid, recorded.device == path,
            recorded.clients.contains(client)
        else { return .unknownOfItsName }
        return .itsImage
    }
}

extension MappedDevice {
    /// Whether both can be mappings of one image. An id that is not known speaks neither for it nor against it.
    public func mayBeSameImage(as other: MappedDevice) -> Bool {
        image == other.image && (imageID == nil || other.imageID == nil || imageID == other.imageID)
    }

    /// - Parameter now: what is at its path now.
    /// - Throws: `VolumeError` with code `unexplained` when that is another mapping, or none.
    public func refuseIfReplaced(by now: MappedDevice?, _ what: String) throws {
        if let now, now.mayBeSameImage(as: self), now.client == client || now.client == nil { return }
        throw VolumeError(.unexplained, what, why: "its mapping \(path) has ended", remedy: "try again")
    }
}

extension VolumeError {
    /// The name of an image leads to another image than the one that was meant.
    public static func anotherImage(
        _ what: String, _ image: ImageReference, found: String?, wanted: String?
    ) -> VolumeError {
        VolumeError(
            .foreignImage, what,
            why:
                "the name \(image) belongs to the image with id \(found ?? "?"), not to the one with id \(wanted ?? "?")",
            remedy: "see 'rbd info \(image)', and put the volume's own image back in its place; nothing was mapped",
            outcome: .refused)
    }
}
