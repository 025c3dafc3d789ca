// What people are told about the options of a volume.
extension VolumeOption {
    var told: OptionDescription {
        switch self {
        case .pool:
            .init(
                rawValue, "NAME", withoutDefault: "required if `RBD_DEFAULT_POOL` is not set", "The pool of the image."
            ) { $0.pool }
        case .size: .init(rawValue, "SIZE", Self.sizeMeaning) { "\($0.size)" }
        case .fstype:
            .init(
                rawValue, "TYPE",
                "The filesystem: `ext4`, `xfs` or `btrfs`, in small or capital letters. Also named `filesystem`."
            ) { $0.filesystem.rawValue }
        case .order:
            .init(
                rawValue, "NUMBER",
                "The image's objects are 2^order bytes, from 12 (4 KiB) to 25 (32 MiB). 22 is 4 MiB."
            ) { "\($0.order)" }
        case .features:
            .init(
                rawValue, "NAMES",
                "Image features: names separated by commas or blanks, in small or capital letters, or their number. Also `journaling`, which the kernel's driver cannot map."
            ) { $0.features.names.joined(separator: ",") }
        case .dataPool:
            .init(
                rawValue, "NAME",
                "Pool for the data, for instance an erasure-coded pool. The image's metadata stays in `pool`.")
        case .namespace:
            .init(
                rawValue, "NAME",
                "RADOS namespace within the pool. It must exist (`rbd namespace create`).")
        case .stripeUnit:
            .init(
                rawValue, "SIZE",
                "How much goes to one of the image's objects before the next: `65536` (bytes), `64K`, `1M`. A power of two, at most the object size, and only together with `stripe-count`. Small writes in a row then reach several OSDs at once; without it, one object is filled before the next. The kernel's driver maps such images since Linux 4.17."
            )
        case .stripeCount:
            .init(
                rawValue, "NUMBER",
                "To how many objects in turn, from 1 to 1024. Only together with `stripe-unit`.")
        case .mkfsOptions:
            .init(
                rawValue, "WORDS",
                "Arguments for mkfs, separated by blanks, such as `-i 8192`. The plugin refuses, by name, arguments that reach beyond the volume: other devices, files of the host, a panic of the host on errors."
            ) { $0.mkfsOptions.text(separator: " ") }
        case .mountOptions:
            .init(
                rawValue, "WORDS",
                "Options for mount, separated by commas, such as `noatime,discard`. The plugin accepts those of the filesystem and those that all filesystems have. It refuses all others by name, such as those that reach beyond the volume: other devices, `errors=panic`."
            ) { $0.mountOptions.text(separator: ",") }
        case .mapOptions:
            .init(
                rawValue, "WORDS",
                "Options of the kernel's driver that tune this volume's mapping, separated by commas. They are `queue_depth`, `alloc_size`, `notrim`, `read_from_replica`, `crush_location`, `compression_hint`, `rxbounce`, `abort_on_full`, `lock_timeout`, `tcp_nodelay`, `notcp_nodelay`. They follow those of `RBD_MAP_OPTIONS`. All other options belong there: here the plugin refuses, by name, options that concern the connection to the cluster."
            )
        case .uid: .init(rawValue, "NUMBER", "Owner of the volume's root directory, a number.")
        case .gid: .init(rawValue, "NUMBER", "Group of the volume's root directory, a number.")
        case .mode: .init(rawValue, "MODE", "Mode of the volume's root directory, octal: `0750`.")
        case .adopt: .init(rawValue, "true|own|false", Self.adoptMeaning) { _ in "false" }
        case .from:
            .init(
                rawValue, "VOLUME",
                "Make the volume out of another one, without copying its data: a clone. It has what that volume holds now, or held when `from-snapshot` was taken. What both have in common is stored once, so the other volume cannot be removed as long as its clone needs it. The clone has the filesystem of the other volume, with a UUID of its own, and everything else that its own options do not say: pool, size, image features, mount options. A larger `size` makes the clone larger; a smaller one is refused."
            )
        case .fromSnapshot:
            .init(
                rawValue, "NAME",
                "The snapshot of the volume `from` that the volume is made out of. `rbd-plugin snapshot ls` shows those that there are."
            )
        case .access:
            .init(
                rawValue, "read-only|read-write",
                "`read-only`: no container can write to the volume, whatever its mount options say. Together with `from`, any number of nodes have it mounted at once. It is decided when the volume is created, and for good."
            ) { _ in "read-write" }
        case .protect:
            .init(
                rawValue, "true|false",
                "`true`: every node refuses to remove the volume. An operator can lift the protection with `rbd-plugin volume unprotect NAME`, and protect an existing volume with `rbd-plugin volume protect NAME`."
            ) { _ in "false" }
        case .policy:
            .init(
                rawValue, "NAME", withoutDefault: "`default`, if there is a policy of that name",
                "The policy that the volume follows.")
        }
    }

    private static let sizeMeaning = [
        "A number of MB (2^20 bytes), or with a unit: `512M`, `1.5G`, `10GiB`, `10 GB`, `1T`.",
        "Units are powers of 1024, whichever way they are written, and a fraction must come to whole MB.",
        "At least \(bounds(\.minimumSize)); at most \(bounds(\.maximumSize)).",
        "With the feature `object-map`, at most 2^27 objects: 512T in objects of 4 MiB, 4P with `order=25`.",
        "Without it, at most 2^24 objects, because a removal looks for each of them: 64T, or 512T with `order=25`.",
    ].joined(separator: " ")

    /// `8M for ext4, 300M for xfs`.
    private static func bounds(_ size: (FilesystemFacts) -> VolumeSize) -> String {
        FilesystemType.allCases.map { "\(size($0.facts)) for \($0.rawValue)" }.joined(separator: ", ")
    }

    private static let adoptMeaning = [
        "`true`: use an existing image of that name that belongs to no volume, with what is on it.",
        "The plugin never formats the image, and leaves it alone when the volume is removed.",
        "`own`: the same, but `docker volume rm` deletes the image like any other. Both need `RBD_ALLOW_ADOPT`.",
        "The plugin refuses the create if there is no such image, if the image has no filesystem, or if it has a filesystem other than `fstype` says.",
        "Without `fstype`, the filesystem on the image counts.",
    ].joined(separator: " ")
}
