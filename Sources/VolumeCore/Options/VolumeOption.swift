/// The options of `docker volume create -o`, by the names that users give them.
public enum VolumeOption: String, Sendable, CaseIterable {
    case pool, size, fstype, order, features
    case dataPool = "data-pool"
    case namespace
    case mkfsOptions = "mkfs-options"
    case mountOptions = "mount-options"
    case mapOptions = "map-options"
    case uid, gid, mode, adopt, protect

    /// `mkfsOptions` is what later releases of the predecessor call `mkfs-options`.
    public init?(name: String) {
        if name == "mkfsOptions" {
            self = .mkfsOptions
        } else {
            self.init(rawValue: name)
        }
    }
}
