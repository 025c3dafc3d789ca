import VolumeCore

// What people are told about the settings of the plugin itself.
extension SettingDescription {
    static let volumes: [SettingDescription] = [
        .init(.defaultPool, .volumes, .none, "Pool of a volume that is created without the option `pool`."),
        .init(
            .defaultSize, .volumes, .text("512"),
            "Size of a volume that is created without `size`: a number of MB, or a number with a unit, such as `512M`, `10G`, `1T`."
        ),
        .init(
            .defaultFilesystem, .volumes, .text("ext4"),
            "Filesystem of a volume that is created without `fstype`: \(oneOf(FilesystemType.allCases.map(\.rawValue)))."
        ),
        .init(
            .defaultOrder, .volumes, .text("22"),
            "Objects are 2^order bytes: 12 to 25. 22 is 4 MiB."),
        .init(
            .defaultFeatures, .volumes,
            .computed(
                "`RBD_CONF_CLIENT_RBD_DEFAULT_FEATURES`, else `\(ImageFeatures.standard.names.joined(separator: ","))`"),
            "Image features of a volume that is created without `features`: names separated by commas, or their number."
        ),
        .init(
            .defaultMkfsOptions, .volumes, .none,
            "`mkfs-options` of a volume that is created without them, for each filesystem: `ext4:-m 0;xfs:-i size=1024`. A filesystem that is not named there gets none."
        ),
        .init(
            .defaultMountOptions, .volumes, .none,
            "`mount-options` of a volume that is created without them: a list that every filesystem takes, such as `noatime`, or one for each, such as `ext4:noatime,commit=30;xfs:noatime`. The volume keeps them when the setting changes; `RBD_MOUNT_OPTIONS` is for what must hold of every mount."
        ),
        .init(
            .allowedPools, .volumes, .none,
            "The pools that new volumes may use, for images and for data (`data-pool`), separated by commas. If it is not set, all pools that the caps of `RBD_CONF_KEYRING_USER` reach."
        ),
        .init(
            .allowAdopt, .volumes, .text("false"),
            "`true` allows the option `adopt`, which makes a volume of any image of these pools that no client has open."
        ),
        .init(
            .maxSize, .volumes, .none,
            "The largest size that a new or adopted volume may have, written like `RBD_DEFAULT_SIZE`. If it is not set, any size that the pool can hold."
        ),
        .init(
            .maxVolumes, .volumes, .text("200000"),
            "The maximum number of volumes below `ETCD_PREFIX`. The default number fits into the 2 GB that etcd holds by default."
        ),
        .init(
            .scope, .volumes, .text("global"),
            "The scope that the plugin reports to Docker: `global` (volumes are the same on every node) or `local`."),
    ]

    /// `a`, `b` or `c`.
    private static func oneOf(_ names: [String]) -> String {
        let marked = names.map { "`\($0)`" }
        return (marked.dropLast(2) + [marked.suffix(2).joined(separator: " or ")]).joined(separator: ", ")
    }

    static let devices: [SettingDescription] = [
        .init(
            .mapper, .devices, .text("auto"),
            "How an image becomes a block device: `krbd` (the kernel's driver), `nbd`, `fuse` (in user space), or `auto`, the first of them that works here. You can change it while volumes are mounted."
        ),
        .init(
            .mapOptions, .devices, .none,
            "Options for mapping every volume, separated by commas, as for `rbd map --options`."),
        .init(
            .mountOptions, .devices, .none,
            "Options for mounting every volume, separated by commas: `nosuid`, `nodev`, `noexec`, `nosymfollow`, and SELinux' `context=`, `fscontext=`, `defcontext=`, `rootcontext=`. They follow the volume's own `mount-options`, which cannot undo them. They take effect at the next mount."
        ),
        .init(
            .mapDeviceRoot, .devices, .text("/dev/rbd"),
            "Accepted for compatibility, without effect. The plugin finds devices by asking the kernel, not through udev's links below this folder."
        ),
        .init(
            .stateDirectory, .devices, .text("/run/rbd-plugin"),
            "Folder for files that must outlive the plugin, but not a reboot: notes of its own mappings and connections, and the rendered `ceph.conf` and keyring."
        ),
    ]

    static let node: [SettingDescription] = [
        .init(
            .nodeName, .node, .computed("the host name"),
            "Name of this node in etcd and in messages. It must be different on every node, and stay the same across reboots."
        ),
        .init(
            .nodeTTL, .node, .text("30s"),
            "How long this node counts as alive after its last heartbeat in etcd. It must be more than twice `ETCD_TIMEOUT`."
        ),
        .init(
            .operationsPerPool, .node, .text("16"),
            "The maximum number of operations that this node runs per Ceph pool, from 1 to 256. Further calls wait in line. A pool that hangs does not hold up other pools."
        ),
    ]

    static let time: [SettingDescription] = [
        .init(
            .operationTimeout, .time, .text("25s"),
            "The time limit of one call from Docker. Keep it below `docker plugin enable --timeout` (default: 30 s)."
        ),
        .init(
            .cephTimeout, .time, .text("10s"),
            "The time limit of one request to Ceph. Its sum with `ETCD_TIMEOUT`, and its sum with `MOUNT_WAIT`, must be less than `OPERATION_TIMEOUT`."
        ),
        .init(
            .etcdTimeout, .time, .text("8s"), "The time limit of one request to etcd. etcd's own limit is about 7 s."),
        .init(
            .mountWait, .time, .text("10s"),
            "How long a mount waits for another node to let go of the volume before the plugin refuses it. With `0` it does not wait."
        ),
        .init(
            .blocklistExpiry, .time, .text("10y"),
            "How long a fenced client stays on Ceph's blocklist."),
        .init(
            .historyKeep, .time, .text("30d"),
            "How long the history of volumes is kept, which `rbd-plugin history` shows. With `0` this node writes none. etcd keeps at most 500 entries for each volume and 20,000 in sum, whatever their age."
        ),
    ]

    static let metrics: [SettingDescription] = [
        .init(
            .metricsListen, .metrics, .none,
            "Where Prometheus reads the metrics over TCP: a port, which is on 127.0.0.1 then, or a numeric address and a port, such as `10.0.0.1:9285` or `[::1]:9285`. Nothing but `GET /metrics` is answered there. An address that is not a loopback address needs `METRICS_TOKEN_FILE`. Without this setting, metrics are on the plugin's socket only."
        ),
        .init(
            .metricsTokenFile, .metrics, .none,
            "A file with the token that clients of `METRICS_LISTEN` have to show (`Authorization: Bearer TOKEN`). It is read at each request, so a new token needs no restart."
        ),
        .init(
            .metricsVolumes, .metrics, .text("200"),
            "The maximum number of mounted volumes that have metrics of their own, from 0 to 10000. If this node has more, those that come first by name have them, and `rbd_plugin_volumes_without_metrics` says how many do not."
        ),
    ]

    static let log: [SettingDescription] = [
        .init(
            .logLevel, .log, .text("info"),
            "`0` or `error`, `1` or `warn`, `2` or `info`, `3` or `debug`."),
        .init(
            .logFormat, .log, .text("text"),
            "`text` or `json`, one line per event. In a container, warnings and errors go to standard error and everything else to standard output, without the time, because the container's engine adds it. Elsewhere everything goes to standard error."
        ),
    ]
}
