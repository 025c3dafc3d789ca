// What people are told about the settings of the plugin itself.
extension SettingDescription {
    static let volumes: [SettingDescription] = [
        .init(.defaultPool, .volumes, .none, "Pool of a volume that is created without the option `pool`."),
        .init(
            .defaultSize, .volumes, .text("512"),
            "Size of a volume that is created without `size`: a number of MB, or with a unit as in `512M`, `10G`, `1T`."
        ),
        .init(
            .defaultFilesystem, .volumes, .text("ext4"),
            "Filesystem of a volume that is created without `fstype`: `ext4`, `xfs` or `btrfs`."),
        .init(
            .defaultOrder, .volumes, .text("22"),
            "Objects are 2^order bytes: 12 to 25. 22 is 4 MiB."),
        .init(
            .defaultFeatures, .volumes,
            .computed(
                "`RBD_CONF_CLIENT_RBD_DEFAULT_FEATURES`, else `\(FeatureList.standard.names.joined(separator: ","))`"),
            "Image features of a volume that is created without `features`: names separated by commas, or their number."
        ),
        .init(
            .allowedPools, .volumes, .none,
            "The pools that new volumes may use, for images and for data (`data-pool`), separated by commas. Without it all that the caps of `RBD_CONF_KEYRING_USER` reach."
        ),
        .init(
            .allowAdopt, .volumes, .text("false"),
            "`true` lets volumes be created with the option `adopt`: from any image of these pools that no client has open."
        ),
        .init(
            .maxSize, .volumes, .none,
            "The largest size that a new or adopted volume may have, written as `RBD_DEFAULT_SIZE`. Without it any size that the pool can hold."
        ),
        .init(
            .maxVolumes, .volumes, .text("200000"),
            "How many volumes there may be below `ETCD_PREFIX`. That many fit into the 2 GB that etcd holds unless told otherwise."
        ),
        .init(
            .scope, .volumes, .text("global"),
            "What Docker is told about volumes: `global` (the same on every node) or `local`."),
    ]

    static let devices: [SettingDescription] = [
        .init(
            .mapper, .devices, .text("auto"),
            "How an image becomes a block device: `krbd` (the kernel's driver), `nbd`, `fuse` (in user space), or `auto`, the first of them that works here. It can be changed while volumes are mounted."
        ),
        .init(
            .mapOptions, .devices, .none,
            "Options for mapping every volume, separated by commas, as `rbd map --options` takes them."),
        .init(
            .mountOptions, .devices, .none,
            "Options for mounting every volume, separated by commas: `nosuid`, `nodev`, `noexec`, `nosymfollow`, and SELinux' `context=`, `fscontext=`, `defcontext=`, `rootcontext=`. They follow the volume's own `mount-options`, which cannot undo them. They take effect at the next mount."
        ),
        .init(
            .mapDeviceRoot, .devices, .text("/dev/rbd"),
            "Accepted for compatibility. Devices are found by asking the kernel, not through udev's links below this folder."
        ),
        .init(
            .stateDirectory, .devices, .text("/run/rbd-plugin"),
            "Folder for what has to outlive the plugin, but not a reboot: notes of its own mappings and connections, and the rendered `ceph.conf` and keyring."
        ),
    ]

    static let node: [SettingDescription] = [
        .init(
            .nodeName, .node, .computed("the host name"),
            "Name of this node in etcd and in messages. It must differ between nodes and stay the same over reboots."),
        .init(
            .nodeTTL, .node, .text("30s"),
            "How long this node counts as alive in etcd after its last sign of life. More than twice `ETCD_TIMEOUT`."),
        .init(
            .operationsPerPool, .node, .text("16"),
            "How many volumes of one Ceph pool this node works on at a time, from 1 to 256. Further calls wait in line. Pools do not share: one that hangs leaves the others theirs."
        ),
    ]

    static let time: [SettingDescription] = [
        .init(
            .operationTimeout, .time, .text("25s"),
            "What one call from Docker may take in all. Keep it under `docker plugin enable --timeout` (30 s unless given)."
        ),
        .init(
            .cephTimeout, .time, .text("10s"),
            "What one request to Ceph may take. Together with `ETCD_TIMEOUT`, and with `MOUNT_WAIT`, less than `OPERATION_TIMEOUT`."
        ),
        .init(
            .etcdTimeout, .time, .text("8s"), "What one request to etcd may take. etcd's own limit is about 7 s."),
        .init(
            .mountWait, .time, .text("10s"),
            "How long a mount waits for another node to let go of the volume before it is refused. `0` does not wait."),
        .init(
            .blocklistExpiry, .time, .text("10y"),
            "How long a client that was fenced stays on Ceph's blocklist."),
    ]

    static let log: [SettingDescription] = [
        .init(
            .logLevel, .log, .text("info"),
            "`0` or `error`, `1` or `warn`, `2` or `info`, `3` or `debug`."),
        .init(
            .logFormat, .log, .text("text"),
            "`text` or `json`, one line an event. In a container warnings and errors go to standard error and all else to standard output, without a time, which the container's engine adds; elsewhere all goes to standard error."
        ),
    ]
}
