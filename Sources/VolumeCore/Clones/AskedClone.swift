/// What the options `from` and `from-snapshot` name.
public struct AskedClone: Sendable, Hashable {
    public let volume: VolumeName
    /// `nil` for the volume as it is now.
    public let snapshot: SnapshotName?

    /// - Returns: `nil` when the volume is to be no clone.
    /// - Throws: `VolumeError` with code `invalidOption`.
    init?(_ given: [VolumeOption: String]) throws(VolumeError) {
        snapshot = try given[.fromSnapshot].map(Self.snapshot)
        guard let text = given[.from] else {
            guard snapshot != nil else { return nil }
            throw VolumeError.refusedCreate(
                "from-snapshot is given without from", remedy: "add '-o from=VOLUME', whose snapshot it is")
        }
        guard let volume = try? VolumeName(given: text) else {
            throw OptionValues.fault(.from, text, accepts: "the name of a volume")
        }
        self.volume = volume
        if given[.mkfsOptions] != nil {
            throw VolumeError.refusedCreate(
                "mkfs-options are given, and a clone has the filesystem of the volume that it is made of",
                remedy: "leave out mkfs-options, or from")
        }
        if let adopt = given[.adopt], Adoption(adopt) != Adoption.none {
            throw VolumeError.refusedCreate(
                "adopt and from are given: both say what the new volume is to hold", remedy: "leave out one of them")
        }
    }

    private static func snapshot(_ text: String) throws(VolumeError) -> SnapshotName {
        guard let name = try? SnapshotName(text) else {
            throw OptionValues.fault(.fromSnapshot, text, accepts: "the name of a snapshot")
        }
        return name
    }
}

extension AskedClone {
    /// The first of its options that a volume has otherwise, as `(option, what it has)`.
    func contradiction(to origin: Origin) -> (option: VolumeOption, has: String)? {
        guard case .cloned(let parent) = origin, parent.volume == volume else {
            guard case .cloned(let other) = origin else { return (.from, "") }
            return (.from, other.volume.given)
        }
        guard let snapshot, parent.isOfNow || parent.snapshot != snapshot else { return nil }
        return (.fromSnapshot, parent.isOfNow ? "" : parent.snapshot.text)
    }
}
