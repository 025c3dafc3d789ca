/// The options of `docker volume create -o`, by the names that the plugin gives them. People may write them otherwise (`OptionName`).
public enum VolumeOption: String, Sendable, CaseIterable {
    case pool, size, fstype, order, features
    case dataPool = "data-pool"
    case namespace
    case stripeUnit = "stripe-unit"
    case stripeCount = "stripe-count"
    case mkfsOptions = "mkfs-options"
    case mountOptions = "mount-options"
    case mapOptions = "map-options"
    case uid, gid, mode, adopt, from
    case fromSnapshot = "from-snapshot"
    case access, protect, policy
}
